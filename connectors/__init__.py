"""Sense and act: read directories completely, change them idempotently, read the change back.

A connector speaks one vendor's wire and hands over vendor-neutral records (`records.py`). It
promises three things the house stands on:

* a read says of itself whether it was complete, and never looks complete when it was not;
* a write *ensures* a state, so that doing it twice is the same as doing it once;
* whatever goes wrong leaves as one of the errors of `errors.py`, in one sentence with a way out.

Nothing here knows Flask, SQLAlchemy or the house itself.
"""
