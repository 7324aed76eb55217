import io
import json
import logging
from collections.abc import Iterator

import pytest

from app.kernel.logging import REQUEST_ID, STRUCK, JsonLines, struck


@pytest.fixture
def lines() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("test.lines")
    logger.propagate = False
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    yield logger, stream
    logger.handlers[:] = []


def test_a_line_is_json_with_the_id_of_the_request(
    lines: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = lines
    mark = REQUEST_ID.set("r-1")
    logger.info("answered\nwith %s", "é", extra={"status": 200})
    REQUEST_ID.reset(mark)
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert line["message"] == "answered\nwith é"
    assert line["request_id"] == "r-1"
    assert line["status"] == 200
    assert line["level"] == "info"


def test_no_secret_reaches_a_line(lines: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = lines
    hidden = "attestry_" + "s3cretS3cret" * 3
    try:
        int(f"refused Bearer {hidden}")
    except ValueError:
        logger.exception("sent Bearer %s", hidden, extra={"password": "hunter22", "seen": hidden})
    assert "s3cret" not in stream.getvalue()
    assert "hunter22" not in stream.getvalue()
    assert stream.getvalue().count(STRUCK) >= 4


def test_a_password_in_an_address_is_struck_out() -> None:
    assert struck("postgresql+psycopg://app:pw@db/x") == f"postgresql+psycopg://app:{STRUCK}@db/x"
