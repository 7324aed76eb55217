"""The house. One flow leads through it; every folder is one room of that flow.

    KNOW                   DECIDE                  ACT                     PROVE
    directory -> catalog   requests  -+
                           reviews   -+-> grants   provisioning -> verify  audit -> bundle
                           lifecycle -+            notices
                           rulebook judges

`kernel/` is what every room stands on: the clock, identifiers, settings, the unit of work and the
ledger. `web/` and `cli/` are the doors. `events.py` is the vocabulary of all that can happen, and
`wiring.py` says who listens. The three libraries beside this package (`connectors`, `policies`,
`evidence`) are its tools and know nothing of it.
"""
