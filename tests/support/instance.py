"""A whole instance as its users have it: processes, a port, tokens; nothing from inside."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


@dataclass(slots=True)
class Instance:
    """An instance and how to speak to it: on PostgreSQL two webs answer in turn."""

    home: Path
    database_url: str
    port: int
    webs: list[int] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    calls: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "ATTESTRY_MODE"} | {
            "ATTESTRY_HOME": str(self.home),
            "ATTESTRY_DATABASE_URL": self.database_url,
            "ATTESTRY_BASE_URL": self.url,
            "PYTHONPATH": str(ROOT),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def attestry(self, *arguments: str, code: int = 0) -> Any:
        """Run the command line; returns its JSON, or its words when it is to fail."""
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode} {done.stdout} {done.stderr}"
        )
        return json.loads(done.stdout) if code == 0 and "--json" in arguments else done.stderr

    def start(self) -> None:
        """Serve: one process on SQLite; two webs and two workers on PostgreSQL."""
        self.webs = [self.port, free_port()]
        wanted = [["web", "--port", str(port)] for port in self.webs] + [["worker"], ["worker"]]
        if self.database_url.startswith("sqlite"):
            self.webs = [self.port]
            wanted = [["serve", "--port", str(self.port)]]
        for each in wanted:
            with (self.home / f"{each[0]}.log").open("ab") as log:
                self.running.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "app.cli.main", *each],
                        env=self.environment,
                        cwd=self.home,
                        stdout=subprocess.DEVNULL,
                        stderr=log,
                    )
                )
        for _ in self.webs:
            self.until(lambda: self.answer("GET", "/readyz", base="")[0] == 200, "ready")

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(timeout=30)

    def answer(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Any = None,
        base: str = "/api/v1",
        headers: Mapping[str, str] = {},
    ) -> tuple[int, Any]:
        """Send one call; status and JSON."""
        sent = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None
        if method == "POST":
            data = json.dumps({} if body is None else body).encode()
            sent["Content-Type"] = "application/json"
        sent["Host"] = f"127.0.0.1:{self.port}"
        self.calls += 1
        web = f"http://127.0.0.1:{self.webs[self.calls % len(self.webs)]}"
        request = Request(f"{web}{base}{path}", data=data, headers=sent, method=method)
        try:
            with urlopen(request, timeout=60) as found:
                return found.status, json.loads(found.read() or b"null")
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None

    def get(self, path: str, token: str) -> Any:
        status, found = self.answer("GET", path, token)
        assert status == 200, found
        return found

    def post(self, path: str, token: str, body: Any = None) -> Any:
        status, found = self.answer("POST", path, token, body)
        assert status in (200, 201, 202), found
        return found

    def every(self, path: str, token: str) -> list[Any]:
        """Every item of a list, page by page."""
        found: list[Any] = []
        cursor = ""
        while True:
            joint = "&" if "?" in path else "?"
            page = self.get(f"{path}{joint}limit=500{cursor}", token)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def download(self, path: str, token: str, out: Path) -> Path:
        request = Request(f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=60) as found:
            out.write_bytes(found.read())
        return out

    def verify(self, bundle: Path) -> int:
        """Check a bundle as an auditor would: another process, without instance or network."""
        key = self.home / "signer.vkey"
        if not key.exists():
            shown = self.attestry("ledger", "key", "--json")
            key.write_text(shown["vkey"] + "\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "evidence", "verify", str(bundle), "--key", str(key)],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"never came true: {what}"
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
