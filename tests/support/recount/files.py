"""The files of a bundle, opened and read, and nothing judged."""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

Row = dict[str, Any]
Rule = Callable[[Row], Any]
FILES: Final = ("population", "excluded", "decisions", "requests", "leavers", "drift", "sources")


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def n(count: int) -> str:
    return format(count, ",")


class Files:
    """The files of a bundle, opened."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(BytesIO(content)) as container:
            self._held = {name: container.read(name) for name in container.namelist()}
        self._rows: dict[str, list[Row]] = {
            name: [json.loads(line) for line in self._held[f"data/{name}.jsonl"].splitlines()]
            for name in FILES
        }
        self.manifest: Row = json.loads(self._held["manifest.json"])
        self.scope: Row = self.manifest["scope"]
        self.begin: str = self.manifest["period"]["from"]
        self.end: str = self.manifest["period"]["to"]
        self.is_review: bool = self.manifest["kind"] == "campaign"
        self.is_redacted: bool = self.scope["redacted"]
        self.head = self._held["log/checkpoint"].decode().splitlines()
        vkey = self._held["trust/signer.vkey"].decode().strip()
        digest = hashlib.sha256(vkey.encode()).hexdigest()
        self.key = " ".join(digest[start : start + 4] for start in range(0, 64, 4))
        oscal = json.loads(self._held["oscal/assessment-results.json"])["assessment-results"]
        seen = oscal["results"][0]["observations"]
        self.states = Counter(
            next(prop["value"] for prop in each["props"] if prop["name"] == "state")
            for each in seen
        )

    def is_without(self, name: str) -> bool:
        """Whether the scope of the bundle leaves a file empty."""
        if self.scope.get("about") == "leavers":
            return name not in {"leavers", "sources"}
        return "files" in self.scope and name not in {*self.scope["files"], "sources"}

    def rows(self, name: str, *whats: str) -> list[Row]:
        return [row for row in self._rows[name] if not whats or row["what"] in whats]

    def numbered(self, name: str, rule: Rule) -> list[int]:
        return [number for number, row in enumerate(self.rows(name), 1) if rule(row)]

    def held(self) -> list[Row]:
        """Who has what: items, or memberships that stood and that ended."""
        return self.rows("population", "item", "membership", "ended")

    def items(self, decision: str | None = None) -> list[Row]:
        every = self.rows("population", "item")
        return [row for row in every if decision is None or row["decision"] == decision]

    def appeared(self) -> list[Row]:
        """Memberships that began in the period."""
        every = self.rows("population", "membership", "ended")
        return [row for row in every if row["valid_from"] >= self.begin]

    def opening(self) -> int:
        every = self.rows("population", "membership", "ended")
        return sum(row["valid_from"] < self.begin for row in every)

    def last_reads(self) -> dict[str, Row]:
        """The last complete read of each source."""
        found = {}
        for row in self.rows("sources"):
            if row["state"] in {"complete", "accepted"}:
                found[row["source"]] = row
        return dict(sorted(found.items()))

    def tasks(self) -> list[Row]:
        return [*self.rows("requests", "task"), *self.rows("leavers", "task")]
