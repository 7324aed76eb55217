"""`serve` (web and worker in one process), `web` and `worker` (separately, on PostgreSQL)."""

import signal
import threading
from types import FrameType

import click

from app.cli.main import Local
from app.kernel.errors import InvalidInputError
from app.wiring import House

THREADS = 16


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.pass_obj
def serve(local: Local, host: str, port: int) -> None:
    """Web and worker in one process."""
    from app.worker import Worker

    worker = Worker(local.house)
    worker.start()
    try:
        _listen(local.house, host, port)
    finally:
        worker.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.pass_obj
def web(local: Local, host: str, port: int) -> None:
    """The web alone; any number of them, on PostgreSQL."""
    _refuse_sqlite(local.unchecked)
    _listen(local.unchecked, host, port)


@click.command()
@click.pass_obj
def worker(local: Local) -> None:
    """The worker alone; any number of them, on PostgreSQL."""
    from app.worker import Worker

    _refuse_sqlite(local.house)
    working = Worker(local.house)
    working.start()
    stop = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    click.echo("worker: ready", err=True)
    stop.wait()
    working.stop()


def _listen(house: House, host: str, port: int) -> None:
    from waitress.server import create_server

    from app.factory import create_app
    from app.web import bodies

    server = create_server(
        create_app(house.settings, house=house),
        host=host,
        port=port,
        threads=THREADS,
        ident=None,
        max_request_body_size=bodies.MAX_UPLOAD,  # each door has its own, smaller or not
        channel_timeout=30,
        clear_untrusted_proxy_headers=True,
    )

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    click.echo(f"listening on http://{host}:{port}", err=True)
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        click.echo("leaving", err=True)
    finally:
        server.close()


def _refuse_sqlite(house: House) -> None:
    if house.settings.database_url.startswith("sqlite"):
        raise InvalidInputError(
            {"ATTESTRY_DATABASE_URL": "Several processes need PostgreSQL; on SQLite use `serve`."}
        )
