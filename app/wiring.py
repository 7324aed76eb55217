"""Who is who: the ports of the house, and who listens to what. Plain Python, in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.kernel.clock import Clock, SystemClock
from app.kernel.delivery import Delivery
from app.kernel.ids import Ids
from app.kernel.jobs import JobQueue, Runner
from app.kernel.sealed import SealKey
from app.kernel.settings import Settings
from app.kernel.uow import Transactions
from connectors.port import Connector

Connect = Callable[[str, Mapping[str, str], Mapping[str, str]], Connector]
Handler = Callable[[Transactions, Delivery], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """What the house reaches the outside through; tests and the demonstration bring their own.

    Attributes:
        clock: The time.
        ids: Identifiers and randomness.
        jobs: Takes jobs in a transaction.
        connect: Kind, settings and secrets of a source to a connector.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids | None = None
    jobs: JobQueue | None = None
    connect: Connect | None = None


@dataclass(slots=True)
class House:
    """Everything wired together.

    Attributes:
        settings: The instance's settings.
        tx: Opens units of work and readings.
        seal: Seals and opens secrets.
        connect: Makes connectors.
        runners: Job name to function.
        ticks: Called once a minute by the worker.
    """

    settings: Settings
    tx: Transactions
    seal: SealKey
    connect: Connect
    runners: Mapping[str, Runner] = field(default_factory=dict)
    ticks: tuple[Callable[[], object], ...] = ()
