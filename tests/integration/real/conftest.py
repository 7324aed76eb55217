"""A house of this process and a real Samba AD, which the tests of one module change."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa

from app.cli import output
from app.cli.main import Commands, Local
from app.directory import service as directory
from app.directory.models import Account, Group, Source, SyncRun
from support.house import TestHouse, open_house
from support.servers.samba_ad import SambaAd, needed

AD = "ad"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Site:
    """A house, the controller it reads, and the command line."""

    house: TestHouse
    controller: SambaAd
    capture: pytest.CaptureFixture[str]

    def connect(
        self,
        name: str = AD,
        kind: str = "active_directory",
        settings: Mapping[str, str] = {},
        secrets: Mapping[str, str] = {},
    ) -> None:
        """Add a source, the controller unless told otherwise."""
        with self.house.write() as uow:
            directory.add_source(
                uow,
                self.house.house.seal,
                name=name,
                kind=kind,
                settings={**self.controller.settings, **settings} if kind != "okta" else settings,
                secrets={**self.controller.secrets, **secrets} if kind != "okta" else secrets,
            )

    def change(self, name: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Set some of a source's settings."""
        with self.house.write() as uow:
            directory.set_source(
                uow, self.house.house.seal, name=name, settings=settings, secrets=secrets
            )

    def sync(self, name: str = AD) -> str:
        """Read a source, and do what follows; returns the state of the run."""
        with self.house.write() as uow:
            run = directory.request_sync(uow, source_name=name).public_id
        self.house.drain()
        with self.house.read() as reading:
            found = reading.session.scalars(
                sa.select(SyncRun).where(SyncRun.public_id == run)
            ).one()
            return found.state.value

    def attestry(self, *arguments: str) -> Ran:
        """Run the command line on this house."""

        @click.group(cls=Commands)
        @click.pass_context
        def root(ctx: click.Context) -> None:
            ctx.obj = Local(opened=self.house.house)

        code = output.run(root, list(arguments))
        found = self.capture.readouterr()
        return Ran(code, found.out, found.err)

    def account(self, login: str) -> Account:
        with self.house.read() as reading:
            return reading.session.scalars(
                sa.select(Account).where(Account.login == login, Account.ended_at.is_(None))
            ).one()

    def group(self, name: str) -> Group:
        with self.house.read() as reading:
            return reading.session.scalars(
                sa.select(Group)
                .join(Source, Source.id == Group.source_id)
                .where(Group.name == name, Source.name == AD, Group.ended_at.is_(None))
            ).one()


@pytest.fixture(scope="module")
def controller() -> Iterator[SambaAd]:
    """A domain controller that the tests of one module change."""
    with needed() as found:
        yield found


@pytest.fixture
def site(
    tmp_path: Path, database_url: str, controller: SambaAd, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    """A house that knows no source yet."""
    for house in open_house(tmp_path, database_url):
        yield Site(house, controller, capsys)
