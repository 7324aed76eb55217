"""Every text has its German, and who reads German gets German: words, dates, numbers."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from typing_extensions import override

from app.kernel import errors, schema
from app.kernel.db import prepare
from app.web import problems, translating, words
from app.web.assets import build
from support.cast import Cast, bring_in
from support.house import TestHouse, open_house
from support.visitor import Visitor

VECTORS = Path(__file__).parents[1] / "vectors" / "bundles"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|#+|<[^>]+>")
SPOKEN = ("aria-label", "placeholder", "title", "alt", "data-label")
AS_WRITTEN = {"bdi", "code", "kbd", "pre", "script", "style", "textarea"}
MARKERS = {"the", "you", "your", "nothing", "every", "nobody", "which", "with", "and", "not"}
IN_ENGLISH = (  # what is not said by pages: the reference, checks of health, a policy's own words
    (re.compile("/settings"), re.compile("")),
    (re.compile("/operations|/"), re.compile("No worker runs")),
    (re.compile("/policies/.+"), re.compile("")),
)
NEVER_ON_A_PAGE = {"A change without a record"}  # answered as a fault of ours
PEOPLE = {"reviewer": "1002", "auditor": "1004", "operator": "1007", "administrator": "1008"}
LIKED = {"zone": "Europe/Berlin", "language": "de"}


class Spoken(HTMLParser):
    """What a page says in its own words, without what it only shows: names, codes, typing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._shown = 0
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._shown += tag in AS_WRITTEN
        self.said.extend(value for name, value in attrs if name in SPOKEN and value)

    @override
    def handle_endtag(self, tag: str) -> None:
        self._shown -= tag in AS_WRITTEN

    @override
    def handle_data(self, data: str) -> None:
        if not self._shown and data.strip():
            self.said.append(" ".join(data.split()))


class German:
    """One house, opened once, with a browser for each persona, all of whom chose German."""

    def __init__(self, cast: Cast) -> None:
        self.house: TestHouse = cast.house
        self.token = cast.tokens["dana"]
        self.app: Flask = self.house.app()
        self.people = {role: self._reader(who) for role, who in PEOPLE.items()}

    def _reader(self, who: str) -> Visitor:
        reader = Visitor(self.app).sign_in(self.house.tx, who)
        assert reader.submit("/account/preferences", LIKED, on="/account").status_code == 303
        text = reader.page("/account")
        assert '<html lang="de">' in text
        assert "Gemerkt." in text
        assert "Kept." not in text
        return reader

    def pages(self, role: str) -> dict[str, str]:
        """Return every page without an id that somebody may see, and those they lead to first."""
        rules = [rule for rule in self.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        own = [r.rule for r in rules if r.endpoint.split(".")[0].endswith("_pages")]
        opened = {path: self._open(role, path) for path in own if "<" not in path}
        led = {way for text in opened.values() for way in re.findall(r'href="(/\w[^"#?]*)"', text)}
        deeper = [
            way for way in sorted(led - opened.keys()) if not way.startswith(("/api", "/ass"))
        ]
        opened |= {path: self._open(role, path) for path in deeper}
        return {path: text for path, text in opened.items() if "<!doctype html>" in text}

    def _open(self, role: str, path: str) -> str:
        answer = self.people[role].get(unescape(path))
        is_page = answer.status_code == 200 and answer.content_type.startswith("text/html")
        return answer.get_data(as_text=True) if is_page else ""


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[German]:
    folder: Path = tmp_path_factory.mktemp("german")
    url = f"sqlite:///{folder / 'attestry.sqlite3'}"
    engine = sa.create_engine(url)
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    for house in open_house(folder, url):
        yield German(bring_in(house))


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """Yield each form of each text with its translation."""
    for message in translating.catalog_of(language):
        if message.id:
            yield from translating.forms(message)


def kinds_of(error: type[errors.AttestryError]) -> Iterator[type[errors.AttestryError]]:
    """Yield every kind of an error that the house itself knows."""
    for kind in error.__subclasses__():
        if kind.__module__.startswith("app."):
            yield kind
        yield from kinds_of(kind)


# --- the catalogue ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", translating.LANGUAGES)
def test_every_text_of_the_code_is_translated(language: str) -> None:
    known = translating.catalog_of(language)
    missing = []
    for text in translating.collected():
        found = known.get(translating.name(text), text.context) if text.id else text
        if text.id and (
            found is None or found.id != text.id or not translating.is_translated(found)
        ):
            missing.append(text.id)
    assert missing == [], "run `make translations`, and say these in the language, too"


@pytest.mark.parametrize("language", translating.LANGUAGES)
def test_a_translation_has_the_same_places_to_fill_and_the_same_markup(language: str) -> None:
    wrong = {
        text: translation
        for text, translation in pairs(language)
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(translation))
    }
    assert wrong == {}


@pytest.mark.parametrize("language", translating.LANGUAGES)
def test_a_translation_cannot_end_an_attribute_it_stands_in(language: str) -> None:
    """Texts are trusted as markup, so that one may hold a link; others must not break out."""
    wrong = {
        text: translation
        for text, translation in pairs(language)
        if re.search("[\"<>&']", re.sub(r"<[^>]+>", "", translation))
    }
    assert wrong == {}


@pytest.mark.parametrize("language", translating.LANGUAGES)
def test_the_file_is_as_the_verb_writes_it(language: str) -> None:
    text = translating.po_path(language).read_text(encoding="utf-8")
    assert text == translating.written(translating.catalog_of(language))
    assert "POT-Creation-Date" not in text
    assert "#: " not in text


def test_the_build_of_the_assets_compiles_it_and_twice_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = translating.po_path("de").read_bytes()
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        monkeypatch.setattr(translating, "FOLDER", folder)
        path = translating.po_path("de")
        path.parent.mkdir(parents=True)
        path.write_bytes(written)
        assert build.main() == 0
        made.append(path.with_suffix(".mo").read_bytes())
        assert not translating.compile_all()
    assert made[0] == made[1]
    assert b"Genehmigen" in made[0]


def test_every_language_that_can_be_chosen_has_its_catalogue() -> None:
    assert set(words.LANGUAGES) == {"en", *translating.LANGUAGES}


# --- the pages ----------------------------------------------------------------------------------


def test_a_stranger_is_spoken_to_as_their_browser_asks(german: German) -> None:
    stranger = Visitor(german.app)
    for asked in ("de", "de-CH,de;q=0.9,en;q=0.8", "fr, de;q=0.5"):
        text = stranger.get("/", accept_language=asked).get_data(as_text=True)
        assert '<html lang="de">' in text
        assert "Wer Zugriff hat, warum, und wer Ja gesagt hat" in text


@pytest.mark.parametrize("odd", ["", "fr", "tlh", "*", "\u202e", "x" * 5000, "en;q=x"])
def test_whoever_asks_for_a_language_that_is_none_gets_english(german: German, odd: str) -> None:
    headers = {"Accept-Language": odd.encode().decode("latin-1")}
    answer = german.app.test_client().get("/", headers=headers)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert '<html lang="en">' in text
    assert "Who has access, why, and who said yes" in text


def test_the_language_somebody_chose_wins_over_that_of_the_browser(german: German) -> None:
    text = german.people["operator"].get("/", accept_language="en").get_data(as_text=True)
    assert '<html lang="de">' in text
    assert "Was Sie betreiben" in text


def test_whoever_chose_none_is_spoken_to_as_their_browser_asks(german: German) -> None:
    carol = Visitor(german.app).sign_in(german.house.tx, "1003")
    assert '<html lang="de">' in carol.get("/", accept_language="de").get_data(as_text=True)
    assert '<html lang="en">' in carol.get("/", accept_language="fr").get_data(as_text=True)


def test_dates_and_numbers_are_written_as_germans_write_them(german: German) -> None:
    at = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)
    with german.app.test_request_context("/"), force_locale("de"):
        assert ">23. Nov. 2026, 09:40<" in words.when(at)
        assert ">23. Nov. 2026<" in words.day(at)
        assert words.day_month(date(2026, 11, 23)) == "23. Nov."
        assert words.number(12345) == "12.345"
        assert "Nicht bekannt" in words.when(None)


def test_what_was_done_is_said_in_german(german: German) -> None:
    frank = german.people["administrator"]
    given = {"who": "1001", "role": "auditor", "until": ""}
    assert frank.submit("/people", given, on="/people").status_code == 303
    assert "Die Rolle ist vergeben." in frank.page("/people")


@pytest.mark.parametrize("role", PEOPLE)
def test_no_page_says_an_english_text_that_has_a_german_one(german: German, role: str) -> None:
    english = {text for text, translation in pairs("de") if text != translation}
    pages = german.pages(role)
    wrong = {}
    for path, text in pages.items():
        assert '<html lang="de">' in text, path
        said = Spoken(text).said
        left = [
            each
            for each in said
            if each in english or MARKERS & set(re.findall(r"[a-zäöüß]+", each.lower()))
            if not any(on.fullmatch(path) and what.match(each) for on, what in IN_ENGLISH)
        ]
        if left:
            wrong[path] = left
    assert len(pages) > 5
    assert wrong == {}


def test_a_refusal_is_said_in_german_by_pages_and_in_english_by_the_api(german: German) -> None:
    nowhere = german.people["auditor"].page("/nowhere", 404)
    assert "<h1>Nicht gefunden</h1>" in nowhere
    assert "<p>Unter dieser Adresse ist nichts.</p>" in nowhere
    refused = german.people["auditor"].page("/people", 403)
    assert "<h1>Nicht erlaubt</h1>" in refused
    assert "<p>Das braucht die Rolle " in refused
    assert '<p lang="en">' not in refused
    headers = {"Accept-Language": "de", "Authorization": f"Bearer {german.token}"}
    answer = german.app.test_client().get("/api/v1/tokens", headers=headers)
    assert answer.status_code == 403
    assert answer.get_json()["detail"].startswith("This needs the role ")


def test_what_the_verifier_says_of_a_file_is_said_in_german(german: German) -> None:
    altered = (VECTORS / "row-altered.zip").read_bytes()
    body = {"file": (io.BytesIO(altered), "bundle.zip"), "key": ""}
    auditor = german.people["auditor"]
    text = unescape(auditor.submit("/verify", body, on="/verify").get_data(as_text=True))
    assert "wurde geändert" in text
    assert "jeder Bestandteil ist, wie er hineingelegt wurde" in text
    assert "every member" not in text
    body = {"file": (io.BytesIO(b"no bundle"), "bundle.zip"), "key": ""}
    text = auditor.submit("/verify", body, on="/verify").get_data(as_text=True)
    assert "Das ist kein Paket" in text


def test_every_refusal_there_is_has_a_german_title() -> None:
    told = {kind.title for kind in kinds_of(errors.AttestryError)}
    told |= {title for title, _detail in problems.HTTP_WORDS.values()}
    known = translating.catalog_of("de")
    assert {title for title in told - NEVER_ON_A_PAGE if known.get(title) is None} == set()


def test_names_stay_as_the_source_shows_them(german: German) -> None:
    text = german.people["administrator"].page("/groups")
    assert re.search(r"<bdi>Payroll</bdi>|>Payroll<", text)
    assert ">Gruppen<" in text
