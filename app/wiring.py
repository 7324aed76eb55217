"""Who is who: the ports of the house, who listens to what, and who runs which job.

Plain Python, in one place. `build` makes a house from settings; tests and the demonstration bring
their own clock, jobs and mailer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from flask import Flask

from app.audit import (
    bundles,
    keyholding,
    making,
    publishing,
    retention,
    sealing,
    signing,
    stamping,
    witnessing,
)
from app.directory import service as directory
from app.directory import syncing
from app.directory.service import SYNC
from app.kernel.clock import Clock, SystemClock
from app.kernel.db import Database, open_database
from app.kernel.delivery import Handler, deliver
from app.kernel.ids import Ids, RandomIds
from app.kernel.jobs import DurableJobs, JobQueue, Runner
from app.kernel.sealed import SealKey
from app.kernel.settings import Settings
from app.kernel.uow import DELIVER, Reading, Transactions
from app.lifecycle import handlers as lifecycle_handlers
from app.lifecycle import service as lifecycle
from app.notices import following_up as notices_follow_ups
from app.notices import handlers as notices_handlers
from app.notices import service as notices
from app.notices.mailer import Mailer, MailError, SmtpMailer
from app.provisioning import attributing, drift, endings, expiring, running
from app.provisioning import handlers as provisioning_handlers
from app.provisioning import service as provisioning
from app.provisioning.running import CrashPoints, NoCrashPoints
from app.requests import handlers as requests_handlers
from app.requests import lapsing
from app.reviews import handlers as reviews_handlers
from app.reviews import service as reviews
from app.signin import sessions
from app.tables import TABLES
from connectors.port import Connector
from connectors.registry import connect as connect_source
from evidence.held import KeyHolder

Connect = Callable[[str, Mapping[str, str], Mapping[str, str]], Connector]

# Event kind, then the handlers that are told of it once it is committed, in no particular order.
# A handler's name is kept in jobs that wait: rename one only together with a migration of those.
LISTENERS: Mapping[str, Mapping[str, Handler]] = {
    "directory.synced": {
        "provisioning.imports": provisioning_handlers.on_directory_synced,
        "reviews.by_hand": reviews_handlers.on_directory_synced,
    },
    "directory.log_told": {"provisioning.log": attributing.on_log_told},
    "grant.authorised": {"provisioning.grant": provisioning_handlers.on_grant_authorised},
    "end.authorised": {"provisioning.end": provisioning_handlers.on_end_authorised},
    "grant.confirmed": {
        "requests.confirmed": requests_handlers.on_confirmed,
        "provisioning.drift": drift.follow,
    },
    "grant.failed": {
        "requests.failed": requests_handlers.on_failed,
        "provisioning.drift": drift.follow,
    },
    "end.confirmed": {
        "requests.confirmed": requests_handlers.on_confirmed,
        "reviews.confirmed": reviews_handlers.on_end_confirmed,
        "provisioning.drift": drift.follow,
    },
    "end.failed": {
        "requests.failed": requests_handlers.on_failed,
        "reviews.failed": reviews_handlers.on_end_failed,
        "provisioning.drift": drift.follow,
    },
    "plan.completed": {"lifecycle.completed": lifecycle_handlers.on_plan_completed},
    "request.step_opened": {"notices.approvers": notices_handlers.on_step_opened},
    "request.completed": {"notices.requester": notices_handlers.on_request_ended},
    "request.refused": {"notices.requester": notices_handlers.on_request_ended},
    "request.failed": {"notices.requester": notices_handlers.on_request_ended},
    "request.cancelled": {"notices.requester": notices_handlers.on_request_ended},
    "campaign.launched": {"notices.reviewers": notices_handlers.on_campaign_launched},
    "review.reminded": {"notices.reminded": notices_handlers.on_review_reminded},
    "item.followed_up": {"notices.charged": notices_follow_ups.on_item_followed_up},
    "item.follow_up_overdue": {"notices.overdue": notices_follow_ups.on_follow_up_overdue},
}


@dataclass(frozen=True, slots=True)
class Ports:
    """What the house reaches the outside through; left out, the real thing.

    Attributes:
        clock: The time.
        ids: Identifiers and randomness.
        jobs: Takes jobs in a transaction.
        connect: Kind, settings and secrets of a source to a connector.
        mailer: Tells people outside the app; None and no relay in the settings: nobody.
        ask_witness: Sends a head to a witness.
        post_head: Sends a head to a webhook.
        ask_time: Sends a query to the time-stamping authority.
        crash: Where tests end the process.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids | None = None
    jobs: JobQueue | None = None
    connect: Connect | None = None
    mailer: Mailer | None = None
    ask_witness: witnessing.Post = witnessing.post_by_http
    post_head: publishing.Post = publishing.post_by_http
    ask_time: stamping.Send = stamping.send_by_http
    crash: CrashPoints = field(default_factory=NoCrashPoints)


@dataclass(slots=True)
class House:
    """Everything wired together.

    Attributes:
        settings: The instance's settings.
        tx: Opens units of work and readings.
        seal: Seals and opens secrets.
        connect: Makes connectors.
        mailer: Tells people outside the app, or None.
        ask_witness: Sends a head to a witness.
        post_head: Sends a head to a webhook.
        ask_time: Sends a query to the time-stamping authority.
        runners: Job name to function.
        ticks: Called once a minute by the worker.
    """

    settings: Settings
    tx: Transactions
    seal: SealKey
    connect: Connect
    mailer: Mailer | None
    ask_witness: witnessing.Post = witnessing.post_by_http
    post_head: publishing.Post = publishing.post_by_http
    ask_time: stamping.Send = stamping.send_by_http
    runners: Mapping[str, Runner] = field(default_factory=dict)
    ticks: tuple[Callable[[], object], ...] = ()

    @property
    def key_holder(self) -> KeyHolder | None:
        """Who holds the key of documents, or None: it is sealed in the database."""
        return keyholding.key_holder(self.settings)

    @property
    def authority(self) -> stamping.Authority | None:
        """Who stamps the signatures of bundles, or None."""
        url, settings = self.settings.tsa_url, self.settings
        if url is None:
            return None
        anchor = (settings.tsa_ca or "").encode()
        lists = None if settings.revocation_lists is None else Path(settings.revocation_lists)
        return stamping.Authority(url, anchor, settings.tsa_when_down, self.ask_time, lists)

    def sign_note(self, reading: Reading, text: str) -> str:
        """Return a text as a note signed with the log's key (receipts)."""
        return signing.sign_note(reading, self.seal, text)

    def close(self) -> None:
        """Give back connections."""
        if isinstance(self.tx.jobs, DurableJobs):
            self.tx.jobs.close()
        self.tx.database.engine.dispose()


def build(settings: Settings, ports: Ports | None = None) -> House:
    """Make a house.

    Args:
        settings: From the environment, or a test's.
        ports: What to use instead of the real thing.

    Raises:
        SealError: The seal key cannot be read, or is missing and what it sealed is not.
    """
    assert TABLES, "every table is imported"  # noqa: S101 - the import is what counts
    ports = ports or Ports()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_database(Flask("attestry.database"), settings.database_url)
    seal = _seal_key(settings, database)
    listeners = {kind: tuple(handlers) for kind, handlers in LISTENERS.items()}
    tx = Transactions(
        database=database,
        clock=ports.clock,
        ids=ports.ids or RandomIds(ports.clock),
        jobs=ports.jobs or DurableJobs(settings.database_url),
        listeners=listeners,
    )
    mailer = ports.mailer or (SmtpMailer(settings.smtp_url) if settings.smtp_url else None)
    connect = ports.connect or partial(connect_source, now=ports.clock.now)
    house = House(
        settings, tx, seal, connect, mailer, ports.ask_witness, ports.post_head, ports.ask_time
    )
    house.runners = _runners(house, ports.crash)
    house.ticks = _ticks(house)
    return house


def _seal_key(settings: Settings, database: Database) -> SealKey:
    """Read the seal key; a new instance gets one, one that holds sealed keys never another."""
    path = settings.seal_key_file
    try:
        is_new = not path.exists() and not signing.are_made(database)
        return SealKey.from_file(path, create=is_new)
    except BaseException:
        database.engine.dispose()
        raise


def _runners(house: House, crash: CrashPoints) -> dict[str, Runner]:
    """Job name to the function that does it."""
    handlers = {name: each for table in LISTENERS.values() for name, each in table.items()}
    tx, seal, connect = house.tx, house.seal, house.connect
    return {
        DELIVER: partial(deliver, tx, handlers),
        SYNC: partial(syncing.run_sync, tx, connect, seal, protected=endings.protected),
        provisioning.PROVISION: partial(running.run, tx, connect, seal, crash=crash),
        lifecycle.START: partial(lifecycle.run_start, tx),
        notices.SEND: partial(notices.run_send, tx, house.mailer),
        reviews.LAUNCH: partial(reviews.run_launch, tx),
        witnessing.ASK: partial(witnessing.run_ask, tx, house.ask_witness),
        publishing.SEND: partial(publishing.run_send, tx, _outside(house)),
        bundles.BUILD: partial(
            making.run_build,
            *(tx, seal, house.settings.home),
            authority=house.authority,
            key_holder=house.key_holder,
        ),
    }


def _ticks(house: House) -> tuple[Callable[[], object], ...]:
    """What happens once a minute; each is safe to do twice."""
    tx = house.tx
    return (
        partial(directory.tick, tx),
        partial(directory.forget_old, tx),
        partial(lifecycle.tick, tx),
        partial(sessions.tick, tx),
        partial(expiring.tick, tx),
        partial(lapsing.tick, tx),
        partial(reviews.tick, tx),
        partial(provisioning_handlers.heal, tx),
        partial(sealing.seal_pending, tx, house.seal, house.settings.home),
        partial(retention.tick, tx, house.settings.home, house.settings.bundle_days),
        partial(witnessing.tick, tx),
        partial(publishing.tick, tx, _outside(house)),
    )


def _outside(house: House) -> publishing.Outside:
    """How the ledger's head leaves the house."""
    settings, mailer = house.settings, house.mailer

    def mail(to: str, subject: str, body: str) -> None:
        assert mailer is not None  # noqa: S101 - else nobody is given this
        try:
            mailer.send(to=to, subject=subject, body=body)
        except MailError as error:
            raise publishing.NotTakenError(str(error)) from error

    return publishing.Outside(
        targets=settings.checkpoint_to,
        mail=mail if mailer is not None else None,
        post=house.post_head,
        secret=settings.checkpoint_secret or "",
    )
