"""What commands say, said in the reader's language; what has no other words stays as it is.

A page says it so; the API, the command line and the ledger keep the English it was said in.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.kernel.phrases import Phrase
from evidence.said import Said

# What the library of forms says of a field, by what it looks like in English.
_LEAST_AND_MOST = r"(?P<least>\S+) and less than or equal to (?P<most>\S+)"
OF_FORMS: Sequence[tuple[str, Any]] = (
    (r"Missing data for required field", _("This is needed.")),
    (r"Field may not be null", _("This is needed.")),
    (r"Unknown field", _("There is no such field.")),
    (r"Not a valid (?:string|boolean|list|date|uuid|email address)", _("This is not valid.")),
    (r"Not a valid (?:integer|number)", _("Write a whole number.")),
    (r"String does not match expected pattern", _("This is not valid.")),
    (r"Shorter than minimum length (?P<least>\d+)", _("At least %(least)s characters.")),
    (r"Longer than maximum length (?P<most>\d+)", _("At most %(most)s characters.")),
    (
        r"Length must be between (?P<least>\d+) and (?P<most>\d+)",
        _("Between %(least)s and %(most)s characters."),
    ),
    (r"Must be one of: (?P<ones>.*)", _("One of: %(ones)s.")),
    (rf"Must be greater than or equal to {_LEAST_AND_MOST}", _("Between %(least)s and %(most)s.")),
)
# Texts that stand elsewhere as plain constants: titles of refusals, states in sentences.
CONSTANTS = (
    _("Refused"),
    _("Some fields are wrong"),
    _("Sign in first"),
    _("Sign in once more"),
    _("Not permitted"),
    _("The policy refuses this"),
    _("Not found"),
    _("It has moved on"),
    _("Nothing to change"),
    _("Too many requests"),
    _("A change without a record"),
    _("The source did not do it"),
    _("Not understood"),
    _("Not possible here"),
    _("Too much at once"),
    _("Something went wrong"),
    _("There is nothing at this address."),
    _("This address does not do what was asked of it."),
    _("The fault is ours. Nothing was changed. Give the request id to your operator."),
    _("accepted"),
    _("adopted"),
    _("answered"),
    _("approve"),
    _("approved"),
    _("cancelled"),
    _("closed"),
    _("complete"),
    _("done"),
    _("failed"),
    _("held"),
    _("incomplete"),
    _("launching"),
    _("open"),
    _("parked"),
    _("queued"),
    _("ready"),
    _("received"),
    _("refuse"),
    _("refused"),
    _("running"),
    _("skipped"),
    _("verified"),
    _("waiting"),
)


def say(text: Any) -> Any:
    """Say something that a command said, in the language of whoever looks.

    Args:
        text: A sentence, a state, or anything else, which stays as it is.
    """
    if isinstance(text, Phrase):
        values = {name: say(each) for name, each in text.values.items()}
        return str(gettext(text.template)) % values
    if isinstance(text, Said):
        values = {name: say(x) if isinstance(x, Said) else x for name, x in text.values.items()}
        return str(gettext(text.template)) % values
    if isinstance(text, StrEnum):
        return str(gettext(text.value))
    if not isinstance(text, str) or not text:
        return text
    for pattern, words in OF_FORMS:
        found = re.fullmatch(rf"{pattern}\.", text)
        if found:
            return str(words) % found.groupdict()
    return str(gettext(text))
