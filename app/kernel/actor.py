"""Who acts, and what they may do.

A permission is asked for inside commands and queries, never in a page or a route, so that no door
can be left open. What follows from a relationship (my own request, an approval addressed to me) is
the stage's business and needs no role.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.kernel.errors import NotFreshError, NotPermittedError
from app.kernel.limits import Limits
from app.kernel.phrases import phrase

SYSTEM_ID = "system"
FRESH_FOR = timedelta(minutes=10)


class Role(StrEnum):
    """What a person or a token may be beyond a plain employee."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    HR = "hr"


class Permission(StrEnum):
    """`stage:noun:action`, each asked for by at least one command or query."""

    SOURCE_READ = "directory:source:read"
    SOURCE_WRITE = "directory:source:write"
    SYNC_RUN = "directory:sync:run"
    SYNC_JUDGE = "directory:sync:judge"
    DIRECTORY_READ = "directory:identity:read"
    ACCOUNT_WRITE = "directory:account:write"
    CATALOG_WRITE = "catalog:entitlement:write"
    PROTECTION_WRITE = "catalog:protection:write"
    TOKEN_WRITE = "signin:token:write"  # noqa: S105 - the name of a permission
    ROLE_WRITE = "signin:role:write"
    POLICY_READ = "rulebook:policy:read"
    POLICY_WRITE = "rulebook:policy:write"
    REQUEST_READ_ALL = "requests:request:read-all"
    REQUEST_ON_BEHALF = "requests:request:on-behalf"
    TASK_READ = "provisioning:task:read"
    TASK_RETRY = "provisioning:task:retry"
    PLAN_RELEASE = "provisioning:plan:release"
    DRIFT_READ = "provisioning:drift:read"
    DRIFT_DECIDE = "provisioning:drift:decide"
    HR_WRITE = "lifecycle:event:write"
    HR_READ = "lifecycle:event:read"
    CAMPAIGN_READ = "reviews:campaign:read"
    CAMPAIGN_WRITE = "reviews:campaign:write"
    ITEM_REASSIGN = "reviews:item:reassign"
    BUNDLE_READ = "audit:bundle:read"
    BUNDLE_BUILD = "audit:bundle:build"
    LEDGER_READ = "audit:ledger:read"
    KEY_ROTATE = "audit:key:rotate"
    WITNESS_MANAGE = "audit:witness:manage"
    DISCLOSURE_ERASE = "audit:disclosure:erase"
    METRICS_READ = "web:metrics:read"
    SETTINGS_READ = "web:settings:read"


_READS = frozenset(
    {
        Permission.SOURCE_READ,
        Permission.DIRECTORY_READ,
        Permission.POLICY_READ,
        Permission.REQUEST_READ_ALL,
        Permission.TASK_READ,
        Permission.DRIFT_READ,
        Permission.HR_READ,
        Permission.CAMPAIGN_READ,
        Permission.BUNDLE_READ,
        Permission.LEDGER_READ,
    }
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: _READS
    | {
        Permission.SOURCE_WRITE,
        Permission.SYNC_RUN,
        Permission.SYNC_JUDGE,
        Permission.ACCOUNT_WRITE,
        Permission.CATALOG_WRITE,
        Permission.REQUEST_ON_BEHALF,
        Permission.TASK_RETRY,
        Permission.PLAN_RELEASE,
        Permission.DRIFT_DECIDE,
        Permission.CAMPAIGN_WRITE,
        Permission.ITEM_REASSIGN,
        Permission.BUNDLE_BUILD,
        Permission.METRICS_READ,
    },
    Role.AUDITOR: _READS | {Permission.BUNDLE_BUILD},
    Role.HR: frozenset({Permission.HR_WRITE, Permission.HR_READ}),
}

LIMITED = frozenset({Permission.BUNDLE_READ, Permission.BUNDLE_BUILD, Permission.LEDGER_READ})
"""What an auditor may do whose role is limited: only what asks for the limits before it answers."""


class ActorKind(StrEnum):
    """Through which door somebody acts."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a kind of actor
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts.

    Attributes:
        kind: Person, token or the system itself.
        public_id: What the ledger names: the identity's id, else the token's, else `system`.
        identity_id: Internal key of the identity they are, or None.
        roles: What they may do beyond their own affairs.
        token_id: Public id of the API token used, or None.
        proven_at: When a person last proved who they are; None if that is not known.
        limits: To what their role of auditor is limited; None: to nothing.
    """

    kind: ActorKind
    public_id: str
    identity_id: int | None = None
    roles: frozenset[Role] = frozenset()
    token_id: str | None = None
    proven_at: datetime | None = None
    limits: Limits | None = None

    def may(self, permission: Permission) -> bool:
        """Say whether one of the roles holds a permission. The system may do everything."""
        if self.kind is ActorKind.SYSTEM:
            return True
        return any(permission in self._given_by(role) for role in self.roles)

    def limits_on(self, permission: Permission) -> Limits | None:
        """Return to what a permission that is held is limited; None if a role gives it freely."""
        is_free = self.kind is ActorKind.SYSTEM or any(
            permission in PERMISSIONS[role] for role in self.roles - {Role.AUDITOR}
        )
        return None if is_free else self.limits

    def _given_by(self, role: Role) -> frozenset[Permission]:
        is_limited = role is Role.AUDITOR and self.limits is not None
        return LIMITED if is_limited else PERMISSIONS[role]

    def require(self, permission: Permission) -> None:
        """Refuse unless the permission is held.

        Raises:
            NotPermittedError: No role of the actor holds it; the message names those that do.
        """
        if not self.may(permission):
            if any(permission in PERMISSIONS[role] for role in self.roles):
                raise NotPermittedError(
                    phrase(
                        "Your role of auditor is limited and does not reach this "
                        "(%(permission)s): ask an administrator.",
                        permission=permission.value,
                    )
                )
            holders = " or ".join(role.value for role in Role if permission in PERMISSIONS[role])
            raise NotPermittedError(
                phrase(
                    "This needs the role %(holders)s (%(permission)s).",
                    holders=holders,
                    permission=permission.value,
                )
            )

    def is_fresh(self, now: datetime) -> bool:
        """Say whether they proved who they are a short time ago.

        Tokens and the command line have nobody to ask, and are as strong as they are (ADR 5).
        """
        if self.kind is not ActorKind.PERSON:
            return True
        return self.proven_at is not None and now - self.proven_at < FRESH_FOR

    def require_fresh(self, now: datetime) -> None:
        """Refuse a person who proved who they are too long ago.

        Raises:
            NotFreshError: They have to sign in once more.
        """
        if not self.is_fresh(now):
            minutes = int(FRESH_FOR.total_seconds() // 60)
            raise NotFreshError(
                phrase(
                    "Much depends on this, so sign in once more: it is done within "
                    "%(minutes)s minutes of a sign-in only.",
                    minutes=minutes,
                )
            )

    def require_identity(self) -> int:
        """Return the identity behind the actor.

        Raises:
            NotPermittedError: A token that stands for no person cannot do what only people do.
        """
        if self.identity_id is None:
            raise NotPermittedError(
                phrase(
                    "This is done as a person: sign in as yourself, or use a token made with "
                    "`token create --for WHO`."
                )
            )
        return self.identity_id


SYSTEM = Actor(kind=ActorKind.SYSTEM, public_id=SYSTEM_ID)
