"""Those who try secrets are slowed down: wrong tokens and wrong sign-ins, counted by address.

Only what fails is counted and only what fails is refused: a secret has 256 bits and cannot be
guessed, so a right one always holds, also for whoever shares an address with somebody who tries
(all do, behind a proxy). What is saved is work, and a ledger full of noise. Each process counts for
itself.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from flask import Flask, current_app, request

from app.kernel.errors import TooManyRequestsError
from app.kernel.phrases import phrase

EXTENSION = "attestry_throttle"
WINDOW = timedelta(minutes=1)
LIMITS = {"token": 60, "sign-in": 20}
MANY = 10_000


class Throttle:
    """Counts failures by kind and address, a minute at a time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Count by a clock."""
        self._now = now
        self._lock = Lock()
        self._counted: dict[tuple[str, str], int] = {}
        self._since = now()

    def failed(self, kind: str, address: str) -> None:
        """Count a failure.

        Raises:
            TooManyRequestsError: There were too many within the minute.
        """
        with self._lock:
            now = self._now()
            if now - self._since >= WINDOW or len(self._counted) >= MANY:
                self._counted.clear()
                self._since = now
            key = (kind, address)
            self._counted[key] = self._counted.get(key, 0) + 1
            is_too_many = self._counted[key] > LIMITS[kind]
            wait = int((self._since + WINDOW - now).total_seconds()) + 1
        if is_too_many:
            raise TooManyRequestsError(phrase("Too many failed attempts: wait a minute."), wait)


def install(app: Flask, now: Callable[[], datetime]) -> None:
    """Count in an application."""
    app.extensions[EXTENSION] = Throttle(now)


def failed(kind: str) -> None:
    """Count that this caller failed to prove who they are.

    Raises:
        TooManyRequestsError: They failed too often within the minute.
    """
    throttle: Throttle = current_app.extensions[EXTENSION]
    throttle.failed(kind, request.remote_addr or "")
