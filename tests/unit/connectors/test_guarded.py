from collections.abc import Callable, Iterator

import pytest

from connectors.errors import ConnectorError, DeniedError, UnavailableError
from connectors.guarded import Guarded
from connectors.records import (
    AccountBatch,
    Batch,
    Change,
    CheckReport,
    DeltaBatch,
    LogPage,
    Observation,
    Outcome,
    Query,
    ReadReport,
    Verb,
)

CHANGE = Change(Verb.DISABLE_ACCOUNT, "a")
WHOLE = ReadReport(True, "memory:x", "svc", (Query("accounts", "all", 1, 0),))
Step = Batch | Exception


class Scripted:
    """A connector that does what it is told."""

    def __init__(self, *steps: Step, closing: Exception | None = None) -> None:
        self._steps = steps
        self._closing = closing

    def _next(self) -> CheckReport:
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
        return CheckReport((), "memory:x", "svc")

    def check(self) -> CheckReport:
        return self._next()

    def snapshot(self) -> Iterator[Batch]:
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            yield step

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        assert cursor == "c1"
        return self.snapshot()

    def log(self, cursor: str) -> Iterator[LogPage]:
        raise AssertionError(self._next(), cursor)

    def ensure(self, change: Change) -> Outcome:
        raise AssertionError(self._next(), change)

    def observe(self, change: Change) -> Observation:
        raise AssertionError(self._next(), change)

    def close(self) -> None:
        if self._closing is not None:
            raise self._closing


CALLS: list[Callable[[Guarded], object]] = [
    lambda it: it.check(),
    lambda it: it.ensure(CHANGE),
    lambda it: it.observe(CHANGE),
    lambda it: list(it.snapshot()),
    lambda it: list(it.changes("c1")),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [OSError("reset"), KeyError("x"), RuntimeError("a secret")])
def test_what_a_library_throws_leaves_as_unavailable_and_keeps_its_cause(
    call: Callable[[Guarded], object], error: Exception
) -> None:
    with pytest.raises(UnavailableError) as found:
        call(Guarded(Scripted(error)))
    assert found.value.__cause__ is error
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("call", CALLS)
def test_our_own_errors_pass_as_they_are(call: Callable[[Guarded], object]) -> None:
    error = DeniedError("no")
    with pytest.raises(ConnectorError) as found:
        call(Guarded(Scripted(error)))
    assert found.value is error


def report_of(*steps: Step) -> ReadReport:
    *_, last = Guarded(Scripted(*steps)).snapshot()
    assert isinstance(last, ReadReport)
    return last


def test_a_whole_read_ends_with_its_own_report() -> None:
    assert report_of(AccountBatch(()), WHOLE) is WHOLE


def test_a_read_without_a_report_gets_one_that_says_so() -> None:
    report = report_of(AccountBatch(()))
    assert not report.is_complete
    assert [each.code for each in report.problems] == ["broken_off"]


def test_a_read_that_goes_on_after_its_report_is_not_believed() -> None:
    report = report_of(WHOLE, AccountBatch(()))
    assert not report.is_complete
    assert report.queries == WHOLE.queries


def test_two_reports_are_not_believed() -> None:
    assert not report_of(WHOLE, WHOLE).is_complete


def test_a_failure_after_the_report_takes_its_word_back() -> None:
    seen: list[Batch] = []
    with pytest.raises(UnavailableError):
        seen.extend(Guarded(Scripted(WHOLE, OSError("cut"))).snapshot())
    assert seen == []


def test_a_read_that_is_given_up_raises_nothing() -> None:
    batches = Guarded(Scripted(AccountBatch(()), WHOLE)).snapshot()
    next(batches)
    del batches


def test_closing_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    Guarded(Scripted(closing=OSError("dead"))).close()
    assert "closing a connection failed" in caplog.text
