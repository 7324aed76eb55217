"""Sessions: begun by a sign-in, looked up at every click, ended on the server.

Of the cookie only its digest is kept. Roles are read with the session, so that one taken away is
gone at the next click. That somebody was seen is noted at most once a minute, and never in the
transaction of a business change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from app.directory.models import Identity
from app.events import SessionBegun, SessionEnded, SessionProven
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NotFoundError, NotSignedInError
from app.kernel.idempotency import StoredAnswer, is_forgotten
from app.kernel.kept import KeptForm
from app.kernel.limits import Limits
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.signin.domain import (
    IDLE,
    LONGEST,
    SEEN_EVERY,
    agent_summary,
    auditors_limits,
    holds,
    session_end,
    token_digest,
)
from app.signin.models import Preference, RoleGrant, SigninSession
from app.web.visit import DEFAULT_ZONE, NOBODY, SignedInBy, Visit

MAX_COOKIE = 200
ENDED = "Your session has ended: sign in again."


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun; the only time the cookie's value exists outside the browser.

    Attributes:
        id: Public id.
        cookie: The cookie's value; never logged, never shown in a `repr`.
    """

    id: str
    cookie: str

    @override
    def __repr__(self) -> str:
        """Leave the cookie out."""
        return f"NewSession(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser brings along.

    Attributes:
        agent: Its `User-Agent`.
        present: The cookie of the session it has, or empty; never shown in a `repr`.
    """

    agent: str
    present: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """By what somebody proved who they are, and when.

    Attributes:
        how: By what.
        at: When, as far as it is known; a long time ago, if it is not.
        issuer: The provider that vouched, or None.
        subject: Who they are there, or None.
        link: Public id of the link that was used, or None.
    """

    how: SignedInBy
    at: datetime
    issuer: str | None = None
    subject: str | None = None
    link: str | None = None


def begin(
    uow: UnitOfWork,
    *,
    identity: Identity | None,
    proof: Proof,
    browser: Browser,
    role: Role | None = None,
    mail: str | None = None,
) -> NewSession:
    """Begin a session, of an identity or of a role that nobody has been tied to yet.

    Whoever has a session and proves once more who they are keeps it, under another cookie, so
    that what is open in other tabs still holds. Anybody else's session ends.

    Args:
        uow: The unit of work; the one who signs in acts from here on.
        identity: Who signs in, or None.
        proof: By what.
        browser: With what.
        role: Role of a first administrator without identity.
        mail: Their mail address.

    Raises:
        NotSignedInError: The person is not active.
    """
    if identity is not None and (not identity.is_active or identity.ended_at is not None):
        raise NotSignedInError(phrase("This person is no longer active."))
    cookie = uow.ids.secret()
    present = _present(uow, browser.present)
    is_same = present is not None and _is_of(present, identity, role, mail)
    if present is not None and not is_same:
        end_by_cookie(uow, browser.present, why="replaced")
    if present is None or not is_same:
        present = _new_session(uow, identity, role, mail, browser.agent)
    present.digest = token_digest(cookie)
    present.how, present.issuer, present.subject = proof.how, proof.issuer, proof.subject
    present.fresh_at, present.last_seen_at = proof.at, uow.now
    identity_id = None if identity is None else identity.public_id
    uow.actor = Actor(
        ActorKind.PERSON,
        identity_id or present.public_id,
        present.identity_id,
        proven_at=proof.at,
    )
    told: dict[str, Any] = {
        "subject": present.public_id,
        "identity": identity_id,
        "how": proof.how.value,
        "link": proof.link,
        "issuer": proof.issuer,
    }
    if is_same:
        uow.record(SessionProven(**told))
    else:
        uow.record(SessionBegun(role=None if role is None else role.value, **told))
    return NewSession(present.public_id, cookie)


def _new_session(
    uow: UnitOfWork, identity: Identity | None, role: Role | None, mail: str | None, agent: str
) -> SigninSession:
    session = SigninSession(
        public_id=uow.ids.new(),
        identity_id=None if identity is None else identity.id,
        role=role,
        mail=mail,
        agent=agent_summary(agent),
        began_at=uow.now,
        ends_at=uow.now + LONGEST,
        ended_at=None,
    )
    uow.session.add(session)
    return session


def _present(uow: UnitOfWork, cookie: str) -> SigninSession | None:
    """Return the session a browser has, if there is one that was not ended."""
    if not cookie or len(cookie) > MAX_COOKIE:
        return None
    return uow.session.scalar(
        sa.select(SigninSession).where(
            SigninSession.digest == token_digest(cookie),
            SigninSession.ended_at.is_(None),
            SigninSession.ends_at > uow.now,
            SigninSession.last_seen_at > uow.now - IDLE,
        )
    )


def _is_of(
    session: SigninSession, identity: Identity | None, role: Role | None, mail: str | None
) -> bool:
    if identity is not None:
        return session.identity_id == identity.id
    wanted = (None, role, mail)
    return (session.identity_id, session.role, session.mail) == wanted


def authenticate_session(reading: Reading, cookie: str) -> Visit:
    """Say whose session a cookie is, in one statement.

    Raises:
        NotSignedInError: It is unknown or has ended, or its person is not active.
    """
    if not cookie or len(cookie) > MAX_COOKIE:
        raise NotSignedInError(ENDED)
    rows = reading.session.execute(_session_with_roles(token_digest(cookie))).all()
    if not rows:
        raise NotSignedInError(ENDED)
    first = rows[0]
    until = session_end(first.last_seen_at, first.ends_at)
    if not holds(reading.now, until=until, ended_at=first.ended_at):
        raise NotSignedInError(ENDED)
    if first.identity_id is not None and (not first.is_active or first.left_at is not None):
        raise NotSignedInError(
            phrase("You are no longer active in the directory: ask an administrator.")
        )
    return _visit(
        first,
        _roles(rows, reading.now),
        _roles_end(rows, reading.now),
        _limits(rows, reading.now),
    )


def note_seen(tx: Transactions, session_id: str) -> None:
    """Note a click, in a transaction of its own; a second one within a minute changes nothing."""
    with tx.write(NOBODY) as uow:
        uow.session.execute(
            sa.update(SigninSession)
            .where(
                SigninSession.public_id == session_id,
                SigninSession.ended_at.is_(None),
                SigninSession.last_seen_at <= uow.now - SEEN_EVERY,
            )
            .values(last_seen_at=uow.now)
        )


def owner_of(reading: Reading, session_id: str) -> str | None:
    """Return whose a session is or was, for what outlives it; None if there was none."""
    found = reading.session.execute(
        sa.select(SigninSession.public_id, Identity.public_id.label("identity"))
        .outerjoin(Identity, Identity.id == SigninSession.identity_id)
        .where(SigninSession.public_id == session_id)
    ).one_or_none()
    return None if found is None else found.identity or found.public_id


def end_by_cookie(uow: UnitOfWork, cookie: str, *, why: str = "signed_out") -> None:
    """End the session of a cookie, if it is one that lasts: sign-out may be pressed twice."""
    found = uow.session.execute(
        sa.select(SigninSession, Identity.public_id)
        .outerjoin(Identity, Identity.id == SigninSession.identity_id)
        .where(SigninSession.digest == token_digest(cookie), SigninSession.ended_at.is_(None))
    ).one_or_none()
    if found is not None:
        session, identity = found
        uow.actor = Actor(ActorKind.PERSON, identity or session.public_id, session.identity_id)
        _end(uow, [session], why)


def end_one(uow: UnitOfWork, *, session_id: str) -> None:
    """End one of one's own sessions.

    Raises:
        NotFoundError: It is not there, is another's, or has ended.
    """
    session = uow.session.scalar(
        sa.select(SigninSession).where(
            SigninSession.public_id == session_id,
            SigninSession.identity_id == uow.actor.require_identity(),
            SigninSession.ended_at.is_(None),
        )
    )
    if session is None:
        raise NotFoundError(phrase("This session is not there any more."))
    _end(uow, [session], "ended_by_holder")


def end_others(uow: UnitOfWork, *, but: str) -> int:
    """End all of one's own sessions but one, and say how many."""
    found = uow.session.scalars(
        sa.select(SigninSession).where(
            SigninSession.identity_id == uow.actor.require_identity(),
            SigninSession.public_id != but,
            SigninSession.ended_at.is_(None),
        )
    ).all()
    _end(uow, found, "ended_by_holder")
    return len(found)


def tick(tx: Transactions) -> None:
    """End what has ended by itself, and forget what was kept for sessions; once a minute."""
    with tx.read() as reading:
        is_due = reading.session.scalar(
            sa.select(
                sa.or_(
                    sa.exists().where(_is_over(reading.now)),
                    sa.exists().where(KeptForm.expires_at <= reading.now),
                    sa.exists().where(is_forgotten(reading.now - LONGEST)),
                )
            )
        )
    if not is_due:
        return
    with tx.write() as uow:
        over = uow.session.scalars(sa.select(SigninSession).where(_is_over(uow.now))).all()
        for session in over:
            _end(uow, [session], "idle" if session.ends_at > uow.now else "age")
        uow.session.execute(sa.delete(KeptForm).where(KeptForm.expires_at <= uow.now))
        uow.session.execute(sa.delete(StoredAnswer).where(is_forgotten(uow.now - LONGEST)))


def _is_over(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        SigninSession.ended_at.is_(None),
        sa.or_(SigninSession.last_seen_at <= now - IDLE, SigninSession.ends_at <= now),
    )


def _end(uow: UnitOfWork, sessions: Sequence[SigninSession], why: str) -> None:
    ids = {each.identity_id for each in sessions if each.identity_id is not None}
    people: dict[int, str] = {}
    if ids:
        found = uow.session.execute(
            sa.select(Identity.id, Identity.public_id).where(Identity.id.in_(ids))
        )
        people = {row.id: row.public_id for row in found}
    for each in sessions:
        each.ended_at = uow.now
        identity = None if each.identity_id is None else people[each.identity_id]
        uow.record(SessionEnded(subject=each.public_id, identity=identity, why=why))


def _session_with_roles(digest: bytes) -> sa.Select[*tuple[Any, ...]]:
    """A row for each role of the session's person, or one row."""
    return (
        sa.select(
            SigninSession.public_id.label("session"),
            SigninSession.identity_id,
            SigninSession.role.label("session_role"),
            SigninSession.mail,
            SigninSession.how,
            SigninSession.began_at,
            SigninSession.last_seen_at,
            SigninSession.ends_at,
            SigninSession.fresh_at,
            SigninSession.ended_at,
            Identity.public_id.label("identity"),
            Identity.display_name,
            Identity.is_active,
            Identity.ended_at.label("left_at"),
            RoleGrant.role,
            RoleGrant.until,
            RoleGrant.ended_at.label("role_ended_at"),
            RoleGrant.limits,
            Preference.zone,
            Preference.language,
            Preference.are_keys_on,
        )
        .outerjoin(Identity, Identity.id == SigninSession.identity_id)
        .outerjoin(RoleGrant, RoleGrant.identity_id == Identity.id)
        .outerjoin(Preference, Preference.identity_id == Identity.id)
        .where(SigninSession.digest == digest)
        .order_by(RoleGrant.id)
    )


def _limits(rows: Sequence[Any], now: datetime) -> Limits | None:
    return auditors_limits(
        row.limits
        for row in rows
        if row.role is Role.AUDITOR and holds(now, until=row.until, ended_at=row.role_ended_at)
    )


def _roles(rows: Sequence[Any], now: datetime) -> frozenset[Role]:
    if rows[0].identity_id is None:
        return frozenset({Role(rows[0].session_role)}) if rows[0].session_role else frozenset()
    return frozenset(
        Role(row.role)
        for row in rows
        if row.role is not None and holds(now, until=row.until, ended_at=row.role_ended_at)
    )


def _roles_end(rows: Sequence[Any], now: datetime) -> datetime | None:
    """Return when the last role held ends by itself; None if one does not."""
    ends = [
        row.until
        for row in rows
        if row.role is not None and holds(now, until=row.until, ended_at=row.role_ended_at)
    ]
    return None if not ends or None in ends else max(ends)


def _visit(
    row: Any, roles: frozenset[Role], roles_end_at: datetime | None, limits: Limits | None
) -> Visit:
    return Visit(
        session=row.session,
        actor=Actor(
            ActorKind.PERSON,
            row.identity or row.session,
            row.identity_id,
            roles,
            proven_at=row.fresh_at,
            limits=limits,
        ),
        name=row.display_name or row.mail or "",
        how=SignedInBy(row.how),
        began_at=row.began_at,
        last_seen_at=row.last_seen_at,
        ends_at=row.ends_at,
        fresh_at=row.fresh_at,
        roles_end_at=roles_end_at,
        are_keys_on=True if row.are_keys_on is None else row.are_keys_on,
        zone=row.zone or DEFAULT_ZONE,
        language=row.language or "",
    )
