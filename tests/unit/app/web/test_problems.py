from collections.abc import Iterator
from pathlib import Path

from app.kernel.errors import AttestryError
from app.web.meanings import MEANINGS, as_markdown
from app.web.problems import HTTP_CODES, STATUS
from connectors.errors import ConnectorError

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "errors.md"


def family(base: type[Exception]) -> Iterator[type[Exception]]:
    for each in base.__subclasses__():
        if each.__module__.startswith(("app.", "connectors.")):
            yield each
            yield from family(each)


def test_every_error_has_its_status_and_its_meaning() -> None:
    told = {each.code: each.status for each in MEANINGS}
    for error in (*family(AttestryError), *family(ConnectorError)):
        assert error in STATUS, error
        assert told[error.code] == STATUS[error], error  # type: ignore[attr-defined]
    for status, code in HTTP_CODES.items():
        assert told[code] == status


def test_no_code_means_two_things() -> None:
    codes = [each.code for each in MEANINGS]
    assert len(set(codes)) == len(codes)


def test_the_reference_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown()
