"""The Okta simulator as a process. There is no Okta server to install: this one is simulated."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import UUID

import pytest

PROGRAM = Path(__file__).with_name("okta_simulator.py")
TOKEN = "stub-okta-token"
TIMEOUT = 30


@dataclass(slots=True)
class OktaSimulator:
    """A running simulator.

    Attributes:
        url: Its address.
        folder: Where its files are.
        directory: The records it imports from, or None.
    """

    url: str
    folder: Path
    directory: Path | None

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a source of kind `okta`."""
        return {"org_url": self.url}

    @property
    def secrets(self) -> dict[str, str]:
        """Its secrets."""
        return {"token": TOKEN}

    @property
    def truth(self) -> Path:
        """What was planted, one JSON object a line."""
        return self.folder / "okta.ndjson"

    def get(self, path: str) -> Any:
        """GET straight from the simulator, not through ours."""
        return self._send("GET", path)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Change something straight in the simulator, as an administrator by its console."""
        return self._send(method, path, body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the simulator's own controls (`/_stub/…`): faults, churn, import, reset."""
        return self._send(method, f"/_stub/{path}", body)

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"SSWS {TOKEN}", "Content-Type": "application/json"}
        request = Request(f"{self.url}{path}", data=data, headers=headers, method=method)
        with urlopen(request, timeout=TIMEOUT) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def calls(self) -> dict[str, int]:
        """Return how many calls of each kind came since the last reset."""
        counts = self.control("GET", "stats").items()
        return {name[6:]: count for name, count in counts if name.startswith("calls ")}

    def status_of(self, login: str) -> str:
        """Return a user's status."""
        status: str = self.get(f"/api/v1/users/{quote(login)}")["status"]
        return status

    def mirrored_guids(self) -> set[str]:
        """Return the objectGUIDs of the directory's groups that are mirrored here."""
        groups = self.get("/api/v1/groups?limit=10000")
        return {
            str(UUID(bytes_le=base64.b64decode(each["profile"]["externalId"])))
            for each in groups
            if each["type"] == "APP_GROUP"
        }

    def import_directory(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """Let it import what a directory holds now: rewrite its file, then ask for the import."""
        assert self.directory is not None
        lines = (json.dumps(each, ensure_ascii=False) for each in records)
        self.directory.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.control("POST", "import")


@contextmanager
def running(folder: Path, directory: Path | None = None, **options: str) -> Iterator[OktaSimulator]:
    """Run a simulator for as long as the block lasts.

    Args:
        folder: Where its files go.
        directory: A truth file of a directory to describe the same people; it is copied.
        options: Further options of the program, with `_` for `-`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, str(PROGRAM), "--expected", str(folder / "okta.ndjson")]
    copied = None
    if directory is not None:
        copied = folder / "directory.ndjson"
        copied.write_bytes(directory.read_bytes())
        arguments += ["--directory", str(copied)]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", value]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        match = re.search(r"OKTA_CLIENT_ORGURL=(\S+)", process.stdout.readline())
        assert match is not None, "the simulator did not start"
        yield OktaSimulator(match.group(1), folder, copied)
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)
        if process.stdout is not None:
            process.stdout.close()


Start = Callable[..., OktaSimulator]


@pytest.fixture
def start_okta(tmp_path: Path) -> Iterator[Start]:
    """Start simulators; they stop with the test."""
    with ExitStack() as stack:

        def start(directory: Path | None = None, **options: str) -> OktaSimulator:
            return stack.enter_context(running(tmp_path / "okta", directory, **options))

        yield start
