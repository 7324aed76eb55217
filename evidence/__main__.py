"""The command line: `python -m evidence verify FILE …`; `ledger` for a whole log; `witness`."""

import sys

from evidence import serving, verify, wholelog

OTHERS = {"witness": serving.main, "ledger": wholelog.main}
if sys.argv[1:2] and sys.argv[1] in OTHERS:
    sys.exit(OTHERS[sys.argv[1]](sys.argv[2:]))
sys.exit(verify.main(sys.argv[1:]))
