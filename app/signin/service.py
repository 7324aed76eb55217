"""Commands of sign-in: tokens are shown once and kept by digest; roles end, they are not deleted.

Nothing here may leave the instance without somebody who can administer it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from app.directory.models import Identity
from app.events import RoleGranted, RoleRevoked, TokenCreated, TokenRevoked
from app.kernel.actor import Actor, ActorKind, Permission, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotSignedInError,
)
from app.kernel.limits import Limits
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.signin.domain import (
    MAX_DAYS,
    auditors_limits,
    clear_token,
    ends_by_itself,
    holds,
    token_digest,
)
from app.signin.models import ApiToken, RoleGrant

MAX_TOKEN = 200


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; the only time its clear text exists outside its holder's hands.

    Attributes:
        id: Public id.
        name: What it is for.
        role: The role it stands for, or None.
        identity: Public id of the identity it acts as, or None.
        expires_at: When it ends, or None.
        token: The clear text; never logged, never shown in a `repr`.
    """

    id: str
    name: str
    role: Role | None
    identity: str | None
    expires_at: datetime | None
    token: str

    @override
    def __repr__(self) -> str:
        """Leave the clear text out."""
        return f"NewToken(id={self.id!r}, role={self.role!r}, identity={self.identity!r})"


def authenticate(reading: Reading, token: str) -> Actor:
    """Say who a bearer token stands for, in one statement.

    Raises:
        NotSignedInError: The token is unknown, revoked or expired, or its person is not active.
    """
    if len(token) > MAX_TOKEN:
        raise NotSignedInError(phrase("This token is unknown here."))
    rows = reading.session.execute(_token_with_roles(token_digest(token))).all()
    if not rows:
        raise NotSignedInError(phrase("This token is unknown here."))
    first = rows[0]
    if first.revoked_at is not None:
        raise NotSignedInError(
            phrase("This token was revoked: ask an administrator for a new one.")
        )
    if not holds(reading.now, until=first.expires_at, ended_at=None):
        raise NotSignedInError(
            phrase("This token has expired: ask an administrator for a new one.")
        )
    if first.identity_id is None:
        roles = frozenset({Role(first.token_role)})
        return Actor(ActorKind.TOKEN, first.token_id, None, roles, first.token_id)
    if not first.is_active or first.identity_ended_at is not None:
        raise NotSignedInError(phrase("The person behind this token is no longer active."))
    held = _held(rows, reading.now)
    return Actor(
        ActorKind.TOKEN,
        first.identity,
        first.identity_id,
        frozenset(Role(row.role) for row in held),
        first.token_id,
        limits=auditors_limits(row.limits for row in held if row.role is Role.AUDITOR),
    )


def create_token(
    uow: UnitOfWork,
    *,
    role: Role | None = None,
    who: str | None = None,
    name: str = "",
    expires_days: int | None = None,
) -> NewToken:
    """Make a token that stands for a role, or acts as a person with that person's roles.

    Args:
        uow: The unit of work.
        role: The role; exactly one of `role` and `who`.
        who: Public id, mail or employee number of the person.
        name: What it is for.
        expires_days: Days it holds; none is for ever, but 90 for an auditor.
    """
    uow.actor.require(Permission.TOKEN_WRITE)
    uow.actor.require_fresh(uow.now)
    if (role is None) == (who is None):
        raise InvalidInputError(
            {"role": phrase("Give either a role, or the person it acts as (`who`).")}
        )
    if expires_days is not None and not 1 <= expires_days <= MAX_DAYS:
        raise InvalidInputError(
            {"expires_days": phrase("Give 1 to %(MAX_DAYS)s days.", MAX_DAYS=MAX_DAYS)}
        )
    identity = None if who is None else find_person(uow, who)
    until = None if expires_days is None else uow.now + timedelta(days=expires_days)
    clear = clear_token(uow.ids.secret())
    token = ApiToken(
        public_id=uow.ids.new(),
        name=name.strip() or (role.value if role is not None else "personal"),
        digest=token_digest(clear),
        role=role,
        identity_id=None if identity is None else identity.id,
        created_at=uow.now,
        created_by=uow.actor.public_id,
        expires_at=ends_by_itself(role, uow.now, until),
        revoked_at=None,
    )
    uow.session.add(token)
    made = NewToken(
        id=token.public_id,
        name=token.name,
        role=role,
        identity=None if identity is None else identity.public_id,
        expires_at=token.expires_at,
        token=clear,
    )
    uow.record(
        TokenCreated(
            subject=made.id,
            role=None if role is None else role.value,
            identity=made.identity,
            expires_at=made.expires_at,
            name=made.name,
        )
    )
    return made


def revoke_token(uow: UnitOfWork, *, token_id: str) -> None:
    """End a token at once; the last one that can administer is kept.

    Raises:
        NotFoundError: There is no such token.
        NothingToChangeError: It was revoked before.
        ConflictError: Nobody could administer the instance without it.
    """
    uow.actor.require(Permission.TOKEN_WRITE)
    token = uow.session.scalar(sa.select(ApiToken).where(ApiToken.public_id == token_id))
    if token is None:
        raise NotFoundError(phrase("There is no token %(token_id)s.", token_id=token_id))
    if token.revoked_at is not None:
        raise NothingToChangeError(phrase("This token is revoked already."))
    was_usable = holds(uow.now, until=token.expires_at, ended_at=None)
    token.revoked_at = uow.now
    uow.session.flush()
    if was_usable:
        _keep_an_administrator(uow)
    uow.record(TokenRevoked(subject=token.public_id))


def grant_role(
    uow: UnitOfWork,
    *,
    who: str,
    role: Role,
    until: datetime | None = None,
    limits: Limits | None = None,
) -> RoleGrant:
    """Give a person a role, perhaps until a moment; a different end replaces the one before.

    Args:
        uow: The unit of work.
        who: Mail address, employee number or id of an active person.
        role: The role.
        until: Until when; an auditor's ends in any case.
        limits: To what an auditor is limited; `audit.auditors` sees to it that it is there.

    Raises:
        NothingToChangeError: They hold it, with this end.
        NotFreshError: The actor signed in too long ago.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    return give_role(uow, who=who, role=role, until=until, limits=limits)


def give_role(
    uow: UnitOfWork,
    *,
    who: str,
    role: Role,
    until: datetime | None = None,
    limits: Limits | None = None,
) -> RoleGrant:
    """Give a person a role, for a command that has seen to it that this may be done.

    Raises:
        NothingToChangeError: They hold it, with this end.
    """
    if until is not None and until <= uow.now:
        raise InvalidInputError({"until": phrase("Give a moment in the future.")})
    if limits is not None and role is not Role.AUDITOR:
        raise InvalidInputError({"role": phrase("Only an auditor is limited.")})
    identity = find_person(uow, who)
    wanted = ends_by_itself(role, uow.now, until)
    present = _open_role(uow, identity.id, role)
    told = None if limits is None else limits.told()
    if present is not None:
        is_same_end = present.until == wanted or (until is None and role is Role.AUDITOR)
        if is_same_end and present.limits == told:
            raise NothingToChangeError(
                phrase(
                    "%(identity)s holds the role %(role)s already.",
                    identity=identity.display_name,
                    role=role,
                )
            )
        present.ended_at = uow.now
    granted = RoleGrant(
        public_id=uow.ids.new(),
        identity_id=identity.id,
        role=role,
        granted_by=uow.actor.public_id,
        granted_at=uow.now,
        until=wanted,
        ended_at=None,
        issuer=None,
        limits=told,
    )
    uow.session.add(granted)
    uow.session.flush()
    _keep_an_administrator(uow, if_role=role)
    uow.record(
        RoleGranted(
            subject=identity.public_id, role=role.value, until=wanted, issuer=None, limits=told
        )
    )
    return granted


def revoke_role(uow: UnitOfWork, *, who: str, role: Role) -> RoleGrant:
    """Take a role from a person; the last administrator's is kept.

    Raises:
        NothingToChangeError: They do not hold it.
        ConflictError: Nobody could administer the instance without it.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    identity = find_person(uow, who, even_if_left=True)
    present = _open_role(uow, identity.id, role)
    if present is None:
        raise NothingToChangeError(
            phrase(
                "%(identity)s does not hold the role %(role)s.",
                identity=identity.display_name,
                role=role,
            )
        )
    return _end_role(uow, present, identity.public_id)


def end_role(uow: UnitOfWork, *, role_id: str) -> RoleGrant:
    """Take a role away by the public id of its grant.

    Raises:
        NotFoundError: There is no such grant of a role.
        NothingToChangeError: It has ended already.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    found = uow.session.execute(
        sa.select(RoleGrant, Identity.public_id)
        .join(Identity, Identity.id == RoleGrant.identity_id)
        .where(RoleGrant.public_id == role_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(phrase("There is no grant of a role %(role_id)s.", role_id=role_id))
    granted, identity_id = found
    if not holds(uow.now, until=granted.until, ended_at=granted.ended_at):
        raise NothingToChangeError(phrase("This role has ended already."))
    return _end_role(uow, granted, identity_id)


def _end_role(uow: UnitOfWork, granted: RoleGrant, identity: str) -> RoleGrant:
    granted.ended_at = uow.now
    uow.session.flush()
    _keep_an_administrator(uow, if_role=granted.role)
    uow.record(RoleRevoked(subject=identity, role=granted.role.value, issuer=None))
    return granted


def _token_with_roles(digest: bytes) -> sa.Select[*tuple[Any, ...]]:
    """A row for each role of the token's person, or one row."""
    return (
        sa.select(
            ApiToken.public_id.label("token_id"),
            ApiToken.role.label("token_role"),
            ApiToken.identity_id,
            ApiToken.expires_at,
            ApiToken.revoked_at,
            Identity.public_id.label("identity"),
            Identity.is_active,
            Identity.ended_at.label("identity_ended_at"),
            RoleGrant.role,
            RoleGrant.until,
            RoleGrant.ended_at,
            RoleGrant.limits,
        )
        .outerjoin(Identity, Identity.id == ApiToken.identity_id)
        .outerjoin(RoleGrant, RoleGrant.identity_id == Identity.id)
        .where(ApiToken.digest == digest)
        .order_by(RoleGrant.id)
    )


def _held(rows: Sequence[Any], now: datetime) -> Sequence[Any]:
    return [
        row
        for row in rows
        if row.role is not None and holds(now, until=row.until, ended_at=row.ended_at)
    ]


def find_person(uow: UnitOfWork, who: str, *, even_if_left: bool = False) -> Identity:
    """Find the one identity a public id, a mail or an employee number means."""
    found = uow.session.scalars(
        sa.select(Identity).where(
            sa.or_(
                Identity.public_id == who,
                sa.func.lower(Identity.mail) == who.lower(),
                Identity.employee_number == who,
            ),
            Identity.ended_at.is_(None) if not even_if_left else sa.true(),
        )
    ).all()
    if not found:
        raise NotFoundError(
            phrase("Nobody is known as %(who)s: give a mail, employee number or id.", who=who)
        )
    if len(found) > 1:
        raise ConflictError(
            phrase(
                "%(count)s identities are known as %(who)s: give the id of one.",
                count=len(found),
                who=who,
            )
        )
    if not (found[0].is_active or even_if_left):
        raise ConflictError(
            phrase("%(display_name)s is not active.", display_name=found[0].display_name)
        )
    return found[0]


def _open_role(uow: UnitOfWork, identity_id: int, role: Role) -> RoleGrant | None:
    """Return the grant of a role that holds now; the newest, should there be several."""
    return uow.session.scalar(
        sa.select(RoleGrant)
        .where(
            RoleGrant.identity_id == identity_id,
            RoleGrant.role == role,
            RoleGrant.ended_at.is_(None),
            sa.or_(RoleGrant.until.is_(None), RoleGrant.until > uow.now),
        )
        .order_by(RoleGrant.id.desc())
        .limit(1)
    )


def _keep_an_administrator(uow: UnitOfWork, if_role: Role | None = None) -> None:
    """Refuse what would leave nobody to administer."""
    if if_role not in {None, Role.ADMIN}:
        return
    usable = sa.and_(
        ApiToken.revoked_at.is_(None),
        sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > uow.now),
    )
    by_token = sa.exists().where(usable, ApiToken.role == Role.ADMIN)
    by_role = sa.exists().where(
        RoleGrant.role == Role.ADMIN,
        RoleGrant.ended_at.is_(None),
        sa.or_(RoleGrant.until.is_(None), RoleGrant.until > uow.now),
        Identity.id == RoleGrant.identity_id,
        Identity.is_active,
        Identity.ended_at.is_(None),
    )
    if not uow.session.scalar(sa.select(sa.or_(by_token, by_role))):
        raise ConflictError(
            phrase("Nobody could administer this instance any more: name another first.")
        )
