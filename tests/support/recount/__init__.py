"""Every number of a report, counted again from the files of its bundle alone.

Nothing of the product counts here: plain loops over the rows, written from the words of
`docs/reference/bundle.md`. For each place of a report that shows a number there is a recount: the
texts with numbers that have to stand there, in their order. What is left of the place once they are
taken out may hold no digit, so a number that nothing recounts is found.
"""

import re
from collections.abc import Sequence

from evidence.pdf.document import Report
from support.recount.cover import cover
from support.recount.files import Files
from support.recount.sections import section

__all__ = ["Files", "places", "unexplained", "wrong_places"]


def unexplained(text: str, expected: Sequence[str]) -> str:
    """Return what of a text the expected ones do not account for; empty: nothing with a digit.

    Args:
        text: What a place shows.
        expected: What has to stand there, in this order.
    """
    rest, begin = "", 0
    for each in filter(None, expected):
        found = text.find(each, begin)
        if found < 0:
            return f"not there: {each!r}, in {text!r}"
        rest, begin = rest + text[begin:found] + "|", found + len(each)
    rest += text[begin:]
    return f"nothing recounts: {rest!r}" if re.search(r"\d", rest) else ""


def places(files: Files, report: Report) -> list[tuple[str, str, Sequence[str]]]:
    """Return each place of a report, what it shows, and which texts with numbers belong there."""
    every = [*cover(files, report)]
    for shown in report.sections:
        every += section(files, shown)
    return every


def wrong_places(files: Files, report: Report) -> list[str]:
    """Return every place of a report whose numbers are not those of the files, or unknown."""
    every = places(files, report)
    found = [(place, unexplained(text, expected)) for place, text, expected in every]
    return [f"{place}: {why}" for place, why in found if why]
