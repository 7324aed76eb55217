"""Two directories of one test alone, and an instance on each store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.instance import Instance, free_port
from support.servers.okta import OktaSimulator, Start
from support.servers.samba_ad import SambaAd, needed


@pytest.fixture
def samba_ad() -> Iterator[SambaAd]:
    """A controller of one test alone: what was changed on one store is not there for the next."""
    with needed() as controller:
        yield controller


@pytest.fixture
def okta_simulator(samba_ad: SambaAd, start_okta: Start) -> OktaSimulator:
    """A simulator that describes the same people as the domain controller."""
    return start_okta(samba_ad.truth, groups="200", memberships="12000")


# The slow one has its small twins: every command of the way is tried on both stores.
@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """An instance that is not initialised yet, on each store."""
    url = f"sqlite:///{tmp_path / 'attestry.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").database()
    found = Instance(tmp_path, url, free_port())
    yield found
    found.stop()
