"""What automation never takes away stays in a real directory, and the refusal says why."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.directory.models import Account, Group, Identity, Membership
from app.grants import service as grants
from app.grants.domain import EndCause
from app.grants.models import End
from app.lifecycle import service as lifecycle
from app.lifecycle.domain import LifecycleType
from app.provisioning.models import Plan, Task
from app.rulebook import service as rulebook
from integration.real.conftest import AD, Site
from policies.document import builtin_text
from support.house import MORNING
from support.servers.samba_ad import SambaAd

pytestmark = pytest.mark.enable_socket
ADMIN = "Administrator"
KEEPER = "only.keeper"


@pytest.fixture(scope="module")
def controller(controller: SambaAd) -> SambaAd:
    """With an administrators' group whose only member is somebody else than the account we use."""
    base = controller.environment["AD_BASE_DN"]
    controller.change(
        f"""dn: CN=Only Keeper,CN=Users,{base}
changetype: add
objectClass: user
sAMAccountName: {KEEPER}
displayName: Only Keeper
userAccountControl: 544

dn: CN=Schema Admins,CN=Users,{base}
changetype: modify
replace: member
member: CN=Only Keeper,CN=Users,{base}
-
"""
    )
    return controller


@pytest.fixture
def site(site: Site) -> Site:
    site.connect()
    assert site.attestry("source", "check", AD).code == 0
    assert site.sync() == "complete"
    return site


def take_away(site: Site, account: Account, group: Group) -> Task:
    """Decide that a membership ends, let it be carried out, and return its task."""
    with site.house.write() as uow:
        ended = grants.end(
            uow,
            account_id=account.id,
            group_id=group.id,
            cause=EndCause.REVIEW,
            cause_ref=uow.ids.new(),
        ).public_id
    site.house.drain()
    with site.house.read() as reading:
        return reading.session.scalars(
            sa.select(Task).join(End, End.id == Task.end_id).where(End.public_id == ended)
        ).one()


def dn(address: str) -> str:
    """The name of an entry, out of its address by GUID, SID and name."""
    return address.rsplit(";", 1)[-1]


def limited(site: Site, *, per_plan: int = 50, per_day: int = 500) -> None:
    text = builtin_text("standard").replace("per_plan: 50", f"per_plan: {per_plan}")
    text = text.replace("per_source_and_day: 500", f"per_source_and_day: {per_day}")
    with site.house.write() as uow:
        rulebook.put_in_force(uow, text=text)


def test_the_account_we_sign_in_with_is_never_taken_out_of_a_group(site: Site) -> None:
    group = site.group("Domain Admins")
    task = take_away(site, site.account(ADMIN), group)
    assert (task.state.value, task.error_code) == ("failed", "protected")
    assert "Attestry itself signs in with it" in (task.error or "")
    assert site.controller.is_member(ADMIN, dn(group.address))


def test_the_last_member_of_an_administrators_group_stays(site: Site) -> None:
    group = site.group("Schema Admins")
    task = take_away(site, site.account(KEEPER), group)
    assert (task.state.value, task.error_code) == ("failed", "last_administrator")
    assert site.controller.is_member(KEEPER, dn(group.address))


def leaver_with(site: Site, memberships: int) -> tuple[Identity, list[str]]:
    """Somebody with so many memberships at least, and the groups' names in the directory."""
    with site.house.read() as reading:
        row = reading.session.execute(
            sa.select(Account.identity_id, sa.func.count())
            .join(Membership, Membership.account_id == Account.id)
            .join(Group, Group.id == Membership.group_id)
            .where(
                Membership.valid_to.is_(None),
                Membership.is_primary.is_(False),
                Account.is_enabled,
                Account.employee_number.is_not(None),
                Group.is_administrative.is_(False),
            )
            .group_by(Account.identity_id)
            .having(sa.func.count() >= memberships)
            .order_by(Account.identity_id)
            .limit(1)
        ).one()
        identity = reading.session.get_one(Identity, row[0])
        groups = reading.session.scalars(
            sa.select(Group.address)
            .join(Membership, Membership.group_id == Group.id)
            .join(Account, Account.id == Membership.account_id)
            .where(
                Account.identity_id == identity.id,
                Membership.valid_to.is_(None),
                Membership.is_primary.is_(False),
            )
        ).all()
    return identity, list(groups)


def leave(site: Site, identity: Identity, event_id: str) -> None:
    with site.house.write() as uow:
        lifecycle.receive(
            uow,
            lifecycle.Told(
                event_id=event_id,
                type=LifecycleType.LEAVER,
                employee_number=identity.employee_number or "",
                effective_at=MORNING - timedelta(hours=1),
            ),
        )
    site.house.drain()


@pytest.mark.parametrize("limit", ["per_plan", "per_day"])
def test_a_leaver_is_closed_at_once_and_removals_beyond_the_limit_wait_for_a_person(
    site: Site, limit: str
) -> None:
    limited(site, **{limit: 1})
    identity, groups = leaver_with(site, 2)
    leave(site, identity, f"hr-{limit}")
    with site.house.read() as reading:
        login = reading.session.scalars(
            sa.select(Account.login).where(Account.identity_id == identity.id)
        ).one()
        plan = reading.session.scalars(sa.select(Plan)).one()
        removals = reading.session.scalars(
            sa.select(Task.state).where(Task.plan_id == plan.id, Task.group_id.is_not(None))
        ).all()
    assert plan.state.value == "held"
    assert "wait for a person" in (plan.held_reason or "")
    assert {each.value for each in removals} == {"held"}
    assert site.controller.is_disabled(login)
    assert all(site.controller.is_member(login, dn(each)) for each in groups)
