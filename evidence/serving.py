"""`python -m evidence witness`: a witness that anybody can run, with the standard library's server.

Its key and its memory are two files. It listens on loopback unless told otherwise; TLS belongs to
the proxy before it. It takes one kind of request, of limited size, with a time-out.
"""

import os
import re
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from evidence.errors import EvidenceError
from evidence.keys import COSIGNATURE, KEY_BYTES, MemorySigner, VerifierKey
from evidence.verify import read_keys
from evidence.witness import LARGEST_REQUEST, Answer, Witness, WitnessFile

PATIENCE_SECONDS: Final = 10
DEFAULT_ADDRESS: Final = "127.0.0.1:8077"
ADD: Final = "/add-checkpoint"
LENGTH: Final = re.compile(r"[0-9]{1,6}")


class Server(ThreadingHTTPServer):
    """Answers for one witness.

    Args:
        address: Host and port; port 0 is any that is free.
        witness: Who answers.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, _Handler)
        self.witness = witness


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_SECONDS
    server: Server
    server_version = "attestry-witness"
    sys_version = ""

    def do_POST(self) -> None:
        """Take a checkpoint."""
        if self.path != ADD:
            self._answer(Answer(HTTPStatus.NOT_FOUND, f"only POST {ADD} is answered here\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not LENGTH.fullmatch(length) or int(length) > LARGEST_REQUEST:
            refusal = "a Content-Length of at most 64 KiB is wanted\n"
            self._answer(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal))
            return
        try:
            answer = self.server.witness.add_checkpoint(self.rfile.read(int(length)))
        except (EvidenceError, OSError) as error:
            self.log_error("%s", error)
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "its own files cannot be used\n")
        self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        body = answer.body.encode("utf-8")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """One line a request, without what clients could put control characters into."""
        said = (format % args).encode("ascii", "replace").decode("ascii")
        sys.stderr.write("".join(c if c.isprintable() else "?" for c in said) + "\n")


def load_witness(name: str, key: Path, state: Path, logs: Sequence[VerifierKey]) -> Witness:
    """Make a witness from its files; the key is made if there is none.

    Args:
        name: Its name, as `witness.example.com/attestry`.
        key: 32 bytes, hex, readable by the owner alone.
        state: The heads it cosigned.
        logs: The keys of the logs it watches.

    Returns:
        The witness.

    Raises:
        EvidenceError: The key cannot be read, or is none.
    """
    try:
        if not key.exists():
            handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(os.urandom(KEY_BYTES).hex() + "\n")
        private = bytes.fromhex(key.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{key}: not a witness's key (64 hex digits): {error}") from error
    now = lambda: int(time.time())  # noqa: E731, TID251 - it runs outside the house, without its clock
    return Witness(MemorySigner(name, private), WitnessFile(state), logs, now)


def main(argv: Sequence[str]) -> int:
    """Run the command line.

    Args:
        argv: The arguments after `witness`.

    Returns:
        0 when it is stopped; 2 wrong use.
    """
    parser = ArgumentParser(
        prog="python -m evidence witness",
        description="Cosign the heads of logs, and refuse any that did not grow out of the last.",
    )
    parser.add_argument("--name", required=True, help="of this witness, as host.example/attestry")
    parser.add_argument("--log", required=True, help="the log's VKEY, or a file of them")
    parser.add_argument("--key", type=Path, default=Path("witness.key"), help="made if absent")
    parser.add_argument("--state", type=Path, default=Path("witness.json"), help="what it signed")
    parser.add_argument("--listen", default=DEFAULT_ADDRESS, help=f"default {DEFAULT_ADDRESS}")
    parser.add_argument("--print-key", action="store_true", help="print its VKEY and stop")
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    host, _, port = options.listen.rpartition(":")
    try:
        witness = load_witness(options.name, options.key, options.state, read_keys(options.log))
        key = VerifierKey(options.name, witness.signer.public_key, COSIGNATURE)
        sys.stdout.write(f"{key.vkey}\n")
        sys.stdout.flush()
        if options.print_key:
            return 0
        server = Server((host, int(port)), witness)
    except (EvidenceError, OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with server:
        sys.stderr.write(f"witnessing on http://{host}:{server.server_address[1]}{ADD}\n")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0
