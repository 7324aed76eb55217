"""An Okta organisation that changes and fails: the store ends equal to it, or stays untouched.

The clock here is months behind the organisation's own, and nobody minds: it alone is gone by.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from app.directory import service
from app.directory.domain import SyncState
from contract.test_okta_deltas import Mutations
from integration.directory.conftest import Directory
from integration.directory.test_interleavings import Shown, stored
from support.servers.okta import OktaSimulator, running

pytestmark = pytest.mark.enable_socket
SEEDS = count(21)  # names of what is made are never the same


@pytest.fixture(scope="module")
def okta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OktaSimulator]:
    folder = tmp_path_factory.mktemp("okta")
    with running(folder, users="40", groups="10", memberships="90") as server:
        yield server


@pytest.fixture
def synced(directory: Directory, okta: OktaSimulator) -> Directory:
    """A store that has read the organisation once."""
    settings = {**okta.settings, "applications": "false", "roles": "false"}
    with directory.tx.write() as uow:
        service.add_source(
            uow,
            directory.seal,
            name="corp",
            kind="okta",
            settings=settings,
            secrets=okta.secrets,
        )
    assert directory.sync().state is SyncState.COMPLETE
    return directory


def truth(okta: OktaSimulator) -> tuple[dict[str, str], dict[str, str], set[tuple[str, str]]]:
    """What the organisation shows when it is asked directly: statuses, names, who is in what."""
    everybody = "/api/v1/users?filter=lastUpdated%20gt%20%221970-01-01T00:00:00.000Z%22"
    people = {each["id"]: each["status"] for each in okta.get(everybody)}
    groups = {each["id"]: each["profile"]["name"] for each in okta.get("/api/v1/groups")}
    inside = {
        (group, each["id"])
        for group in groups
        for each in okta.get(f"/api/v1/groups/{group}/users?limit=1000")
    }
    return people, groups, inside


def shown(found: Shown) -> tuple[dict[str, str], dict[str, str], set[tuple[str, str]]]:
    return {key: each[3] for key, each in found[0].items()}, found[1], found[2]


def test_changes_between_deltas_end_equal_to_the_organisation(
    synced: Directory, okta: OktaSimulator
) -> None:
    mutations = Mutations(okta, seed=next(SEEDS))
    ending = (mutations.leave_for_good, mutations.drop_group)
    steps = [each for each in mutations.all if each not in ending] * 2
    mutations.chance.shuffle(steps)
    for number, step in enumerate(steps):
        step()
        if number % 6 == 5:
            run = synced.sync()
            assert (run.state, run.is_delta) == (SyncState.COMPLETE, True), run.why
            assert shown(stored(synced)) == truth(okta)
    for end in ending:
        end()
    assert synced.sync(full=True).state is SyncState.COMPLETE
    assert shown(stored(synced)) == truth(okta)


@pytest.mark.parametrize("fault", ["fail_every", "drop_every"])
def test_a_fault_is_sat_out_or_leaves_the_store_as_it_was_and_is_told(
    synced: Directory, okta: OktaSimulator, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(synced)
    Mutations(okta, seed=next(SEEDS)).join()
    monkeypatch.setattr("connectors.okta.executor.TRIES", 1)
    try:
        okta.control("PUT", "faults", {fault: 1})
        run = synced.sync()
        assert run.state is SyncState.FAILED
        assert "Okta" in (run.why or "") or "cannot be reached" in (run.why or "")
        assert stored(synced) == before
        monkeypatch.setattr("connectors.okta.executor.TRIES", 5)
        okta.control("PUT", "faults", {fault: 3})
        assert synced.sync().state is SyncState.COMPLETE
    finally:
        okta.control("PUT", "faults", {fault: 0})
    assert shown(stored(synced)) == truth(okta)
