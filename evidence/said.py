"""What a check says: an English sentence that can be said otherwise.

The library speaks English. A sentence keeps its template and what stands in it, so that whoever
shows it to people can say it in their language, down to the sentences inside of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Said(str):  # noqa: SLOT000 - a str has no room for slots
    """A sentence that knows how it was made.

    Attributes:
        template: With named places, `%(name)s`; a percent sign of its own is doubled.
        values: What stands in them: plain values, or sentences.
    """

    template: str
    values: Mapping[str, object]


def said(template: str, /, **values: object) -> Said:
    """Say a sentence.

    Args:
        template: English, with named places.
        values: What stands in them.

    Returns:
        The sentence.
    """
    sentence = Said(template % values)
    sentence.template, sentence.values = template, values
    return sentence


def template(text: str) -> str:
    """Mark a template that is said elsewhere, so that whoever collects them finds it.

    Args:
        text: The template.

    Returns:
        The same.
    """
    return text


def told_by(error: Exception) -> Said:
    """Give what a refusal says, as a sentence that knows how it was made.

    Args:
        error: The refusal.

    Returns:
        Its sentence; of a plain one, the text is its own template.
    """
    text = error.args[0] if error.args else ""
    return text if isinstance(text, Said) else plain(str(text))


def plain(text: str) -> Said:
    """Say a sentence without places."""
    return said(text.replace("%", "%%"))


def in_a_row(sentences: Sequence[str], between: str = "; ") -> Said:
    """Put sentences one behind the other."""
    values = {f"part{number}": each for number, each in enumerate(sentences)}
    return said(between.join(f"%({name})s" for name in values), **values)


def to_json(sentence: Said) -> dict[str, object]:
    """Give a sentence a form that can be kept.

    Args:
        sentence: The sentence.

    Returns:
        Its template and values, for `from_json`.
    """
    values = {
        name: to_json(each) if isinstance(each, Said) else str(each)
        for name, each in sentence.values.items()
    }
    return {"template": sentence.template, "values": values}


def from_json(kept: Mapping[str, Any]) -> Said:
    """Say again what was kept.

    Args:
        kept: From `to_json`.

    Returns:
        The sentence.
    """
    values = {
        name: from_json(each) if isinstance(each, Mapping) else each
        for name, each in kept["values"].items()
    }
    words = str(kept["template"])
    return said(words, **values)
