"""A real Active Directory domain controller (Samba) for the tests, on loopback.

The shell program `samba-ad` beside this file provisions, populates, starts and stops it. It is
provisioned and populated once for all test processes, and each use starts a copy of that.
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ldap3.utils.conv import escape_filter_chars

PROGRAM = Path(__file__).with_name("samba-ad")
NEEDED = ("samba", "ldapsearch", "ldapmodify", "openssl")
TIMEOUT = 180
LONGEST = 900  # filling a large one
DISABLED = 0x2


def missing() -> str | None:
    """Say why it cannot run here, or None."""
    if os.geteuid() != 0:
        return "Samba AD needs root: its ports are below 1024"
    absent = [name for name in NEEDED if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    return f"{', '.join(absent)} not installed (make packages)" if absent else None


def _run(verb: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(PROGRAM), verb, str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"samba-ad {verb}: {done.stderr}")
    return done.stdout


@dataclass(slots=True)
class SambaAd:
    """A running domain controller."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        for line in _run("start", self.folder).splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value

    def stop(self) -> None:
        """Stop it."""
        _run("stop", self.folder)

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a source of kind `active_directory`."""
        return {
            "uri": self.environment["AD_URI"],
            "base_dn": self.environment["AD_BASE_DN"],
            "bind_dn": self.environment["AD_BIND_DN"],
            "ca_file": self.environment["AD_CA_FILE"],
        }

    @property
    def secrets(self) -> dict[str, str]:
        """Its secrets."""
        return {"password": self.environment["AD_PASSWORD"]}

    @property
    def truth(self) -> Path:
        """What was planted, one JSON object a line."""
        return self.folder / "expected.ndjson"

    def ldapsearch(
        self, base: str, where: str, *attributes: str, scope: str = "sub"
    ) -> list[dict[str, list[str]]]:
        """Ask the server with OpenLDAP's own program, not with ours."""
        done = subprocess.run(
            [
                "ldapsearch", "-LLL", "-x", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt",
                "-H", self.environment["AD_URI"],
                "-D", self.environment["AD_BIND_DN"],
                "-w", self.environment["AD_PASSWORD"],
                "-s", scope, "-b", base, where, *attributes,
            ],
            env={"LDAPTLS_CACERT": self.environment["AD_CA_FILE"], "PATH": os.environ["PATH"]},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
        if done.returncode not in (0, 10):
            raise RuntimeError(done.stderr.decode())
        return _entries(done.stdout.decode())

    def change(self, ldif: str) -> None:
        """Change the directory with OpenLDAP's own program, behind the product's back."""
        done = subprocess.run(
            [
                "ldapmodify", "-x", "-H", self.environment["AD_URI"],
                "-D", self.environment["AD_BIND_DN"], "-w", self.environment["AD_PASSWORD"],
            ],
            env={"LDAPTLS_CACERT": self.environment["AD_CA_FILE"], "PATH": os.environ["PATH"]},
            input=ldif.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.decode())

    def find(self, login: str, *attributes: str, extra: str = "") -> dict[str, list[str]] | None:
        """Return one account by its login, if it matches a further filter."""
        where = f"(&(sAMAccountName={escape_filter_chars(login)}){extra})"
        found = self.ldapsearch(self.environment["AD_BASE_DN"], where, *attributes)
        return found[0] if found else None

    def is_member(self, login: str, group_dn: str) -> bool:
        """Say whether an account is directly in a group, as the server says."""
        extra = f"(memberOf={escape_filter_chars(group_dn)})"
        return self.find(login, "sAMAccountName", extra=extra) is not None

    def is_disabled(self, login: str) -> bool:
        """Say whether an account is disabled, as the server says."""
        found = self.find(login, "userAccountControl")
        assert found is not None
        return bool(int(found["userAccountControl"][0]) & DISABLED)

    def present_state(self) -> list[dict[str, Any]]:
        """Return users and groups as they are now, in the form of the truth file."""
        records: list[dict[str, Any]] = [
            {"kind": "user", "dn": each["dn"][0], "mail": each["mail"][0]}
            for each in self.ldapsearch(
                self.environment["AD_BASE_DN"], "(&(objectClass=user)(mail=*))", "mail"
            )
        ]
        for each in self.ldapsearch(
            self.environment["AD_BASE_DN"], "(objectClass=group)", "objectGUID", "member"
        ):
            raw = base64.b64decode(each["objectGUID"][0])
            records.append(
                {
                    "kind": "group",
                    "dn": each["dn"][0],
                    "objectGUID": _guid(raw),
                    "member": each.get("member", []),
                }
            )
        return records


def _guid(raw: bytes) -> str:
    from uuid import UUID

    return str(UUID(bytes_le=raw))


BINARY = frozenset({"objectGUID", "objectSid", "tokenGroups"})


def _entries(ldif: str) -> list[dict[str, list[str]]]:
    """Read LDIF (RFC 2849); binary attributes stay in base64."""
    found: list[dict[str, list[str]]] = []
    for block in ldif.split("\n\n"):
        entry: dict[str, list[str]] = {}
        for line in block.splitlines():
            if line.startswith(("#", " ")) or ":" not in line:
                continue
            name, _, rest = line.partition(":")
            is_encoded = rest.startswith(":")
            value = rest.lstrip(":").strip()
            if is_encoded and name not in BINARY:
                value = base64.b64decode(value).decode()
            entry.setdefault(name, []).append(value)
        if "dn" in entry:
            found.append(entry)
    return found


def _template() -> Path:
    """Return a stopped, populated controller; made once, whoever comes first."""
    folder = Path(tempfile.gettempdir()) / f"attestry-samba-{os.getuid()}-{_stamp()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "controller"
        if not (folder / "ready").exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            _run("start", made)
            try:
                _run("populate", made)
            finally:
                _run("stop", made)
            (folder / "ready").touch()
    return made


def _stamp() -> str:
    """The template is made anew when the program that makes it changed."""
    import hashlib

    return hashlib.sha256(PROGRAM.read_bytes()).hexdigest()[:12]


@contextmanager
def running() -> Iterator[SambaAd]:
    """Run a copy of the template for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="attestry-ad-"))
    shutil.rmtree(folder)
    subprocess.run(["cp", "-a", str(_template()), str(folder)], check=True, timeout=TIMEOUT)
    controller = SambaAd(folder)
    try:
        controller.start()
        yield controller
    finally:
        controller.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_with(users: int, groups: int, memberships: int) -> Iterator[SambaAd]:
    """Run a controller of another size for as long as the block lasts; the large take minutes."""
    folder = Path(tempfile.mkdtemp(prefix="attestry-ad-"))
    controller = SambaAd(folder)
    try:
        controller.start()
        sizes = {"--users": users, "--groups": groups, "--memberships": memberships}
        _run("populate", folder, *(str(each) for pair in sizes.items() for each in pair))
        controller.start()
        yield controller
    finally:
        controller.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def needed() -> Iterator[SambaAd]:
    """Run a controller for a test; where none can run, the test is skipped with the reason."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    with running() as controller:
        yield controller


@pytest.fixture(scope="module")
def samba_ad() -> Iterator[SambaAd]:
    """A domain controller with 2,000 users, 200 groups and 12,000 memberships."""
    with needed() as controller:
        yield controller


def read_truth(path: Path) -> list[dict[str, Any]]:
    """Return the records of a truth file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
