"""Facts to judge: one plain case with everything settable, and all cases for property tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policies.document import builtin_text, read_policy
from policies.facts import (
    Action,
    Ask,
    Candidate,
    Candidates,
    Entitlement,
    EntitlementId,
    Facts,
    Holding,
    Identity,
    IdentityId,
    IdentityKind,
    Provenance,
    Risk,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ALICE, BOB, CAROL, DANA, EVE, MALLORY = (
    IdentityId(name) for name in ("alice", "bob", "carol", "dana", "eve", "mallory")
)
STANDARD = read_policy(builtin_text("standard"))
PLAIN = """
schema: 1
name: plain
approval: {flow: [{step: manager}, {step: owner}]}
"""


def policy_with(more: str = "", flow: str = "[{step: manager}, {step: owner}]") -> Any:
    return read_policy(f"schema: 1\nname: plain\napproval: {{flow: {flow}}}\n{more}")


def an_entitlement(**changes: Any) -> Entitlement:
    given = {"id": EntitlementId("pay"), "name": "Pay", "source": "corp", "owner_id": CAROL}
    return Entitlement(**given | changes)


def an_ask(**changes: Any) -> Ask:
    given: dict[str, Any] = {
        "requester_id": ALICE,
        "beneficiary": Identity(ALICE, manager_id=BOB),
        "entitlement": an_entitlement(),
        "action": Action.ADD,
        "now": NOW,
        "reason": "Month end",
    }
    return Ask(**given | changes)


def candidates(
    managers: Any = (BOB,), owner: Any = CAROL, administrators: Any = (DANA,), inactive: Any = ()
) -> Candidates:
    def seat(identity_id: IdentityId) -> Candidate:
        return Candidate(identity_id, identity_id not in inactive)

    return Candidates(
        tuple(seat(each) for each in managers),
        None if owner is None else seat(owner),
        tuple(seat(each) for each in administrators),
    )


def facts(people: Candidates | None = None, holdings: Any = (), **ask: Any) -> Facts:
    return Facts(an_ask(**ask), people or candidates(), tuple(holdings))


def a_holding(name: str, **changes: Any) -> Holding:
    given = {"entitlement_id": EntitlementId(name.lower()), "name": name, "source": "corp"}
    return Holding(**given | {"since": NOW} | changes)


PEOPLE = st.sampled_from([ALICE, BOB, CAROL, DANA, EVE, MALLORY])
_words = st.text(max_size=8)
_times = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC]),
)
_seats = st.builds(Candidate, PEOPLE, st.booleans())
some_candidates = st.builds(
    Candidates,
    st.lists(_seats, max_size=2).map(tuple),
    st.none() | _seats,
    st.lists(_seats, max_size=3).map(tuple),
)
_holdings = st.builds(
    Holding,
    _words.map(EntitlementId),
    _words,
    _words,
    _times,
    st.sampled_from(Provenance),
    st.lists(_words.map(EntitlementId), max_size=2).map(tuple),
    st.none() | _times,
)
_identities = st.builds(
    Identity,
    PEOPLE,
    st.sampled_from(IdentityKind),
    st.booleans(),
    st.none() | PEOPLE,
    st.none() | _words,
    st.none() | _words,
    st.booleans(),
)
_entitlements = st.builds(
    Entitlement,
    _words.map(EntitlementId),
    _words,
    _words,
    _words,
    st.none() | PEOPLE,
    st.sampled_from(Risk),
    st.booleans(),
    st.none() | _words,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
_asks = st.builds(
    Ask,
    PEOPLE,
    _identities,
    _entitlements,
    st.sampled_from(Action),
    _times.map(lambda moment: moment + timedelta(microseconds=1)),
    _words,
    st.none() | st.integers(1, 36_500),
    st.none() | _words,
    st.none() | _words,
    st.booleans(),
)
some_facts = st.builds(Facts, _asks, some_candidates, st.lists(_holdings, max_size=3).map(tuple))
