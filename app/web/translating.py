"""The texts of the pages in other languages: `python -m app.web.translating` collects them anew.

Every text of templates and routes stands in `translations/LANGUAGE/LC_MESSAGES/messages.po`, sorted
and without places and dates, so that a change of a text changes its lines and no others. What
Flask reads, `messages.mo`, is compiled beside it by the build of the assets.
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from connectors.registry import BUILT_IN, kind

APP = Path(__file__).parents[1]
EVIDENCE = APP.parent / "evidence"
FOLDER = Path(__file__).parent / "translations"
LANGUAGES = ("de",)
HEADER = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"

"""
WHERE = [
    ("web/assets/**", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
]
STRICT = {"**/templates/**.html": {"silent": "false"}}
OF_CHECKS = {"said": None, "template": None, "VerificationError": None}  # of `evidence/`
KEYWORDS = {
    "_": None,
    "gettext": None,
    "phrase": None,  # what commands say, `app/kernel/phrases.py`
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),  # where one English word is several in another language
}
NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # the compiled form has to have a date; the same always


def main() -> int:
    """Collect the texts anew, keep the translations there are, and say what is left to do.

    Returns:
        The exit code: 0 all is translated, 1 something is not.
    """
    texts = collected()
    is_whole = True
    for language in LANGUAGES:
        catalog = _merged(texts, catalog_of(language), language)
        po_path(language).write_text(written(catalog), encoding="utf-8")
        missing = [str(name(each)) for each in catalog if each.id and not is_translated(each)]
        is_whole = is_whole and not missing
        sys.stderr.writelines(f"{language}: not translated: {text}\n" for text in missing)
    compile_all()
    return 0 if is_whole else 1


def collected() -> Catalog:
    """Return every text of the code and the templates, not translated.

    What a check of a bundle says stands with the verifier, which knows of no language either; what
    the keys of a kind of source are for stands with the kind, which knows of no language.
    """
    catalog = Catalog()
    found = extract_from_dir(
        str(APP), method_map=WHERE, options_map=STRICT, keywords=KEYWORDS, strip_comment_tags=True
    )
    for _path, _line, text, _comments, context in found:
        catalog.add(text, context=context)
    checks = extract_from_dir(str(EVIDENCE), [("**.py", "python")], keywords=OF_CHECKS)
    for _path, _line, text, _comments, _context in checks:
        catalog.add(text)
    for each in BUILT_IN:
        for key in kind(each).keys:
            catalog.add(key.help)
    return catalog


def catalog_of(language: str) -> Catalog:
    """Return the translations there are into a language."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def written(catalog: Catalog) -> str:
    """Write a catalogue as its file holds it, the same for the same texts."""
    body = io.BytesIO()
    write_po(body, catalog, width=0, no_location=True, omit_header=True, sort_output=True)
    head = HEADER.format(language=catalog.locale, plurals=catalog.plural_forms)
    return head + body.getvalue().decode()


def compile_all() -> bool:
    """Compile what is newer than its compiled form.

    Returns:
        Whether anything had to be done.
    """
    return sum(_compiled(language) for language in LANGUAGES) > 0


def po_path(language: str) -> Path:
    """Return where the translations into a language stand."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def name(message: Message) -> str:
    """Return the text as it is in the code; of one with a plural, the singular."""
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> Iterator[tuple[str, str]]:
    """Yield each form of a text with its translation."""
    if isinstance(message.id, str):
        yield message.id, str(message.string or "")
        return
    strings = message.string if isinstance(message.string, list | tuple) else ("", "")
    yield from zip(message.id, strings, strict=True)


def is_translated(message: Message) -> bool:
    """Tell whether every form has a translation that somebody stands for."""
    return not message.fuzzy and all(translation for _text, translation in forms(message))


def _merged(texts: Catalog, known: Catalog, language: str) -> Catalog:
    """Return the texts with what is translated of them; what is no longer said is left out."""
    merged = Catalog(locale=language)
    for each in texts:
        if not each.id:
            continue
        before = known.get(name(each), each.context)
        keeps = before is not None and before.pluralizable == each.pluralizable
        merged.add(
            each.id,
            string=before.string if before is not None and keeps else None,
            flags=before.flags - {"python-format"} if before is not None else (),
            user_comments=before.user_comments if before is not None else (),
            context=each.context,
        )
    return merged


def _compiled(language: str) -> bool:
    source = po_path(language)
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    catalog = catalog_of(language)
    catalog.creation_date = catalog.revision_date = NEVER
    fresh = target.with_suffix(".new")
    with fresh.open("wb") as file:
        write_mo(file, catalog)
    fresh.replace(target)
    return True


if __name__ == "__main__":
    sys.exit(main())
