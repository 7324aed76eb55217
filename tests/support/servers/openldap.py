"""A real OpenLDAP server for the tests, on loopback: for the limits that Samba does not show.

The shell program `openldap` beside this file makes, fills, starts and stops it. Its reader may
have 1,000 entries an answer, as Windows allows.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).with_name("openldap")
NEEDED = ("slapd", "slapadd", "openssl")
TIMEOUT = 120


def missing() -> str | None:
    """Say why it cannot run here, or None."""
    absent = [name for name in NEEDED if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if absent:
        return f"{', '.join(absent)} not installed (make packages)"
    return None if os.geteuid() == 0 else "OpenLDAP's programs are started as root here"


def _run(verb: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(PROGRAM), verb, str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"openldap {verb}: {done.stderr}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class OpenLdap:
    """A running server.

    Attributes:
        environment: What the program tells of it, by name.
        folder: Where it keeps everything.
    """

    environment: dict[str, str]
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        """Where it is and who reads; the reader's answers are limited."""
        return {
            "uri": self.environment["LDAP_URI"],
            "base_dn": self.environment["LDAP_BASE_DN"],
            "bind_dn": self.environment["LDAP_READER_DN"],
            "ca_file": self.environment["LDAP_CA_FILE"],
        }

    @property
    def secrets(self) -> dict[str, str]:
        """The reader's password."""
        return {"password": self.environment["LDAP_PASSWORD"]}

    @property
    def truth(self) -> Path:
        """What was planted, one JSON object a line."""
        return self.folder / "expected.ndjson"

    def ask(self, base: str, where: str, *attributes: str, scope: str = "sub") -> str:
        """Ask the server with OpenLDAP's own program, not with ours; return its LDIF."""
        return self._program(
            "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt",
            "-s", scope, "-b", base, where, *attributes,
        )  # fmt: skip

    def change(self, ldif: str) -> None:
        """Change the directory with OpenLDAP's own program, behind the product's back."""
        self._program("ldapmodify", given=ldif)

    def _program(self, name: str, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [
                name, "-x", "-H", self.environment["LDAP_URI"],
                "-D", self.environment["LDAP_PROVISIONER_DN"],
                "-w", self.environment["LDAP_PASSWORD"], *arguments,
            ],
            env={"LDAPTLS_CACERT": self.environment["LDAP_CA_FILE"], "PATH": os.environ["PATH"]},
            input=given.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()

    @property
    def port(self) -> int:
        """Where it speaks TLS, on 127.0.0.1."""
        return int(self.environment["LDAP_URI"].rsplit(":", 1)[1])


@contextmanager
def running(
    folder: Path, *, users: int, groups: int = 20, memberships: int = 2000
) -> Iterator[OpenLdap]:
    """Run a populated server for as long as the block lasts."""
    _run("start", folder)
    try:
        sizes = {"--users": users, "--groups": groups, "--memberships": memberships}
        _run("populate", folder, *(str(each) for pair in sizes.items() for each in pair))
        lines = _run("env", folder).splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        yield OpenLdap({name: value for name, _, value in pairs}, folder)
    finally:
        _run("stop", folder)
