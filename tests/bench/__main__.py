"""`make bench`: measure, print one line a figure, and fail if a gate is missed."""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.audit import bundles, making, signing
from app.directory import service as directory
from app.directory.models import Group, Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.reviews import service as reviews
from app.reviews.models import Item
from app.signin import service as signin
from bench.directory import measure_directory
from bench.evidence import measure_evidence
from bench.figures import Figure, counting, house_of
from bench.graph import measure_graph
from bench.ldap import measure_ldap
from bench.ledger import measure_ledger
from bench.lighthouse import measure_lighthouse
from bench.okta import measure_okta
from bench.pages import measure_pages
from bench.scale import measure_scale
from connectors.port import Connector
from connectors.registry import connect
from evidence.verify import verify_bundle
from support.house import MORNING, TestHouse
from support.servers import samba_ad

ROUNDS = 3
AD = "ad"
OPERATOR = Actor(ActorKind.TOKEN, "bench", roles=frozenset({Role.OPERATOR}))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def read_all(connector: Connector) -> None:
    """The bare read: every batch with the same client, nothing kept."""
    for _ in connector.snapshot():
        pass
    connector.close()


def add_directory(house: TestHouse, server: samba_ad.SambaAd) -> None:
    with house.write() as uow:
        directory.add_source(
            uow,
            house.house.seal,
            name=AD,
            kind="active_directory",
            settings=server.settings,
            secrets=server.secrets,
        )
    inner = house.house
    directory.check_source(house.tx, inner.connect, inner.seal, name=AD)


def sync(house: TestHouse) -> None:
    with house.write() as uow:
        directory.request_sync(uow, source_name=AD)
    house.drain()


def measure_sync(server: samba_ad.SambaAd, folder: Path) -> Iterator[Figure]:
    """Bare read and sync in turn, each round on a fresh store."""
    bare, first, again, written = [], [], [], []
    for place in range(ROUNDS):
        bare.append(
            timed(
                lambda: read_all(
                    connect(
                        "active_directory", server.settings, server.secrets, now=lambda: MORNING
                    )
                )
            )
        )
        home = folder / f"round-{place}"
        home.mkdir()
        for house in _houses(home):
            add_directory(house, server)
            first.append(timed(partial(sync, house)))
            with counting(house) as sent:
                again.append(timed(partial(sync, house)))
            written.append([each for each in sent if _writes(each)])
    floor = statistics.median(bare)
    yield Figure(
        "first sync / bare read",
        statistics.median(first) / floor,
        1.5,
        f"{statistics.median(first):.2f} s against {floor:.2f} s",
    )
    yield Figure(
        "no-change sync / bare read",
        statistics.median(again) / floor,
        1.5,
        f"{statistics.median(again):.2f} s against {floor:.2f} s",
    )
    foreign = [each for each in written[-1] if not _is_own_record(each)]
    yield Figure(
        "rows a no-change sync writes besides its run and ledger entry",
        len(foreign),
        0,
        f"{len(written[-1])} writes in all",
    )


def _houses(home: Path) -> Iterator[TestHouse]:
    with house_of(home) as house:
        yield house


def _writes(statement: str) -> bool:
    return statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))


def _is_own_record(statement: str) -> bool:
    return any(
        name in statement for name in ("directory_sync_run", "ledger_entry", "ledger_pending")
    )


def measure_worklist_and_verify(server: samba_ad.SambaAd, folder: Path) -> Iterator[Figure]:
    """One reviewer's 500 items by API, and the campaign's bundle."""
    folder.mkdir()
    for house in _houses(folder):
        add_directory(house, server)
        sync(house)
        campaign, reviewer = launch(house)
        with house.write() as uow:
            token = signin.create_token(uow, who=reviewer).token
        call = house.caller(token)
        call.get("/review-items?limit=1")
        with counting(house) as sent:
            found = call.get("/review-items?limit=500")
        statements = [each for each in sent if each.lstrip().upper().startswith("SELECT")]
        yield Figure(
            "statements for a worklist of 500",
            len(statements),
            3,
            f"{len(found['items'])} items came",
        )
        yield from measure_verify(house, campaign, "the whole company", gated=False)
        yield from measure_verify(house, launch_some(house), "a campaign", gated=True)


def launch(house: TestHouse) -> tuple[str, str]:
    """Launch a review of everything; return it and who has the most to decide."""
    with house.read() as reading:
        fallback = reading.session.scalars(
            sa.select(Identity).where(Identity.employee_number.is_not(None)).limit(1)
        ).one()
    with house.write() as uow:
        reviews.save_template(uow, reviews.Shape(name="All", fallback=fallback.public_id))
    with house.write() as uow:
        campaign = reviews.launch(uow, template_id="All").public_id
    with house.read() as reading:
        most = reading.session.execute(
            sa.select(Item.reviewer_id, sa.func.count().label("items"))
            .group_by(Item.reviewer_id)
            .order_by(sa.desc("items"))
            .limit(1)
        ).one()
        reviewer = reading.session.get_one(Identity, most.reviewer_id).public_id
    return campaign, reviewer


def launch_some(house: TestHouse) -> str:
    """Launch a review of a quarter of the groups, as a campaign usually is."""
    with house.read() as reading:
        groups = reading.session.scalars(
            sa.select(Group.public_id)
            .where(Group.kind == "security", Group.is_administrative.is_(False))
            .order_by(Group.name)
            .limit(50)
        ).all()
        fallback = reading.session.scalars(
            sa.select(Identity.public_id).where(Identity.employee_number.is_not(None)).limit(1)
        ).one()
    with house.write() as uow:
        shape = reviews.Shape(name="Some", entitlements=groups, fallback=fallback)
        reviews.save_template(uow, shape)
    with house.write() as uow:
        return reviews.launch(uow, template_id="Some").public_id


def measure_verify(house: TestHouse, campaign: str, what: str, *, gated: bool) -> Iterator[Figure]:
    """Check a bundle in this process, and as the whole command."""
    with house.write() as uow:
        asked = bundles.request(uow, bundles.Wish(campaign=campaign), is_built_here=True)
    making.run_build(house.tx, house.house.seal, house.home, {"bundle": asked.id})
    bundle = bundles.bundle_path(house.home, asked.id)
    with house.read() as reading:
        key = signing.present_key(reading)
    verify_bundle(bundle, [key], [])
    checks = statistics.median(
        timed(lambda: verify_bundle(bundle, [key], [])) for _ in range(ROUNDS)
    )
    command = [sys.executable, "-m", "evidence", "verify", str(bundle), "--key", key.vkey]
    whole = statistics.median(
        timed(lambda: subprocess.run(command, check=True, capture_output=True, timeout=60))
        for _ in range(ROUNDS)
    )
    size = bundle.stat().st_size / 1e6
    counts = f"{what}, {size:.1f} MB"
    yield Figure("seconds to check a bundle", checks, 0.5 if gated else math.inf, counts)
    yield Figure("seconds of the whole command", whole, 2.0, counts)


def measure_ad(folder: Path) -> Iterator[Figure]:
    """What needs an Active Directory."""
    why = samba_ad.missing()
    if why is not None:
        print(f"bench: {why}")
        raise SystemExit(1)
    with samba_ad.running() as server:
        folder.mkdir()
        yield from measure_sync(server, folder)
        yield from measure_worklist_and_verify(server, folder / "review")


PARTS: dict[str, Callable[[Path], Iterator[Figure]]] = {
    AD: measure_ad,
    "directory": measure_directory,
    "graph": measure_graph,
    "pages": measure_pages,
    "scale": measure_scale,
    "ledger": measure_ledger,
    "evidence": measure_evidence,
    "ldap": partial(measure_ldap, is_full="--full" in sys.argv),
    "okta": partial(measure_okta, is_full="--full" in sys.argv),
    "lighthouse": measure_lighthouse,
}


def main() -> int:
    """Measure the parts that are named, or everything, and print it."""
    wanted = [each for each in sys.argv[1:] if each != "--full"] or list(PARTS)
    unknown = [each for each in wanted if each not in PARTS]
    if unknown:
        print(f"bench: there is no part {', '.join(unknown)}; choose of {', '.join(PARTS)}")
        return 2
    figures = []
    with tempfile.TemporaryDirectory() as held:
        for part in wanted:
            for figure in PARTS[part](Path(held) / part):
                print(figure.line(), flush=True)
                figures.append(figure)
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
