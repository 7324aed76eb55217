"""Sentences of the house to people: said in English, and such that they can be said otherwise.

Commands know no language and no web. What they say is English, for the API, the command line and
the log; it keeps its template and its values, so that a page can say it in the reader's language
(`web/saying.py`). The templates are collected with the texts of the pages.
"""

from collections.abc import Mapping
from typing import Any


class Phrase(str):  # noqa: SLOT000 - a str has no room for slots
    """An English sentence that knows how it was made.

    Attributes:
        template: With named places, `%(name)s`.
        values: What stands in them.
    """

    template: str
    values: Mapping[str, Any]


def phrase(template: str, /, **values: Any) -> Phrase:
    """Say a sentence.

    Args:
        template: English, with named places (`%(name)s`); a percent sign of its own is doubled.
        values: What stands in the places.
    """
    sentence = Phrase(template % values)
    sentence.template, sentence.values = template, values
    return sentence
