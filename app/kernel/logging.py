"""Structured log lines for operators: one JSON object a line, with the request's id, no secrets.

Evidence never goes this way (the ledger is for that), and nothing that opens a door does either:
what looks like a bearer token is struck out of every text, and what is named like a secret is
struck out whatever it holds.
"""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO

from typing_extensions import override

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
STRUCK = "[struck out]"
_TOKENS = re.compile(r"(?i)(bearer\s+)[^\s\"',]+|(attestry_)[A-Za-z0-9_-]{16,}")
_ADDRESS_SECRETS = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)")
_SECRET_NAMES = re.compile(r"(?i)authorization|cookie|password|secret|token|private|credential")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def struck(text: str) -> str:
    """Return a text without bearer tokens and without passwords in addresses."""
    without = _TOKENS.sub(lambda found: (found[1] or found[2]) + STRUCK, text)
    return _ADDRESS_SECRETS.sub(rf"\g<1>{STRUCK}\g<2>", without)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, who, what, the request's id, and the record's extras."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": struck(record.getMessage()),
        }
        if REQUEST_ID.get():
            line["request_id"] = REQUEST_ID.get()
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name not in line:
                line[name] = _shown(name, value)
        if record.exc_info:
            line["error"] = struck(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(stream: IO[str] | None = None, level: int = logging.INFO) -> None:
    """Send every log line to a stream, standard error by default; replaces what was configured."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _shown(name: str, value: object) -> object:
    if _SECRET_NAMES.search(name):
        return STRUCK
    if value is None or isinstance(value, bool | int | float):
        return value
    return struck(str(value))
