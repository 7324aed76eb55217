"""Laws of drift, whatever comes in between: grants, ends by time, changes behind our back, reads.

After every complete read of a source:
- a membership that was granted here is never taken for one that was merely seen;
- an account stands in a group without a live grant exactly if a finding says so, also where a
  grant stood behind it once;
- nobody is named as who did it but who did it last, by their own word in the source's log, between
  the read that found it and the one before: never we ourselves.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.directory.domain import Provenance
from app.directory.models import Account, Group, Membership, SyncRun
from app.grants import service as grants
from app.grants.domain import GrantCause
from app.grants.models import Grant
from app.kernel.errors import ConflictError, NothingToChangeError
from app.kernel.uow import Reading
from app.provisioning.domain import FindingKind
from app.provisioning.models import Finding
from app.provisioning.overview import UNDECIDED
from support.cast import Cast

GROUP, LASTING = "payroll", timedelta(hours=1)
WHO = ("alice", "mallory", "dana")  # none of them stood in the group at the start
STEPS = st.sampled_from(("grant", "put", "take", "later", "read"))
DECIDED = (Provenance.REQUEST, Provenance.RULE, Provenance.DRIFT_ADOPTED)


def grant(cast: Cast, name: str) -> None:
    """Decide that somebody has it for an hour, unless they have it, and carry it out."""
    with cast.house.write() as uow:
        try:
            grants.authorise(
                uow,
                account_id=cast.account("corp", name).id,
                group_id=cast.group("corp", GROUP).id,
                cause=GrantCause.LIFECYCLE,
                cause_ref=uow.ids.new(),
                until=uow.now + LASTING,
            )
        except (NothingToChangeError, ConflictError):
            return
    cast.house.drain()


def do(cast: Cast, name: str, step: str) -> None:
    cast.house.clock.advance(timedelta(minutes=1))
    match step:
        case "grant":
            grant(cast, name)
        case "put":
            if not cast.holds("corp", GROUP, name):
                cast.put("corp", GROUP, name, by="olga")
        case "take":
            if cast.holds("corp", GROUP, name):
                cast.take("corp", GROUP, name, by="frank")
        case "later":
            cast.house.later(minutes=61)
        case _:
            assert cast.sync("corp") == "complete"


def decided(reading: Reading) -> set[int]:
    """Return the memberships that stand on a decision of ours."""
    chosen = sa.select(Membership.id).where(Membership.provenance.in_(DECIDED))
    return set(reading.session.scalars(chosen))


def logins(reading: Reading, statement: sa.Select[Any]) -> set[str]:
    return set(reading.session.scalars(statement))


def undecided(reading: Reading) -> set[str]:
    """Return who is said by an open finding to be there without a decision."""
    return logins(
        reading,
        sa.select(Account.external_id)
        .join(Finding, Finding.account_id == Account.id)
        .join(Group, Group.id == Finding.group_id)
        .where(
            Group.external_id == f"corp-{GROUP}",
            Finding.kind == FindingKind.APPEARED,
            Finding.state.in_(UNDECIDED),
        ),
    )


def not_named_by_the_last_word(cast: Cast, reading: Reading) -> list[Finding]:
    """Return the findings that name somebody who did not do the last thing before they were found.

    Olga is who puts people in, Frank who takes them out; whatever else is done, we do.
    """
    rows = reading.session.execute(
        sa.select(Finding, SyncRun.ended_at, Account.external_id)
        .join(SyncRun, SyncRun.id == Finding.run_id)
        .join(Account, Account.id == Finding.account_id)
        .where(Finding.log_event.is_not(None))
    ).all()
    told = cast.state("corp").deeds
    wrong = []
    for finding, until, account in rows:
        before = [
            each for each in told if each.account_id == account and until and each.at <= until
        ]
        is_last = before[-1].event_id == finding.log_event
        who = "Olga" if finding.kind is FindingKind.APPEARED else "Frank"
        if not is_last or finding.actor_name != who or before[-1].actor_name != who:
            wrong.append(finding)
    return wrong


def granted(reading: Reading) -> set[str]:
    """Return who has a live grant."""
    return logins(
        reading,
        sa.select(Account.external_id)
        .join(Grant, Grant.account_id == Account.id)
        .join(Group, Group.id == Grant.group_id)
        .where(Group.external_id == f"corp-{GROUP}", Grant.state.in_(grants.LIVE_GRANT)),
    )


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from(WHO), STEPS), min_size=4, max_size=14))
def test_whatever_comes_in_between_a_grant_is_known_as_one_and_the_rest_is_drift(
    cast: Cast, steps: list[tuple[str, str]]
) -> None:
    ours: set[int] = set()
    for name, step in [*steps, ("alice", "read")]:
        do(cast, name, step)
        with cast.house.read() as reading:
            now = decided(reading)
            assert ours <= now, "a decided membership was taken for one that was merely seen"
            ours |= now
            if step != "read":
                continue
            assert not_named_by_the_last_word(cast, reading) == []
            there = {f"corp-{each}" for each in WHO if cast.holds("corp", GROUP, each)}
            assert undecided(reading) == there - granted(reading)


def test_a_grant_whose_time_is_over_and_that_reappears_is_drift(cast: Cast) -> None:
    grant(cast, "alice")
    assert cast.holds("corp", GROUP, "alice")
    cast.sync("corp")
    cast.house.later(minutes=61)
    assert not cast.holds("corp", GROUP, "alice")
    cast.sync("corp")
    cast.put("corp", GROUP, "alice")
    cast.sync("corp")
    with cast.house.read() as reading:
        assert undecided(reading) == {"corp-alice"}
        assert granted(reading) == set()
