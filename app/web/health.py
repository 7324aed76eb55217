"""`/healthz` alive, `/readyz` able to work, `/metrics` for Prometheus.

Readiness needs the database and its schema. A missing worker or a ledger that lags makes the
instance *degraded*: it still answers, so a load balancer must not take it away for that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, jsonify

from app.kernel import standing
from app.kernel.actor import Permission
from app.kernel.jobs import WorkerBeat
from app.kernel.ledger import LedgerEntry, LedgerPending
from app.kernel.standing import Standing
from app.kernel.uow import Reading
from app.web import scope
from app.web.scope import doors

WORKER_LATE = timedelta(seconds=30)
LEDGER_LATE = timedelta(minutes=10)
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What.
        is_ok: Whether it is as it should be.
        detail: The same for people, with what to do.
        is_needed: Without it nothing works.
    """

    name: str
    is_ok: bool
    detail: str
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number for Prometheus."""

    name: str
    help: str
    value: float


Gauges = Callable[[Reading], Iterable[Gauge]]
blp = Blueprint("health", __name__)


@blp.get("/healthz")
def alive() -> Response:
    """Answer: the process is alive."""
    return jsonify(status="alive")


@blp.get("/readyz")
def ready() -> tuple[Response, int]:
    """Answer whether the instance can work, check by check."""
    found = checks()
    state = status(found)
    shown = [{"name": each.name, "is_ok": each.is_ok, "detail": each.detail} for each in found]
    return jsonify(status=state, checks=shown), 503 if state == "not ready" else 200


@blp.get("/metrics")
def metrics() -> Response:
    """Answer the gauges, to roles that may read them."""
    with scope.reading() as reading:
        reading.actor.require(Permission.METRICS_READ)
        gauges = [gauge for each in _sources() for gauge in each(reading)]
    lines = []
    for gauge in gauges:
        name = f"attestry_{gauge.name}"
        lines += [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge", f"{name} {gauge.value:g}"]
    return Response("\n".join(lines) + "\n", content_type=PROMETHEUS)


def status(found: list[Check]) -> str:
    """Return the one word for all checks."""
    if not all(each.is_ok for each in found if each.is_needed):
        return "not ready"
    return "ready" if all(each.is_ok for each in found) else "degraded"


def checks() -> list[Check]:
    """Look at the database, its schema, the workers and the ledger, in that order."""
    try:
        found = standing.of(doors().transactions.database.engine)
    except sa.exc.SQLAlchemyError:
        return [Check("database", is_ok=False, detail="It cannot be reached.", is_needed=True)]
    database = Check("database", is_ok=True, detail="It answers.", is_needed=True)
    if found is not Standing.CURRENT:
        return [database, Check("schema", is_ok=False, detail=found.way_out, is_needed=True)]
    with doors().transactions.read() as reading:
        working = [_worker(reading), _ledger(reading)]
    schema = Check("schema", is_ok=True, detail="It is current.", is_needed=True)
    return [database, schema, *working]


def install(app: Flask, gauges: Iterable[Gauges] = ()) -> None:
    """Open the three doors.

    Args:
        app: The application.
        gauges: Further numbers for `/metrics`, from later stages.
    """
    app.extensions["attestry_gauges"] = (_own_gauges, *gauges)
    app.register_blueprint(blp)


def _sources() -> tuple[Gauges, ...]:
    found: tuple[Gauges, ...] = current_app.extensions["attestry_gauges"]
    return found


def _worker(reading: Reading) -> Check:
    last = _last_beat(reading)
    if last is None:
        told = "No worker runs: nothing is carried out. Start `attestry worker` or `serve`."
        return Check("worker", is_ok=False, detail=told)
    if last > WORKER_LATE.total_seconds():
        return Check("worker", is_ok=False, detail=f"None was heard of for {last:.0f} seconds.")
    return Check("worker", is_ok=True, detail="It was heard of just now.")


def _ledger(reading: Reading) -> Check:
    count, age = _pending(reading)
    is_ok = age <= LEDGER_LATE.total_seconds()
    return Check("ledger", is_ok=is_ok, detail=f"{count} entries wait to be sealed.")


def _last_beat(reading: Reading) -> float | None:
    """Seconds since the youngest heartbeat, by the database's own clock, as workers beat by it."""
    last = reading.session.scalar(sa.select(sa.func.max(WorkerBeat.beat_at)))
    return None if last is None else (_database_now(reading) - last).total_seconds()


def _database_now(reading: Reading) -> datetime:
    if reading.session.get_bind().dialect.name == "sqlite":
        text = reading.session.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        return datetime.fromisoformat(f"{text}+00:00")
    found: Any = reading.session.scalar(sa.select(sa.func.clock_timestamp()))
    moment: datetime = found.astimezone(UTC)
    return moment


def _pending(reading: Reading) -> tuple[int, float]:
    """How many entries are not numbered yet, and the age of the oldest in seconds."""
    pending = sa.select(LedgerPending.entry_id)
    count, oldest = reading.session.execute(
        sa.select(sa.func.count(), sa.func.min(LedgerEntry.id)).where(LedgerEntry.id.in_(pending))
    ).one()
    if not count:
        return 0, 0.0
    since = reading.session.scalars(sa.select(LedgerEntry.at).where(LedgerEntry.id == oldest)).one()
    return count, (reading.now - since).total_seconds()


def _own_gauges(reading: Reading) -> list[Gauge]:
    count, age = _pending(reading)
    beat = _last_beat(reading)
    return [
        Gauge("up", "The instance answers.", 1),
        Gauge("ledger_pending", "Ledger entries not sealed yet.", count),
        Gauge("ledger_pending_oldest_seconds", "Age of the oldest of them.", age),
        Gauge(
            "worker_heard_of_seconds",
            "Seconds since a worker's last heartbeat; -1 without one.",
            -1 if beat is None else beat,
        ),
    ]
