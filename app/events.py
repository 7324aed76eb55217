"""The vocabulary: every event of the product, in flow order, past tense.

The plain fields stand in the ledger in clear: opaque ids, states, counts, digests, times. What is
`personal()` is only committed to there. Who listens stands in `wiring.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from app.kernel.event import Event, personal

# KNOW


@dataclass(frozen=True, kw_only=True)
class SourceAdded(Event):
    """A source was connected."""

    kind: ClassVar[str] = "source.added"
    source_kind: str


@dataclass(frozen=True, kw_only=True)
class SourceChanged(Event):
    """A source's settings or secrets were changed."""

    kind: ClassVar[str] = "source.changed"
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SourceReadingSet(Event):
    """When a source is read by itself was changed, or how much a read may end without a person."""

    kind: ClassVar[str] = "source.reading_set"
    rules: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class SourceChecked(Event):
    """A source was tried."""

    kind: ClassVar[str] = "source.checked"
    is_usable: bool


@dataclass(frozen=True, kw_only=True)
class SourceDisabled(Event):
    """A source is no longer read or written."""

    kind: ClassVar[str] = "source.disabled"


@dataclass(frozen=True, kw_only=True)
class SourceRemoved(Event):
    """A source was taken out; its history stays."""

    kind: ClassVar[str] = "source.removed"


@dataclass(frozen=True, kw_only=True)
class SyncIncomplete(Event):
    """A read broke off; it ended nothing."""

    kind: ClassVar[str] = "directory.sync_incomplete"
    source: str
    problems: int
    why: str = personal()


@dataclass(frozen=True, kw_only=True)
class SyncParked(Event):
    """A read waits for a person: it would change too much."""

    kind: ClassVar[str] = "directory.sync_parked"
    source: str
    counts: dict[str, int]
    why: str = personal()


@dataclass(frozen=True, kw_only=True)
class SyncAccepted(Event):
    """A person accepted what a parked read would change; exactly that was stored."""

    kind: ClassVar[str] = "directory.sync_accepted"
    source: str


@dataclass(frozen=True, kw_only=True)
class SyncRefused(Event):
    """A person refused a parked read."""

    kind: ClassVar[str] = "directory.sync_refused"
    source: str


@dataclass(frozen=True, kw_only=True)
class SyncFailed(Event):
    """A source could not be read at all."""

    kind: ClassVar[str] = "directory.sync_failed"
    source: str
    code: str


@dataclass(frozen=True, kw_only=True)
class DirectorySynced(Event):
    """A read was compared and stored; the members of `unread` groups stay as they were known."""

    kind: ClassVar[str] = "directory.synced"
    source: str
    is_baseline: bool
    is_delta: bool
    counts: dict[str, int]
    digest: str
    unread: int


@dataclass(frozen=True, kw_only=True)
class LogTold(Event):
    """A source's own log told who changed memberships, the earliest of it at `since`."""

    kind: ClassVar[str] = "directory.log_told"
    run: str
    deeds: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class GroupExcluded(Event):
    """A person no longer expects the members of a group to be read, and said why."""

    kind: ClassVar[str] = "directory.group_excluded"
    source: str
    group: str | None
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class ExclusionLifted(Event):
    """The members of a group are expected to be read again."""

    kind: ClassVar[str] = "directory.exclusion_lifted"
    source: str


@dataclass(frozen=True, kw_only=True)
class GroupLoaded(Event):
    """The members of one group as they stood at the first read."""

    kind: ClassVar[str] = "directory.group_loaded"
    source: str
    run: str
    members: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class AccountsLoaded(Event):
    """The accounts as they stood at the first read."""

    kind: ClassVar[str] = "directory.accounts_loaded"
    run: str
    accounts: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class AccountAppeared(Event):
    """A source shows a new account."""

    kind: ClassVar[str] = "account.appeared"
    source: str
    run: str


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
    """Attributes of an account changed in its source."""

    kind: ClassVar[str] = "account.changed"
    source: str
    run: str | None
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccountEnded(Event):
    """A source no longer shows an account."""

    kind: ClassVar[str] = "account.ended"
    source: str
    run: str


@dataclass(frozen=True, kw_only=True)
class GroupAppeared(Event):
    """A source shows a new group."""

    kind: ClassVar[str] = "group.appeared"
    source: str
    run: str


@dataclass(frozen=True, kw_only=True)
class GroupChanged(Event):
    """Attributes of a group changed in its source."""

    kind: ClassVar[str] = "group.changed"
    source: str
    run: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GroupEnded(Event):
    """A source no longer shows a group."""

    kind: ClassVar[str] = "group.ended"
    source: str
    run: str


@dataclass(frozen=True, kw_only=True)
class MembershipAppeared(Event):
    """An account was seen in a group."""

    kind: ClassVar[str] = "membership.appeared"
    group: str
    provenance: str
    ref: str | None
    run: str | None


@dataclass(frozen=True, kw_only=True)
class MembershipExplained(Event):
    """A membership that a read had found before its grant was confirmed was tied to it."""

    kind: ClassVar[str] = "membership.explained"
    group: str
    provenance: str
    ref: str


@dataclass(frozen=True, kw_only=True)
class MembershipEnded(Event):
    """An account was seen to have left a group."""

    kind: ClassVar[str] = "membership.ended"
    group: str
    ref: str | None
    run: str | None


@dataclass(frozen=True, kw_only=True)
class NestingAppeared(Event):
    """A group was seen in a group."""

    kind: ClassVar[str] = "nesting.appeared"
    group: str
    run: str


@dataclass(frozen=True, kw_only=True)
class NestingEnded(Event):
    """A group was seen to have left a group."""

    kind: ClassVar[str] = "nesting.ended"
    group: str
    run: str


@dataclass(frozen=True, kw_only=True)
class IdentitiesCorrelated(Event):
    """Accounts were tied to identities."""

    kind: ClassVar[str] = "identity.correlated"
    appeared: int
    changed: int
    linked: int
    rules: int


@dataclass(frozen=True, kw_only=True)
class CasesFound(Event):
    """Correlation found accounts that may be somebody, or that nobody doubts any more."""

    kind: ClassVar[str] = "correlation.cases_found"
    opened: int
    changed: int
    gone: int


@dataclass(frozen=True, kw_only=True)
class CaseSettled(Event):
    """A person decided who an account in doubt is."""

    kind: ClassVar[str] = "correlation.case_settled"
    account: str
    outcome: str
    identity: str | None
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class CorrelationRulesSet(Event):
    """The rules by which accounts are tied to identities were changed."""

    kind: ClassVar[str] = "correlation.rules_set"
    source: str | None
    version: int
    rules: int
    text: str = personal()


@dataclass(frozen=True, kw_only=True)
class AccountTied(Event):
    """A person said whose account this is."""

    kind: ClassVar[str] = "account.tied"
    identity: str
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class AccountSeparated(Event):
    """A person took an account away from an identity; it has one of its own since."""

    kind: ClassVar[str] = "account.separated"
    identity: str | None
    own: str
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class AccountTyped(Event):
    """A person said what an account is for, and who answers for it."""

    kind: ClassVar[str] = "account.typed"
    type: str | None
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class ListTaken(Event):
    """Somebody took a list away as a file."""

    kind: ClassVar[str] = "list.taken"
    list: str
    filtered: str = personal()


@dataclass(frozen=True, kw_only=True)
class EntitlementDescribed(Event):
    """What a group means was written down."""

    kind: ClassVar[str] = "catalog.entitlement_described"
    risk: str
    owner: str | None
    is_requestable: bool
    description: str = personal()
    tags: str = personal()


@dataclass(frozen=True, kw_only=True)
class ProtectionSet(Event):
    """Something was protected from automation."""

    kind: ClassVar[str] = "protection.set"
    what: str
    ref: str
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class ProtectionEnded(Event):
    """A protection was lifted."""

    kind: ClassVar[str] = "protection.ended"


@dataclass(frozen=True, kw_only=True)
class TokenCreated(Event):
    """An API token was made."""

    kind: ClassVar[str] = "token.created"
    role: str | None
    identity: str | None
    expires_at: datetime | None
    name: str = personal()


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    """An API token was revoked."""

    kind: ClassVar[str] = "token.revoked"


@dataclass(frozen=True, kw_only=True)
class RoleGranted(Event):
    """A role was given to a person."""

    kind: ClassVar[str] = "role.granted"
    role: str
    until: datetime | None
    issuer: str | None
    limits: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class RoleRevoked(Event):
    """A role was taken from a person."""

    kind: ClassVar[str] = "role.revoked"
    role: str
    issuer: str | None


@dataclass(frozen=True, kw_only=True)
class SignInLinkMade(Event):
    """A link was made that signs somebody in once."""

    kind: ClassVar[str] = "signin.link_made"
    identity: str | None
    role: str | None
    expires_at: datetime
    is_reusable: bool


@dataclass(frozen=True, kw_only=True)
class SessionBegun(Event):
    """Somebody signed in."""

    kind: ClassVar[str] = "session.begun"
    identity: str | None
    role: str | None
    how: str
    link: str | None
    issuer: str | None


@dataclass(frozen=True, kw_only=True)
class SessionProven(Event):
    """Whoever has a session proved once more who they are."""

    kind: ClassVar[str] = "session.proven"
    identity: str | None
    how: str
    link: str | None
    issuer: str | None


@dataclass(frozen=True, kw_only=True)
class SessionTied(Event):
    """A first administrator's session was tied to the identity they are."""

    kind: ClassVar[str] = "session.tied"
    identity: str


@dataclass(frozen=True, kw_only=True)
class ProviderTied(Event):
    """An account at the provider was tied to an identity, by its verified address or by hand."""

    kind: ClassVar[str] = "provider.tied"
    issuer: str
    how: str = "mail"
    account: str = personal()


@dataclass(frozen=True, kw_only=True)
class ProviderUntied(Event):
    """An account at the provider was untied from an identity."""

    kind: ClassVar[str] = "provider.untied"
    issuer: str


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """A session ended: by sign-out, by time, or because somebody ended it."""

    kind: ClassVar[str] = "session.ended"
    identity: str | None
    why: str


@dataclass(frozen=True, kw_only=True)
class SignInRefused(Event):
    """A sign-in was refused."""

    kind: ClassVar[str] = "signin.refused"
    how: str
    why: str


@dataclass(frozen=True, kw_only=True)
class PreferencesSet(Event):
    """Somebody chose how the pages look and speak to them."""

    kind: ClassVar[str] = "preferences.set"
    zone: str
    language: str
    are_keys_on: bool


# DECIDE


@dataclass(frozen=True, kw_only=True)
class PolicyPutInForce(Event):
    """A policy text came into force."""

    kind: ClassVar[str] = "policy.put_in_force"
    digest: str
    replaced: str | None


@dataclass(frozen=True, kw_only=True)
class RulingMade(Event):
    """The policy judged a set of facts."""

    kind: ClassVar[str] = "ruling.made"
    policy_digest: str
    outcome: str
    facts: str = personal()


@dataclass(frozen=True, kw_only=True)
class RequestSubmitted(Event):
    """Somebody asked for a change of access."""

    kind: ClassVar[str] = "request.submitted"
    requester: str
    beneficiary: str
    entitlement: str
    account: str
    action: str
    duration_days: int | None
    plan_digest: str
    policy_digest: str
    ruling: str
    reason: str = personal()
    ticket: str | None = personal(default=None)


@dataclass(frozen=True, kw_only=True)
class StepOpened(Event):
    """A step of the flow waits for its approvers."""

    kind: ClassVar[str] = "request.step_opened"
    step: str
    ordinal: int
    role: str
    approvers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ApprovalGiven(Event):
    """An approver answered."""

    kind: ClassVar[str] = "approval.given"
    request: str
    step: str
    approver: str
    decided_by: str
    outcome: str
    plan_digest: str
    comment: str | None = personal(default=None)


@dataclass(frozen=True, kw_only=True)
class RequestApproved(Event):
    """The last approver said yes."""

    kind: ClassVar[str] = "request.approved"
    plan_digest: str
    ruling: str


@dataclass(frozen=True, kw_only=True)
class RequestRefused(Event):
    """An approver or the policy said no."""

    kind: ClassVar[str] = "request.refused"
    by: str


@dataclass(frozen=True, kw_only=True)
class RequestCancelled(Event):
    """The requester took it back, or nobody decided it within the policy's limit."""

    kind: ClassVar[str] = "request.cancelled"


@dataclass(frozen=True, kw_only=True)
class RequestCompleted(Event):
    """What was asked for is so, as read back."""

    kind: ClassVar[str] = "request.completed"
    grant: str | None
    end: str | None


@dataclass(frozen=True, kw_only=True)
class RequestFailed(Event):
    """What was approved could not be done."""

    kind: ClassVar[str] = "request.failed"
    code: str


@dataclass(frozen=True, kw_only=True)
class DelegationMade(Event):
    """Somebody lets another stand in for a time."""

    kind: ClassVar[str] = "delegation.made"
    delegator: str
    delegate: str
    valid_from: datetime
    valid_to: datetime
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class DelegationEnded(Event):
    """A delegation ended early."""

    kind: ClassVar[str] = "delegation.ended"


@dataclass(frozen=True, kw_only=True)
class GrantAuthorised(Event):
    """A right was decided."""

    kind: ClassVar[str] = "grant.authorised"
    account: str
    group: str
    cause: str
    cause_ref: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class GrantExtended(Event):
    """The end of a right was moved."""

    kind: ClassVar[str] = "grant.extended"
    until: datetime | None
    cause_ref: str


@dataclass(frozen=True, kw_only=True)
class GrantConfirmed(Event):
    """A right was read back from its source."""

    kind: ClassVar[str] = "grant.confirmed"
    cause: str
    cause_ref: str


@dataclass(frozen=True, kw_only=True)
class GrantFailed(Event):
    """A right could not be brought about."""

    kind: ClassVar[str] = "grant.failed"
    cause: str
    cause_ref: str
    code: str


@dataclass(frozen=True, kw_only=True)
class GrantEnded(Event):
    """A right is over."""

    kind: ClassVar[str] = "grant.ended"
    cause: str
    cause_ref: str


@dataclass(frozen=True, kw_only=True)
class EndAuthorised(Event):
    """The end of a right was decided."""

    kind: ClassVar[str] = "end.authorised"
    account: str
    group: str
    grant: str | None
    cause: str
    cause_ref: str


@dataclass(frozen=True, kw_only=True)
class EndConfirmed(Event):
    """The end of a right was read back from its source."""

    kind: ClassVar[str] = "end.confirmed"
    cause: str
    cause_ref: str


@dataclass(frozen=True, kw_only=True)
class EndFailed(Event):
    """The end of a right could not be brought about."""

    kind: ClassVar[str] = "end.failed"
    cause: str
    cause_ref: str
    code: str


@dataclass(frozen=True, kw_only=True)
class LifecycleReceived(Event):
    """HR told of a joiner, mover or leaver."""

    kind: ClassVar[str] = "hr.event_received"
    event_type: str
    effective_at: datetime
    identity: str | None
    body_digest: str
    event_id: str = personal()
    employee_number: str = personal()


@dataclass(frozen=True, kw_only=True)
class LifecycleCancelled(Event):
    """HR took an event back before it took effect."""

    kind: ClassVar[str] = "hr.event_cancelled"


@dataclass(frozen=True, kw_only=True)
class LeaverStarted(Event):
    """A leaver's plan was made."""

    kind: ClassVar[str] = "leaver.started"
    plan: str
    accounts: int
    operations: int


@dataclass(frozen=True, kw_only=True)
class LeaverCompleted(Event):
    """Every system of a leaver was read back."""

    kind: ClassVar[str] = "leaver.completed"
    minutes: int
    unverifiable: int


@dataclass(frozen=True, kw_only=True)
class LeaverFailed(Event):
    """Something of a leaver's plan could not be done."""

    kind: ClassVar[str] = "leaver.failed"
    code: str


@dataclass(frozen=True, kw_only=True)
class TemplateSaved(Event):
    """A campaign template was made or changed."""

    kind: ClassVar[str] = "campaign.template_saved"
    name: str = personal()


@dataclass(frozen=True, kw_only=True)
class CampaignRequested(Event):
    """A review was asked for that takes its time to launch; nothing is frozen yet."""

    kind: ClassVar[str] = "campaign.requested"
    template: str
    memberships: int


@dataclass(frozen=True, kw_only=True)
class CampaignLaunchFailed(Event):
    """A review that was asked for could not be launched; nobody was asked anything."""

    kind: ClassVar[str] = "campaign.launch_failed"
    why: str = personal()


@dataclass(frozen=True, kw_only=True)
class CampaignLaunched(Event):
    """A review began over a frozen population."""

    kind: ClassVar[str] = "campaign.launched"
    population: int
    excluded: int
    population_digest: str
    reviewers: int
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ItemDecided(Event):
    """A reviewer decided, or changed their mind."""

    kind: ClassVar[str] = "item.decided"
    campaign: str
    reviewer: str
    move: str
    batch_size: int
    until: datetime | None
    dwell_ms: int | None = None
    is_viewed: bool | None = None
    sample: str | None = None
    reason: str | None = personal(default=None)


@dataclass(frozen=True, kw_only=True)
class SampleDrawn(Event):
    """A reviewer who wants to keep many items at once was given some of them to check first."""

    kind: ClassVar[str] = "sample.drawn"
    sample: str
    reviewer: str
    seed: str
    eligible: int
    drawn: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SampleAnswered(Event):
    """A reviewer checked a sample; what they were sure of is kept with the rest."""

    kind: ClassVar[str] = "sample.answered"
    sample: str
    reviewer: str
    right: tuple[str, ...]
    unsure: tuple[str, ...]
    kept: int
    dwell_ms: int | None


@dataclass(frozen=True, kw_only=True)
class ItemReassigned(Event):
    """An item went to another reviewer."""

    kind: ClassVar[str] = "item.reassigned"
    campaign: str
    reviewer_before: str | None
    reviewer: str
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class ReviewSignedOff(Event):
    """A reviewer said that they are done."""

    kind: ClassVar[str] = "review.signed_off"
    reviewer: str
    kept: int
    revoked: int
    abstained: int


@dataclass(frozen=True, kw_only=True)
class ReviewReminded(Event):
    """Somebody who runs a campaign had a reviewer reminded."""

    kind: ClassVar[str] = "review.reminded"
    reviewer: str


@dataclass(frozen=True, kw_only=True)
class RemediationConfirmed(Event):
    """What a reviewer revoked is gone, as read back."""

    kind: ClassVar[str] = "remediation.confirmed"
    campaign: str
    end: str


@dataclass(frozen=True, kw_only=True)
class RemediationFailed(Event):
    """What a reviewer revoked could not be taken away."""

    kind: ClassVar[str] = "remediation.failed"
    campaign: str
    end: str | None
    code: str


@dataclass(frozen=True, kw_only=True)
class ItemFollowedUp(Event):
    """A person said who answers for a revoke that was not carried out, and until when."""

    kind: ClassVar[str] = "item.followed_up"
    campaign: str
    owner_before: str | None
    owner: str
    due_at: datetime
    ticket: str = personal()


@dataclass(frozen=True, kw_only=True)
class ItemFollowUpOverdue(Event):
    """The time passed until when somebody was to see to a revoke, and the access is not gone."""

    kind: ClassVar[str] = "item.follow_up_overdue"
    campaign: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class CampaignClosed(Event):
    """A review ended."""

    kind: ClassVar[str] = "campaign.closed"
    kept: int
    revoked: int
    abstained: int
    unanswered: int
    confirmed: int
    exceptions: int


# ACT


@dataclass(frozen=True, kw_only=True)
class PlanMade(Event):
    """The operations of a decision were fixed."""

    kind: ClassVar[str] = "plan.made"
    cause: str
    cause_ref: str
    digest: str
    operations: int


@dataclass(frozen=True, kw_only=True)
class PlanHeld(Event):
    """A plan waits for a person."""

    kind: ClassVar[str] = "plan.held"
    code: str
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class PlanReleased(Event):
    """A person let a held plan go on."""

    kind: ClassVar[str] = "plan.released"


@dataclass(frozen=True, kw_only=True)
class PlanCompleted(Event):
    """Every task of a plan has ended, or it cannot go on without a person."""

    kind: ClassVar[str] = "plan.completed"
    verified: int
    unverifiable: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class TaskClaimed(Event):
    """A worker took a task."""

    kind: ClassVar[str] = "task.claimed"
    attempt: int


@dataclass(frozen=True, kw_only=True)
class TaskApplied(Event):
    """A source accepted an operation."""

    kind: ClassVar[str] = "task.applied"
    attempt: int
    effect: str
    operation: str = personal()
    answer: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskVerified(Event):
    """A source shows what a task was to bring about."""

    kind: ClassVar[str] = "task.verified"
    attempt: int
    shown: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskUnverifiable(Event):
    """A source has no way to show what a task did."""

    kind: ClassVar[str] = "task.unverifiable"
    attempt: int
    shown: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskRefuted(Event):
    """A source does not show what a task was to bring about."""

    kind: ClassVar[str] = "task.refuted"
    attempt: int
    shown: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskRetried(Event):
    """A try failed; another follows."""

    kind: ClassVar[str] = "task.retried"
    attempt: int
    code: str
    due_at: datetime | None
    detail: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskFailed(Event):
    """A task needs a person."""

    kind: ClassVar[str] = "task.failed"
    attempt: int
    code: str
    detail: str = personal()


@dataclass(frozen=True, kw_only=True)
class TaskCancelled(Event):
    """What a task was to bring about is no longer decided."""

    kind: ClassVar[str] = "task.cancelled"
    attempt: int
    code: str


@dataclass(frozen=True, kw_only=True)
class TaskWaitsForImport(Event):
    """Done at its master; the mirror shows it after its next import."""

    kind: ClassVar[str] = "task.waits_for_import"
    attempt: int


@dataclass(frozen=True, kw_only=True)
class DriftFound(Event):
    """A read showed a difference that nobody decided."""

    kind: ClassVar[str] = "drift.found"
    what: str
    account: str
    group: str
    run: str


@dataclass(frozen=True, kw_only=True)
class DriftAttributed(Event):
    """The log of the source told who made what was found, and when.

    Without a moment, what it had told of is contradicted by a later word of it. `actor` is the
    account if it is known here, `person` whose it is; what else the log says is committed to.
    """

    kind: ClassVar[str] = "drift.attributed"
    done_at: datetime | None
    actor: str | None
    person: str | None
    log_event: str | None = personal(default=None)
    actor_ref: str | None = personal(default=None)
    actor_name: str | None = personal(default=None)


@dataclass(frozen=True, kw_only=True)
class DriftAdopted(Event):
    """A person made what was found the decided state; without a grant, its absence."""

    kind: ClassVar[str] = "drift.adopted"
    grant: str | None
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class DriftRevertOrdered(Event):
    """A person ordered what was found to be undone."""

    kind: ClassVar[str] = "drift.revert_ordered"
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class DriftTicketed(Event):
    """A person noted where a finding is looked into; it stays open."""

    kind: ClassVar[str] = "drift.ticketed"
    ticket: str = personal()
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class DriftEnded(Event):
    """A finding is over, read back as undone or gone by itself; or its undoing failed."""

    kind: ClassVar[str] = "drift.ended"
    state: str


@dataclass(frozen=True, kw_only=True)
class NoticeQueued(Event):
    """Somebody is to be told."""

    kind: ClassVar[str] = "notice.queued"
    recipient: str
    notice_kind: str
    about: str


@dataclass(frozen=True, kw_only=True)
class NoticeSent(Event):
    """Somebody was told."""

    kind: ClassVar[str] = "notice.sent"
    channel: str


@dataclass(frozen=True, kw_only=True)
class NoticeRead(Event):
    """Somebody has read a notice."""

    kind: ClassVar[str] = "notice.read"


@dataclass(frozen=True, kw_only=True)
class NoticeFailed(Event):
    """Somebody could not be told."""

    kind: ClassVar[str] = "notice.failed"
    channel: str
    error: str = personal()


# PROVE


@dataclass(frozen=True, kw_only=True)
class KeyMade(Event):
    """A signing key was made."""

    kind: ClassVar[str] = "key.made"
    purpose: str
    key_id: str


@dataclass(frozen=True, kw_only=True)
class KeyRetired(Event):
    """A signing key signs no longer."""

    kind: ClassVar[str] = "key.retired"
    purpose: str
    key_id: str


@dataclass(frozen=True, kw_only=True)
class BundleRequested(Event):
    """Somebody asked for an evidence bundle."""

    kind: ClassVar[str] = "bundle.requested"
    bundle_kind: str
    scope: dict[str, str]
    supersedes: str | None = None
    why_anew: str | None = personal(default=None)


@dataclass(frozen=True, kw_only=True)
class BundleBuilt(Event):
    """A bundle was built, signed and checked."""

    kind: ClassVar[str] = "bundle.built"
    sha256: str
    tree_size: int


@dataclass(frozen=True, kw_only=True)
class BundleFailed(Event):
    """A bundle could not be built."""

    kind: ClassVar[str] = "bundle.failed"
    code: str


@dataclass(frozen=True, kw_only=True)
class BundleDownloaded(Event):
    """Somebody took a bundle away."""

    kind: ClassVar[str] = "bundle.downloaded"
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DisclosureErased(Event):
    """Values and salts behind commitments were erased, by right; the commitments stand."""

    kind: ClassVar[str] = "disclosure.erased"
    entries: int
    fields: int
    reason: str = personal()


@dataclass(frozen=True, kw_only=True)
class WitnessAdded(Event):
    """Somebody outside is asked to cosign each head of the ledger."""

    kind: ClassVar[str] = "witness.added"
    witness: str
    key_id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class WitnessRemoved(Event):
    """A witness is asked no longer; what it cosigned stays."""

    kind: ClassVar[str] = "witness.removed"
    witness: str
    key_id: str


@dataclass(frozen=True, kw_only=True)
class CheckpointQueued(Event):
    """The day's head of the ledger is to be sent to an address outside."""

    kind: ClassVar[str] = "checkpoint.queued"
    channel: str
    size: int
    target: str = personal()


@dataclass(frozen=True, kw_only=True)
class CheckpointSent(Event):
    """The day's head of the ledger was taken by an address outside."""

    kind: ClassVar[str] = "checkpoint.sent"
    channel: str
    size: int
    target: str = personal()


@dataclass(frozen=True, kw_only=True)
class CheckpointRefused(Event):
    """An address outside did not take the day's head; it is tried again, or given up."""

    kind: ClassVar[str] = "checkpoint.refused"
    channel: str
    attempts: int
    is_given_up: bool
    target: str = personal()
    error: str = personal()


@dataclass(frozen=True, kw_only=True)
class BundleFileRemoved(Event):
    """The file of a bundle was removed when its time was over; that it was there stays told."""

    kind: ClassVar[str] = "bundle.file_removed"
    sha256: str
    kept_days: int


@dataclass(frozen=True, kw_only=True)
class AuditSampleDrawn(Event):
    """An auditor drew a sample; anyone can draw it again."""

    kind: ClassVar[str] = "audit.sample_drawn"
    population: str
    population_count: int
    population_digest: str
    seed: str
    size: int


@dataclass(frozen=True, kw_only=True)
class NonceGiven(Event):
    """An auditor gave a word of their own: whatever is signed after it was not made before."""

    kind: ClassVar[str] = "audit.nonce_given"
    nonce: str


@dataclass(frozen=True, kw_only=True)
class AuditorLooked(Event):
    """An auditor looked at something, or was refused to; the subject is who looked."""

    kind: ClassVar[str] = "audit.looked"
    door: str
    about: dict[str, str]
    is_refused: bool


@dataclass(frozen=True, kw_only=True)
class DemonstrationMade(Event):
    """This instance was filled with the demonstration company."""

    kind: ClassVar[str] = "demonstration.made"
    people: int


EVENTS: Mapping[str, type[Event]] = {
    each.kind: each
    for each in (
        SourceAdded,
        SourceChanged,
        SourceReadingSet,
        SourceChecked,
        SourceDisabled,
        SourceRemoved,
        SyncIncomplete,
        SyncParked,
        SyncAccepted,
        SyncRefused,
        SyncFailed,
        DirectorySynced,
        LogTold,
        GroupExcluded,
        ExclusionLifted,
        GroupLoaded,
        AccountsLoaded,
        AccountAppeared,
        AccountChanged,
        AccountEnded,
        GroupAppeared,
        GroupChanged,
        GroupEnded,
        MembershipAppeared,
        MembershipExplained,
        MembershipEnded,
        NestingAppeared,
        NestingEnded,
        IdentitiesCorrelated,
        CasesFound,
        CaseSettled,
        CorrelationRulesSet,
        AccountTied,
        AccountSeparated,
        AccountTyped,
        ListTaken,
        EntitlementDescribed,
        ProtectionSet,
        ProtectionEnded,
        TokenCreated,
        TokenRevoked,
        RoleGranted,
        RoleRevoked,
        SignInLinkMade,
        SessionBegun,
        SessionProven,
        SessionTied,
        ProviderTied,
        ProviderUntied,
        SessionEnded,
        SignInRefused,
        PreferencesSet,
        PolicyPutInForce,
        RulingMade,
        RequestSubmitted,
        StepOpened,
        ApprovalGiven,
        RequestApproved,
        RequestRefused,
        RequestCancelled,
        RequestCompleted,
        RequestFailed,
        DelegationMade,
        DelegationEnded,
        GrantAuthorised,
        GrantExtended,
        GrantConfirmed,
        GrantFailed,
        GrantEnded,
        EndAuthorised,
        EndConfirmed,
        EndFailed,
        LifecycleReceived,
        LifecycleCancelled,
        LeaverStarted,
        LeaverCompleted,
        LeaverFailed,
        TemplateSaved,
        CampaignRequested,
        CampaignLaunchFailed,
        CampaignLaunched,
        ItemDecided,
        SampleDrawn,
        SampleAnswered,
        ItemReassigned,
        ReviewSignedOff,
        ReviewReminded,
        RemediationConfirmed,
        RemediationFailed,
        ItemFollowedUp,
        ItemFollowUpOverdue,
        CampaignClosed,
        PlanMade,
        PlanHeld,
        PlanReleased,
        PlanCompleted,
        TaskClaimed,
        TaskApplied,
        TaskVerified,
        TaskUnverifiable,
        TaskRefuted,
        TaskRetried,
        TaskFailed,
        TaskCancelled,
        TaskWaitsForImport,
        DriftFound,
        DriftAttributed,
        DriftAdopted,
        DriftRevertOrdered,
        DriftTicketed,
        DriftEnded,
        NoticeQueued,
        NoticeSent,
        NoticeRead,
        NoticeFailed,
        KeyMade,
        KeyRetired,
        BundleRequested,
        BundleBuilt,
        BundleFailed,
        BundleDownloaded,
        DisclosureErased,
        WitnessAdded,
        WitnessRemoved,
        CheckpointQueued,
        CheckpointSent,
        CheckpointRefused,
        BundleFileRemoved,
        AuditSampleDrawn,
        NonceGiven,
        AuditorLooked,
        DemonstrationMade,
    )
}
