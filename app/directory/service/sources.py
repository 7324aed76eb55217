"""Commands on sources: connect, change, try, disable, take out."""

from collections.abc import Mapping

import sqlalchemy as sa

from app import events
from app.directory import correlating, following
from app.directory.connecting import Connect, connection, purpose
from app.directory.models import Account, Group, Membership, Nesting, ParkedRead, Source, SyncRun
from app.kernel.actor import SYSTEM, Actor, Permission
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from app.kernel.sealed import SealKey
from app.kernel.uow import Reading, Transactions, UnitOfWork
from connectors import registry
from connectors.errors import MisconfiguredError
from connectors.records import CheckReport
from connectors.settings import check_keys

LONGEST_NAME = 100
RESERVED = frozenset({"new", ".", ".."})  # they mean something else in an address


def add_source(
    uow: UnitOfWork,
    seal: SealKey,
    *,
    name: str,
    kind: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Source:
    """Connect a source; nothing is read yet.

    Args:
        uow: The unit of work.
        seal: Seals the secrets.
        name: What people call it.
        kind: A kind the registry knows.
        settings: Its settings.
        secrets: Its secrets; sealed, and never shown again.

    Raises:
        InvalidInputError: A key is unknown, missing or malformed.
        NotFreshError: The actor signed in too long ago.
        ConflictError: There is, or was, a source of this name.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    uow.actor.require_fresh(uow.now)
    _check_name(name)
    _check_keys(kind, settings, secrets)
    if uow.session.scalar(sa.select(Source.id).where(Source.name == name)) is not None:
        raise ConflictError(
            phrase("There is, or was, a source named %(name)s: take another name.", name=name)
        )
    public_id = uow.ids.new()
    source = Source(
        public_id=public_id,
        name=name,
        kind=kind,
        settings=dict(settings),
        sealed_secrets=seal.seal_mapping(purpose(public_id), secrets) if secrets else None,
        is_enabled=True,
        created_at=uow.now,
    )
    uow.session.add(source)
    uow.record(events.SourceAdded(subject=public_id, source_kind=kind))
    uow.session.flush()
    return source


def set_source(
    uow: UnitOfWork,
    seal: SealKey,
    *,
    name: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    version: int | None = None,
) -> Source:
    """Change some settings or secrets of a source; an empty value takes a setting away.

    Args:
        uow: The unit of work.
        seal: Opens and seals the secrets.
        name: The source.
        settings: Only what changes.
        secrets: Only what changes.
        version: What the caller looked at, or None to change whatever is there.

    Raises:
        NotFoundError: There is no such source.
        InvalidInputError: A key is unknown, missing or malformed.
        NotFreshError: The actor signed in too long ago.
        ConflictError: Somebody changed it since.
        NothingToChangeError: It says so already.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    uow.actor.require_fresh(uow.now)
    source = live_source(uow, name)
    if version is not None and version != source.version:
        raise ConflictError(
            phrase("Somebody changed this since."), current={"version": source.version}
        )
    had = seal.open_mapping(purpose(source.public_id), source.sealed_secrets)
    new_settings = {key: each for key, each in {**source.settings, **settings}.items() if each}
    new_secrets = {key: each for key, each in {**had, **secrets}.items() if each}
    if new_settings == source.settings and new_secrets == had and source.is_enabled:
        raise NothingToChangeError(
            phrase("The source %(name)s says exactly this already.", name=name)
        )
    _check_keys(source.kind, new_settings, new_secrets)
    keys = {
        key for key in (*settings, *source.settings) if _differs(source.settings, new_settings, key)
    }
    keys |= {key for key in secrets if _differs(had, new_secrets, key)}
    source.settings = new_settings
    source.is_enabled = True
    if new_secrets != had:
        source.sealed_secrets = seal.seal_mapping(purpose(source.public_id), new_secrets)
    uow.record(events.SourceChanged(subject=source.public_id, keys=tuple(sorted(keys))))
    return source


def check_source(
    tx: Transactions, connect: Connect, seal: SealKey, *, name: str, actor: Actor = SYSTEM
) -> CheckReport:
    """Try everything a source will be asked to do, and note the account it is reached with.

    Args:
        tx: Opens transactions; the source is tried between two of them.
        connect: Makes connectors.
        seal: Opens the secrets.
        name: The source.
        actor: Who asks.

    Raises:
        ConnectorError: It cannot be reached or used at all; nothing stored is changed.
    """
    with tx.read(actor) as reading:
        actor.require(Permission.SOURCE_WRITE)
        source_id = live_source(reading, name).id
        kind, settings, secrets = connection(reading, source_id, seal)
    connector = connect(kind, settings, secrets)
    try:
        report = connector.check()
    finally:
        connector.close()
    with tx.write(actor) as uow:
        source = uow.session.get_one(Source, source_id)
        if report.own_account_id and report.own_account_id != source.own_account_external_id:
            source.own_account_external_id = report.own_account_id
        uow.record(events.SourceChecked(subject=source.public_id, is_usable=report.is_usable))
    return report


def disable_source(uow: UnitOfWork, *, name: str) -> Source:
    """Stop reading and writing a source; what it showed stays. `set_source` enables it again.

    Raises:
        NotFoundError: There is no such source.
        NothingToChangeError: It is disabled already.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    source = live_source(uow, name)
    if not source.is_enabled:
        raise NothingToChangeError(phrase("The source %(name)s is disabled already.", name=name))
    source.is_enabled = False
    uow.record(events.SourceDisabled(subject=source.public_id))
    return source


def remove_source(uow: UnitOfWork, *, name: str) -> Source:
    """Take a source out: its secrets go, what it showed ends now, its history stays.

    Raises:
        NotFoundError: There is no such source.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    source = live_source(uow, name)
    source.is_enabled = False
    source.removed_at = uow.now
    source.sealed_secrets = None
    groups = sa.select(Group.id).where(Group.source_id == source.id)
    runs = sa.select(SyncRun.id).where(SyncRun.source_id == source.id)
    session = uow.session
    for ended in (
        sa.update(Membership)
        .where(Membership.valid_to.is_(None), Membership.group_id.in_(groups))
        .values(valid_to=uow.now),
        sa.update(Nesting)
        .where(Nesting.valid_to.is_(None), Nesting.parent_id.in_(groups))
        .values(valid_to=uow.now),
        sa.update(Account)
        .where(Account.ended_at.is_(None), Account.source_id == source.id)
        .values(ended_at=uow.now),
        sa.update(Group)
        .where(Group.ended_at.is_(None), Group.source_id == source.id)
        .values(ended_at=uow.now),
        sa.delete(ParkedRead).where(ParkedRead.run_id.in_(runs)),
    ):
        session.execute(ended.execution_options(synchronize_session=False))
    following.follow_nestings(session)
    following.follow_reach(session)
    uow.record(events.SourceRemoved(subject=source.public_id))
    correlating.correlate_all(uow, subject=source.public_id, turned=set())
    return source


def live_source(reading: Reading, name: str) -> Source:
    """Return a source by name.

    Raises:
        NotFoundError: There is none, or it was removed.
    """
    found = reading.session.scalar(
        sa.select(Source).where(Source.name == name, Source.removed_at.is_(None))
    )
    if found is None:
        names = reading.session.scalars(
            sa.select(Source.name).where(Source.removed_at.is_(None)).order_by(Source.id)
        ).all()
        there = f"There are {', '.join(names)}." if names else "There is none yet: `source add`."
        raise NotFoundError(
            phrase("There is no source named %(name)s. %(there)s", name=name, there=there)
        )
    return found


def _differs(before: Mapping[str, str], after: Mapping[str, str], key: str) -> bool:
    return before.get(key) != after.get(key)


def _check_name(name: str) -> None:
    if name in RESERVED:
        raise InvalidInputError(
            {"name": phrase("%(name)s is a word of this service: take another name.", name=name)}
        )
    if not name or len(name) > LONGEST_NAME or name != name.strip() or "/" in name:
        raise InvalidInputError(
            {"name": phrase("1 to 100 characters, no slash, no blanks at the ends.")}
        )


def _check_keys(kind: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    try:
        check_keys(kind, registry.kind(kind).keys, settings, secrets)
    except MisconfiguredError as error:
        raise InvalidInputError({error.key or "settings": str(error)}) from error
