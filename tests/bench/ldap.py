"""Directories against `ldapsearch` to a file: what a read costs, and a sync from end to end.

Alone: `python -m tests.bench.ldap [--full] [--read-only]`. The full size is 20,000 users, 2,000
groups and 500,000 memberships; filling a domain controller with it takes minutes and 3 GB, so that
it is asked for.

What is the same: base, filters and attributes of our own two lists, each by a run of `ldapsearch`
over TLS. It asks in pages, as whoever reads Active Directory has to: Windows gives 1,000 entries
and no more. That Samba can do without, and serves two lists side by side, a sync has to find out by
itself; what `ldapsearch` takes for both in one piece, one after the other, is told beside. It asks
for members by name only. Asking for their ids, too (control 1.2.840.113556.1.4.529), would cost
this server several times as much and flatter us; nobody who wants the list needs it, and how we
tell whom a name means without it is our affair.
"""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.directory import service as directory
from bench.figures import Figure, house_of
from bench.ldap_reader import OF_LDAP, Asked
from connectors.active_directory import mapping as ad
from connectors.active_directory.groups import GROUPS as AD_GROUPS
from connectors.active_directory.reading import ACCOUNTS as AD_ACCOUNTS
from support.house import TestHouse
from support.servers import openldap, samba_ad

ROUNDS = 3
FULL, SMALL = (20_000, 2_000, 500_000), (2_000, 200, 12_000)
READ_GATE, MEMORY_GATE, SYNC_GATE = 3.5, 60.0, 1.5
READER = Path(__file__).with_name("ldap_reader.py")
OF_AD: Asked = (
    (AD_ACCOUNTS, ad.ACCOUNT_ATTRIBUTES, 1000),
    (AD_GROUPS, (*ad.GROUP_ATTRIBUTES, "member"), 100),
)


@dataclass(frozen=True, slots=True)
class Login:
    """Where to ask, and as whom, for `ldapsearch`."""

    uri: str
    name: str
    password: str
    ca_file: str
    base: str


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def ldapsearch(login: Login, asked: Asked, folder: Path) -> None:
    """Read the same lists by OpenLDAP's own program, into a file; pages of none are one piece."""
    with (folder / "out.ldif").open("wb") as out:
        for where, attributes, page in asked:
            subprocess.run(
                [
                    "ldapsearch", "-LLL", "-x", *(("-E", f"pr={page}/noprompt") if page else ()),
                    "-H", login.uri, "-D", login.name, "-w", login.password, "-b", login.base,
                    where, *attributes,
                ],
                env={"LDAPTLS_CACERT": login.ca_file, "PATH": os.environ["PATH"]},
                stdout=out,
                stderr=subprocess.DEVNULL,
                timeout=300,
                check=False,
            )  # fmt: skip


def measure_read(folder: Path, size: tuple[int, int, int]) -> Iterator[Figure]:
    """Read an OpenLDAP server whole, each round after `ldapsearch`, in a process of its own."""
    folder.mkdir()
    with openldap.running(folder, users=size[0], groups=size[1], memberships=size[2]) as server:
        name, password = server.settings["bind_dn"], server.secrets["password"]
        login = Login(server.settings["uri"], name, password, server.settings["ca_file"],
                      server.settings["base_dn"])  # fmt: skip
        theirs, ours, memory, told = [], [], [], ""
        for _ in range(ROUNDS):
            theirs.append(timed(lambda: ldapsearch(login, OF_LDAP, folder)))
            seconds, used, told = _apart(server.settings, password)
            ours.append(seconds)
            memory.append(used)
        bare, own = statistics.median(theirs), statistics.median(ours)
        detail = f"{told}; {own:.2f} s against {bare:.2f} s"
        yield Figure("LDAP read, times ldapsearch", own / bare, READ_GATE, detail)
        yield Figure("MB at the peak of an LDAP read", max(memory), MEMORY_GATE, told)


def _apart(settings: dict[str, str], password: str) -> tuple[float, float, str]:
    """Read in a process of its own, start included; return seconds, MB at the peak, what came."""
    said: list[str] = []

    def run() -> None:
        done = subprocess.run(
            [sys.executable, str(READER), repr(sorted(settings.items()))],
            input=password,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        said.extend(done.stdout.split(maxsplit=1))

    seconds = timed(run)
    return seconds, float(said[0]), said[1].strip()


def measure_sync(folder: Path, size: tuple[int, int, int]) -> Iterator[Figure]:
    """Sync a domain into a fresh store, each round after `ldapsearch` of the same."""
    folder.mkdir()
    with samba_ad.running_with(*size) as server:
        login = Login(server.settings["uri"], server.settings["bind_dn"],
                      server.secrets["password"], server.settings["ca_file"],
                      server.settings["base_dn"])  # fmt: skip
        theirs, ours, flat = [], [], []
        at_once = [(where, attributes, 0) for where, attributes, _ in OF_AD]
        for place in range(ROUNDS):
            home = folder / f"round-{place}"
            home.mkdir()
            theirs.append(timed(lambda: ldapsearch(login, OF_AD, folder)))
            with house_of(home) as house:
                add_directory(house, server)
                ours.append(timed(partial(sync, house)))
            flat.append(timed(lambda: ldapsearch(login, at_once, folder)))
        bare, own = statistics.median(theirs), statistics.median(ours)
        gate = SYNC_GATE if size == FULL else math.inf
        detail = (
            f"{size[0]} users, {size[2]} memberships; {own:.2f} s against {bare:.2f} s "
            f"(in one piece {statistics.median(flat):.2f} s)"
        )
        yield Figure("AD sync end to end, times ldapsearch", own / bare, gate, detail)


def add_directory(house: TestHouse, server: samba_ad.SambaAd) -> None:
    with house.write() as uow:
        directory.add_source(
            uow,
            house.house.seal,
            name="ad",
            kind="active_directory",
            settings=server.settings,
            secrets=server.secrets,
        )
    inner = house.house
    directory.check_source(house.tx, inner.connect, inner.seal, name="ad")


def sync(house: TestHouse) -> None:
    with house.write() as uow:
        directory.request_sync(uow, source_name="ad")
    house.drain()


def measure_ldap(folder: Path, *, is_full: bool) -> Iterator[Figure]:
    """Measure both; a server that cannot run here is told instead of a figure."""
    folder.mkdir(exist_ok=True)
    for why, measure, size in (
        (openldap.missing(), measure_read, FULL),
        (samba_ad.missing(), measure_sync, FULL if is_full else SMALL),
    ):
        if "--read-only" in sys.argv and measure is measure_sync:
            continue
        if why is not None:
            print(f"bench: {why}")
            continue
        yield from measure(folder / measure.__name__, size)


def main() -> int:
    """Measure and print."""
    figures = []
    with tempfile.TemporaryDirectory() as held:
        for figure in measure_ldap(Path(held), is_full="--full" in sys.argv):
            print(figure.line(), flush=True)
            figures.append(figure)
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
