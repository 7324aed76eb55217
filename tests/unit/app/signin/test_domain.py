from datetime import UTC, datetime, timedelta

from app.kernel.actor import Role
from app.signin.domain import ends_by_itself, holds, token_digest

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_what_ends_at_a_moment_no_longer_holds_at_it() -> None:
    assert holds(NOW, until=NOW + timedelta(microseconds=1), ended_at=None)
    assert not holds(NOW, until=NOW, ended_at=None)
    assert not holds(NOW, until=None, ended_at=NOW)


def test_an_auditor_ends_by_itself_and_nobody_else_does() -> None:
    assert ends_by_itself(Role.AUDITOR, NOW, None) == NOW + timedelta(days=90)
    assert ends_by_itself(Role.AUDITOR, NOW, NOW) == NOW
    assert ends_by_itself(Role.ADMIN, NOW, None) is None


def test_a_digest_is_sha_256_of_the_token() -> None:
    assert token_digest("abc").hex().startswith("ba7816bf8f01cfea")
    assert token_digest("\ud800") != token_digest("")
