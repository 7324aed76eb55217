"""What every template may call: `asset`, `next_page`, `with_args`; and compressed answers.

Pages are compressed; the one secret in them, the CSRF token, is masked anew in each answer
(`app/web/guards.py`), so that the length of a page tells nothing of it.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from flask_compress import Compress

from app.web import static_files

COMPRESSED = ("text/html", "application/json", "application/problem+json")
SMALLEST = 500


def install(app: Flask) -> None:
    """Give templates what they call, and compress answers.

    Raises:
        AssetsMissingError: The assets were not built.
    """
    static_files.install(app)
    app.jinja_env.globals.update(next_page=next_page, with_args=with_args)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
        COMPRESS_LEVEL=6,
        COMPRESS_MIN_SIZE=SMALLEST,
        COMPRESS_MIMETYPES=list(COMPRESSED),
    )
    Compress(app)


def next_page(cursor: str) -> str:
    """Return the address of the next page of the list that is shown."""
    return with_args(cursor=cursor)


def with_args(**changes: Any) -> str:
    """Return this page's address with some arguments changed; None leaves one out.

    Any change but of the cursor begins the list anew.
    """
    kept = {name: value for name, value in request.args.items() if name != "cursor"}
    wanted = {name: value for name, value in (kept | changes).items() if value is not None}
    return f"{request.path}?{urlencode(wanted)}" if wanted else request.path
