"""Assets: named by their content, kept for ever, sent in the best form; built alike each time."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import brotli
import pytest
from werkzeug.test import TestResponse

from app.web import static_files
from app.web.assets import build
from web.small import Small, open_small

FOR_EVER = "public, max-age=31536000, immutable"


def asset(small: Small, path: str, **options: Any) -> TestResponse:
    """Ask for an asset, and read it to its end."""
    return small.page(path, buffered=True, **options)


def manifest() -> dict[str, str]:
    found: dict[str, str] = json.loads((static_files.STATIC / "manifest.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(manifest()))
def test_an_asset_is_kept_for_ever_under_the_name_of_its_content(small: Small, name: str) -> None:
    answer = asset(small, f"/assets/{manifest()[name]}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["app.css", "icons.svg", "js/htmx.js", "js/main.js"])
def test_an_asset_is_sent_in_the_best_form_the_browser_takes(small: Small, name: str) -> None:
    path = f"/assets/{manifest()[name]}"
    plain = asset(small, path)
    packed = asset(small, path, headers={"Accept-Encoding": "gzip, br"})
    zipped = asset(small, path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "br"
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert brotli.decompress(packed.data) == gzip.decompress(zipped.data) == plain.data
    assert {each.headers["Content-Type"] for each in (plain, packed, zipped)} == {
        plain.headers["Content-Type"]
    }
    assert {each.headers["Vary"] for each in (plain, packed, zipped)} == {"Accept-Encoding"}
    assert len({each.headers["ETag"] for each in (plain, packed, zipped)}) == 3


def test_a_form_that_the_browser_refuses_is_not_sent(small: Small) -> None:
    path = f"/assets/{manifest()['app.css']}"
    answer = asset(small, path, headers={"Accept-Encoding": "br;q=0, gzip;q=0"})
    assert "Content-Encoding" not in answer.headers


def test_who_has_the_asset_already_is_told_so(small: Small) -> None:
    path = f"/assets/{manifest()['app.css']}"
    first = asset(small, path, headers={"Accept-Encoding": "br"})
    again = asset(
        small, path, headers={"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert again.data == b""


@pytest.mark.parametrize(
    "name", ["manifest.json", "stamp", "../__init__.py", "..%2f__init__.py", "app.css", "nothing"]
)
def test_nothing_but_assets_is_served(small: Small, name: str) -> None:
    assert asset(small, f"/assets/{name}").status_code == 404


def test_an_application_without_assets_says_so_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "STATIC", tmp_path)
    with pytest.raises(static_files.AssetsMissingError, match="make assets"):
        open_small(tmp_path)


def test_a_page_is_compressed_and_says_that_it_differs(small: Small) -> None:
    plain = small.page("/api/docs")
    packed = small.page("/api/docs", headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 4


def test_the_token_of_forms_is_another_text_in_each_answer(small: Small) -> None:
    client = small.app.test_client()
    texts = [client.get("/").get_data(as_text=True) for _ in range(2)]
    first, second = (re.findall(r'name="csrf" content="([^"]+)"', text) for text in texts)
    assert first != second


def test_style_names_only_files_that_are_there_and_nothing_elsewhere() -> None:
    text = (static_files.STATIC / manifest()["app.css"]).read_text("utf-8")
    named = set(re.findall(r"url\(([^)]+)\)", text))
    assert named == {manifest()["inter-latin.woff2"], manifest()["inter-latin-ext.woff2"]}
    assert "@import" not in text


def test_scripts_import_each_other_by_the_names_they_are_served_under() -> None:
    served = set(manifest().values())
    for name, file in manifest().items():
        if not name.startswith("js/") or name == "js/htmx.js":
            continue
        text = (static_files.STATIC / file).read_text("utf-8")
        for wanted in re.findall(r'^import .* from "\./(.+)";', text, re.MULTILINE):
            assert wanted in served


def test_every_icon_that_pages_name_is_in_the_sprite() -> None:
    known = set(build.icon_names())
    sprite = (static_files.STATIC / manifest()["icons.svg"]).read_text("utf-8")
    assert set(re.findall(r'<symbol id="([^"]+)"', sprite)) == known
    app = build.HERE.parents[1]
    named = {
        found
        for path in app.glob("**/templates/**/*.html")
        for found in re.findall(r'\bicon(?:\(|=)"([a-z0-9-]+)"', path.read_text("utf-8"))
    }
    assert named
    assert named <= known


def test_icons_are_listed_once_and_in_order() -> None:
    assert build.icon_names() == sorted(set(build.icon_names()))


def test_an_icon_that_nobody_drew_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "icon_names", lambda: ["no-such-icon"])
    with pytest.raises(build.BuildError, match="no-such-icon"):
        build._sprite()


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        build._write_all(folder)
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1]


def test_nothing_is_built_when_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    build.build()
    monkeypatch.setattr(build, "_write_all", lambda _folder: pytest.fail("it was built again"))
    assert build.build() is False


def test_a_first_visit_is_light() -> None:
    everything = [
        static_files.STATIC / manifest()[name]
        for name in ("app.css", "icons.svg", "js/htmx.js", "js/main.js", "js/theme.js")
    ]
    sent = sum(path.with_name(f"{path.name}.br").stat().st_size for path in everything)
    sent += (static_files.STATIC / manifest()["inter-latin.woff2"]).stat().st_size
    assert sent < 100_000


def test_licences_of_what_is_not_ours_are_served(small: Small) -> None:
    text = asset(small, f"/assets/{manifest()['licences.txt']}").get_data(as_text=True)
    for name in ("htmx", "Inter", "Lucide", "SIL OPEN FONT LICENSE", "ISC"):
        assert name in text


def test_the_lock_names_no_address() -> None:
    lock = (build.HERE / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in re.sub(r'"funding".*?}', "", lock, flags=re.DOTALL)
    assert lock.count('"integrity"') == len(json.loads(lock)["packages"]) - 1
