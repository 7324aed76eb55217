"""What evidence costs: the tree, its proofs, checking, signing, and the ledger in the way of work.

Runs alone (`python -m tests.bench.ledger [PART …]`); each figure is a ratio within one run. Every
figure is the best of several rounds of both sides, so that a busy machine disturbs both alike.
"""

import hashlib
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.audit import sealing
from app.directory.models import Group, Identity
from app.kernel import ledger as kernel_ledger
from app.kernel import uow as kernel_uow
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.jobs import InlineJobs
from app.kernel.settings import Mode, Settings
from app.requests import service as requests
from app.requests.domain import Action
from app.signin import service as signin
from app.wiring import Ports, build
from bench.figures import Figure
from evidence.bundle import Table
from evidence.container import read_container
from evidence.pdf.render import render
from evidence.pdf.seal import seal_file
from evidence.standalone import attestry_verify
from evidence.tiles import TileKey, consistency, inclusion, integrate
from evidence.wholelog import file_root
from support.cast import bring_in
from support.house import open_house
from support.servers import postgres
from unit.evidence.pdf.sample import report
from unit.evidence.sample_bundle import CREDENTIAL, KEY, bundle, parts

MILLION = 1_000_000
ROUNDS = 5
MANY = 200
WRITERS = 6
SECONDS = 4.0
SEALED_EVERY = 0.5  # seconds between two seals of the sequencer beside the writers
STANDBY_SECONDS = 0.005
COLUMNS = tuple("abcdefgh")
LINE = b'{"actor":"019cad8f-ac00-7f33-9311-38569169254a","commitments":{"reason":"'


Clock = Callable[[], float]


def best(
    work: Callable[[], object], rounds: int = ROUNDS, clock: Clock = time.perf_counter
) -> float:
    """The shortest of several times; with `time.process_time`, of this process's own work."""
    times = []
    for _ in range(rounds):
        begun = clock()
        work()
        times.append(clock() - begun)
    return min(times)


class MemoryTiles:
    """Tiles in a dictionary."""

    def __init__(self) -> None:
        self.tiles: dict[TileKey, bytes] = {}

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        return {key: self.tiles[key] for key in keys if key in self.tiles}

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        self.tiles.update(tiles)


def measure_whole_log(folder: Path) -> Iterator[Figure]:
    """A ledger of a million entries in a file, against one hash over the file."""
    path = folder / "log.jsonl"
    with path.open("wb") as file:
        for number in range(MILLION):
            file.write((LINE + b"%d" % number).ljust(266, b"x") + b"\n")

    def bare() -> None:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")

    floor, took = best(bare), best(partial(file_root, path), 3)
    yield Figure(
        "verify a ledger of 1M entries / bare SHA-256",
        took / floor,
        4.0,
        f"{took:.2f} s against {floor:.2f} s, {os.cpu_count()} cores",
    )
    path.unlink()


def measure_tree(_folder: Path) -> Iterator[Figure]:
    """Ten million leaves: how fast they go in, and what a proof costs."""
    leaves = [hashlib.sha256(b"%d" % number).digest() for number in range(MILLION)]
    store, size, times = MemoryTiles(), 0, []
    for _ in range(10):
        begun = time.process_time()
        for at in range(0, MILLION, 5_000):
            size = integrate(store, size, leaves[at : at + 5_000])
        times.append(time.process_time() - begun)
    rate = MILLION / min(times)
    yield Figure(
        "seconds to integrate 1M leaves", min(times), 1.0, f"{rate / 1e6:.2f}M/s, by 5,000"
    )
    pick = random.Random(6962)
    for name, prove in (
        ("inclusion", lambda: inclusion(store, size, pick.randrange(size))),
        ("consistency", lambda: consistency(store, pick.randrange(1, size), size)),
    ):
        proofs = _many(prove)
        took = best(partial(_many, prove), clock=time.process_time) / MANY * 1000
        longest = max(len(proof) for proof in proofs) * 32
        yield Figure(f"ms of an {name} proof at 10M", took, 1.0, f"at most {longest} B")
        yield Figure(f"bytes of an {name} proof at 10M", longest, 800, f"the longest of {MANY}")


def _many(prove: Callable[[], Sequence[bytes]]) -> list[Sequence[bytes]]:
    return [prove() for _ in range(MANY)]


def measure_alone(_folder: Path) -> Iterator[Figure]:
    """The verifier of one file on a bundle of 100,000 rows of 8 columns."""
    rows = [{name: f"value {name} of {n}" for name in COLUMNS} for n in range(100_000)]
    tables = {"population": Table(COLUMNS, rows)}
    made = bundle(parts(entries=2_000, tables=tables))
    view = memoryview(made)
    members = list(read_container(view).values())
    keys = [attestry_verify.vkey(KEY.vkey)]  # type: ignore[no-untyped-call]

    def bare() -> None:
        for member in members:
            hashlib.sha256(view[member.start : member.start + member.size]).digest()

    def check() -> None:
        attestry_verify.signed.cache_clear()
        found, _own = attestry_verify.check(view, keys)  # type: ignore[no-untyped-call]
        assert not [each for each in found if each[2] == "failed"]

    floor, took = best(bare), best(check)
    detail = f"{took * 1000:.0f} ms against {floor * 1000:.0f} ms, {len(made) / 1e6:.0f} MB"
    yield Figure("stand-alone verify of 100k rows / bare SHA-256", took / floor, 6.0, detail)


def measure_signature(folder: Path) -> Iterator[Figure]:
    """The seal of a PDF of 100 MB, against one hash over it; in a process of its own for memory."""
    path = folder / "large.pdf"
    small = render(report())
    at = small.rindex(b"startxref")
    inside = _widened(small, at, 100_000_000)
    path.write_bytes(inside)

    def bare() -> None:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")

    floor, times, grown = best(bare), [], 0
    for _ in range(3):
        path.write_bytes(inside)
        bare()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        seal_file(path, CREDENTIAL)
        times.append(time.perf_counter() - begun)
        grown = max(grown, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    took = min(times)
    detail = f"{took * 1000:.0f} ms against {floor * 1000:.0f} ms"
    yield Figure("signature of a 100 MB PDF / one SHA-256 pass", took / floor, 3.0, detail)
    yield Figure("MB of memory the signature adds", grown / 1024, 110, "pages of the mapped file")
    path.unlink()


def _widened(pdf: bytes, at: int, size: int) -> bytes:
    """A comment line as long as asked; offsets in it do not matter to the one who signs."""
    return pdf[:at] + b"%" + b"x" * size + b"\n" + pdf[at:]


# --- in the way of work ------------------------------------------------------------------------


def _nothing(*_given: object) -> None:
    """Write no entry: the same work without a ledger."""


def _chained(session: Any, entries: Sequence[kernel_ledger.Pending]) -> None:
    """Write entries as a chain whose head every writer must lock."""
    for entry in entries:
        head = session.execute(
            sa.text("SELECT hash FROM bench_chain WHERE id = 1 FOR UPDATE")
        ).scalar_one()
        linked = hashlib.sha256(bytes(head) + entry.sealed.body).digest()
        session.execute(sa.text("UPDATE bench_chain SET hash = :h WHERE id = 1"), {"h": linked})
    WRITE(session, entries)


WRITE = kernel_ledger.write
WAYS: Mapping[str, Any] = {"none": _nothing, "ledger": WRITE, "chain": _chained}


def _tokens(house: Any, _place: int) -> Iterator[None]:
    """The smallest thing that can be done: one row, one entry."""
    while True:
        with house.tx.write() as uow:
            signin.create_token(uow, role=Role.AUDITOR, name="bench")
        yield


def _asks(house: Any, place: int) -> Iterator[None]:
    """What is done all day: somebody asks for access, judged by the policy, and takes it back."""
    with house.tx.read() as reading:
        who = reading.session.scalars(
            sa.select(Identity).where(Identity.employee_number == f"{1001 + place}")
        ).one()
        group = reading.session.scalars(
            sa.select(Group.public_id).where(Group.name == "Everyone Else")
        ).one()
    actor = Actor(ActorKind.PERSON, who.public_id, who.id)
    wish = requests.Wish(entitlement=group, action=Action.ADD, reason="Month end", duration_days=7)
    while True:
        with house.tx.write(actor) as uow:
            request = requests.submit(uow, wish).public_id
        with house.tx.write(actor) as uow:
            requests.cancel(uow, request_id=request)
        yield


COMMANDS = {"tokens": _tokens, "asks": _asks}


def _work(
    command: str, way: str, home: Path, url: str, ready: Any, counts: Any, place: int
) -> None:
    """One writer: commands of the product, over and over, in a process of its own."""
    kernel_uow.ledger.write = WAYS[way]  # type: ignore[attr-defined]
    house = _house(home, url)
    work = COMMANDS[command](house, place)
    next(work)  # what is made once is made before the clock runs
    ready.wait()
    end = time.perf_counter() + SECONDS
    done = 0
    for _done in work:
        done += 1
        if time.perf_counter() >= end:
            break
    counts[place] = done
    house.close()


def _sequence(home: Path, url: str, ready: Any) -> None:
    """The sequencer beside the writers."""
    house = _house(home, url)
    sealing.seal_pending(house.tx, house.seal, home)
    ready.wait()
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        sealing.seal_pending(house.tx, house.seal, home)
        time.sleep(SEALED_EVERY)
    house.close()


def _house(home: Path, url: str) -> Any:
    settings = Settings(
        home=home,
        database_url=url,
        mode=Mode.DEMONSTRATION,
        secret_key="a secret of the bench, long enough",
        seal_key_file=home / "seal.key",
    )
    return build(settings, Ports(jobs=InlineJobs()))


def _rate(command: str, way: str, home: Path, url: str) -> float:
    """Transactions a second of six writers."""
    context = multiprocessing.get_context("fork")
    counts = context.Array("q", WRITERS)
    is_sequenced = way == "ledger"
    ready = context.Barrier(WRITERS + is_sequenced)
    running = [
        context.Process(target=_work, args=(command, way, home, url, ready, counts, place))
        for place in range(WRITERS)
    ]
    if is_sequenced:
        running.append(context.Process(target=_sequence, args=(home, url, ready)))
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert not any(each.exitcode for each in running)
    return float(sum(counts[:])) / SECONDS


def measure_business(folder: Path) -> Iterator[Figure]:
    """Six writers on PostgreSQL that flushes to disk: with a ledger, without, and with a chain.

    What a ledger costs is told of what is done all day. What a chain costs is that writers wait for
    each other's commits, and a commit takes as long as the store's disks and standbys do: so it is
    told with the delay of a synchronous standby, and without beside it.
    """
    why = postgres.missing()
    if why is not None:
        print(f"bench: {why}")
        return
    with postgres.running(is_durable=True) as server:
        url = server.migrated_database()
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("CREATE TABLE bench_chain (id int PRIMARY KEY, hash bytea)"))
            connection.execute(sa.text("INSERT INTO bench_chain VALUES (1, '\\x00')"))
        home = folder / "house"
        home.mkdir()
        for house in open_house(home, url):
            bring_in(house)
        asks = _rates("asks", ("none", "ledger"), home, url)
        bare = _rates("tokens", tuple(WAYS), home, url)
        _wait_for_a_standby(url)
        far = _rates("tokens", tuple(WAYS), home, url, ROUNDS)
    yield Figure(
        "six writers without a ledger / with one",
        asks["none"] / asks["ledger"],
        1.10,
        f"requests made and taken back: {_told(asks)}; one row and one entry: {_told(bare)}",
    )
    yield Figure(
        "five times a row-locked chain / the ledger",
        5 * far["chain"] / far["ledger"],
        1.0,
        f"commits of {STANDBY_SECONDS * 1000:g} ms: {_told(far)}; without: {_told(bare)}",
    )


def _wait_for_a_standby(url: str) -> None:
    """Let each commit of a token take as long as a synchronous standby would.

    As with a real one, every commit waits by itself and holds its locks meanwhile. PostgreSQL's own
    `commit_delay` would let commits wait for each other as well, which no standby does.
    """
    wait = (
        "CREATE FUNCTION bench_wait() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN PERFORM pg_sleep({STANDBY_SECONDS}); RETURN NULL; END$$;"
        "CREATE CONSTRAINT TRIGGER bench_wait AFTER INSERT ON signin_token "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bench_wait()"
    )
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(wait)
    engine.dispose()


def _rates(
    command: str, ways: Sequence[str], home: Path, url: str, rounds: int = 3
) -> Mapping[str, float]:
    """The median of interleaved rounds."""
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            found[way].append(_rate(command, way, home, url))
    return {way: statistics.median(each) for way, each in found.items()}


def _told(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{way} {rate:.0f}/s" for way, rate in rates.items())


PARTS: Mapping[str, Callable[[Path], Iterator[Figure]]] = {
    "log": measure_whole_log,
    "tree": measure_tree,
    "alone": measure_alone,
    "signature": measure_signature,
    "business": measure_business,
}


def measure_ledger(folder: Path, names: Sequence[str] = ()) -> Iterator[Figure]:
    """Every part, or those named."""
    folder.mkdir(exist_ok=True)
    return chain.from_iterable(PARTS[name](folder) for name in names or PARTS)


def main(names: Sequence[str]) -> int:
    """Measure evidence alone."""
    figures = []
    with tempfile.TemporaryDirectory() as held:
        for figure in measure_ledger(Path(held), names):
            print(figure.line(), flush=True)
            figures.append(figure)
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
