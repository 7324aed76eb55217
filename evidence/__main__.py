"""The command line: `python -m evidence verify FILE [--key VKEY] [--trust CA.pem] [--json]`."""

import sys

from evidence.verify import main

sys.exit(main(sys.argv[1:]))
