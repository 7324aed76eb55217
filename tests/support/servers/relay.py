"""A relay between a client and a server on loopback, that can cut the line or fall silent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 4096


@dataclass
class Relay:
    """Passes bytes on, until it has passed enough answers.

    Attributes:
        target: The server.
        answers: How many bytes of answers it passes on, or None for all.
        is_silent: Whether it then keeps the line open without a word, instead of cutting it.
        lines: How many connections it takes, or None for all; any other is cut at once.
    """

    target: tuple[str, int]
    answers: int | None = None
    is_silent: bool = False
    lines: int | None = None
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            if self.lines is not None and len(self._open) >= 2 * self.lines:
                near.close()
                continue
            far = socket.create_connection(self.target, timeout=30)
            far.settimeout(None)
            self._open += [near, far]
            threading.Thread(target=self._pass, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, self.answers), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK if left is None else max(1, min(CHUNK, left))):
                sink.sendall(data)
                if left is not None:
                    left -= len(data)
                    if left <= 0:
                        break
            else:
                left = None
        if left is None or not self.is_silent:
            _shut(source)
            _shut(sink)

    def close(self) -> None:
        """Cut every line."""
        for each in self._open:
            _shut(each)
            each.close()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(
    target: tuple[str, int],
    *,
    host: str = "127.0.0.1",
    answers: int | None = None,
    is_silent: bool = False,
    lines: int | None = None,
) -> Iterator[str]:
    """Relay to a server for as long as the block lasts; yields `host:port`."""
    relay = Relay(target, answers, is_silent, lines)
    with socket.create_server((host, 0)) as listener:
        thread = threading.Thread(target=relay.serve, args=(listener,))
        thread.start()
        try:
            yield f"{host}:{listener.getsockname()[1]}"
        finally:
            _shut(listener)
            thread.join()
            relay.close()
