"""The command line: `python -m evidence verify FILE …`, and `witness` to cosign a log's heads."""

import sys

from evidence import serving, verify

if sys.argv[1:2] == ["witness"]:
    sys.exit(serving.main(sys.argv[2:]))
sys.exit(verify.main(sys.argv[1:]))
