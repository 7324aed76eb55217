"""The text of COPY is the one that PostgreSQL's documentation tells."""

from datetime import UTC, datetime

from app.kernel import copied


def test_each_kind_of_value_has_its_form() -> None:
    at = datetime(2026, 3, 2, 8, 0, 0, 5, UTC)
    [(_, text)] = copied.pieces(
        [(1, "a", True, b"\x00\\", at, None), (2, None, False, b"", at, 3)], "utf-8"
    )
    assert text == (
        b"1\ta\tt\t\\\\x005c\t2026-03-02T08:00:00.000005+00:00\t\\N\n"
        b"2\t\\N\tf\t\\\\x\t2026-03-02T08:00:00.000005+00:00\t3\n"
    )


def test_what_would_end_a_field_or_a_row_is_escaped() -> None:
    [(_, text)] = copied.pieces([("a\tb\nc\rd\\N", "ž"), ("", "\\.")], "utf-8")
    assert text == "a\\tb\\nc\\rd\\\\N\tž\n\t\\\\.\n".encode()


def test_what_only_the_driver_writes_is_left_to_it() -> None:
    rows = [(1, ["a", "b"]), (2, None)]
    assert [*copied.pieces(rows, "utf-8")] == [(rows, None)]
    assert [*copied.pieces([], "utf-8")] == []
