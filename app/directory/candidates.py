"""What correlation looks at, and what it answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from app.directory.domain import IdentityKind
from app.directory.matching import Field


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A live account, as far as correlation looks at it.

    Attributes:
        id: Its key.
        source_id: Key of its source.
        external_id: Its identifier there.
        identity_id: To whom it is tied so far.
        rule: By which rule.
        kind: What it is for: as a person said, else as its source says.
        display_name: As its source shows it.
        mail: Or None.
        employee_number: Or None.
        manager_external_id: Or None.
        department: Or None.
        title: Or None.
        is_enabled: Whether somebody could use it.
        public_id: Of the account.
        login: What its holder types.
        confidence: How sure the tie is so far.
        is_leading: Whether its source tells of people, not of logins (HR).
    """

    id: int
    source_id: int
    external_id: str
    identity_id: int | None
    rule: str | None
    kind: str
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_external_id: str | None
    department: str | None
    title: str | None
    is_enabled: bool
    public_id: str
    login: str = ""
    confidence: int | None = None
    is_leading: bool = False

    def value(self, name: Field) -> str | None:
        """Return the field that a rule compares."""
        match name:
            case Field.EMPLOYEE_NUMBER:
                return self.employee_number
            case Field.MAIL:
                return self.mail
            case Field.LOGIN:
                return None if self.is_leading else self.login


class Person(msgspec.Struct, frozen=True, gc=False):
    """An identity as it stands."""

    id: int
    kind: IdentityKind
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_id: int | None
    department: str | None
    title: str | None
    is_active: bool
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """What a person said of an account: it is that identity, or it is not."""

    account_id: int
    identity_id: int
    is_same: bool


class Tie(msgspec.Struct, frozen=True, gc=False):
    """An account and its identity.

    Attributes:
        account_id: The account.
        identity_id: The identity; a negative key stands for one that is to be made.
        rule: Why.
        confidence: How sure, 1 to 100.
    """

    account_id: int
    identity_id: int
    rule: str
    confidence: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something sources do not agree on; told, not decided. `about` is an account's public id."""

    code: str
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """An account that fits somebody, but not surely: a case for a person.

    Attributes:
        code: `mail_conflict`, `login_conflict`, `employee_number_conflict`, `number_conflict`, or
            `near_match`.
        account_id: The account.
        about: Its public id.
        detail: Why it is in doubt.
        candidates: Keys of the identities it may be; negative ones are to be made.
        is_case: Whether there is anything a person could decide.
        is_new: Whether the account had no tie before; an old doubt is no news of a run.
    """

    code: str
    account_id: int
    about: str
    detail: str
    candidates: tuple[int, ...]
    is_case: bool = True
    is_new: bool = True

    @property
    def is_conflict(self) -> bool:
        """Whether sources contradict each other, rather than a rule not being sure enough."""
        return self.code != "near_match"


@dataclass(frozen=True, slots=True)
class Ties:
    """The outcome: the tie of every live account, and what is not clear.

    Attributes:
        ties: One for each account that is somebody's.
        conflicts: What sources disagree on.
        doubts: What a person has to decide.
        numbers: Which identity has a number.
    """

    ties: tuple[Tie, ...]
    conflicts: tuple[Conflict, ...]
    doubts: tuple[Doubt, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
