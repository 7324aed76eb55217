"""What every template may call (`asset`, `has_page`, `next_page`…), and compressed answers.

Pages are compressed; the one secret in them, the CSRF token, is masked anew in each answer
(`app/web/guards.py`), so that the length of a page tells nothing of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request
from flask_compress import Compress
from werkzeug.exceptions import HTTPException

from app.web import static_files
from app.web.saying import say

COMPRESSED = ("text/html", "application/json", "application/problem+json")
SMALLEST = 500


def install(app: Flask) -> None:
    """Give templates what they call, and compress answers.

    Raises:
        AssetsMissingError: The assets were not built.
    """
    static_files.install(app)
    app.jinja_env.globals.update(
        has_page=has_page, next_page=next_page, with_args=with_args, views_of=views_of
    )
    app.jinja_env.filters["say"] = say
    app.jinja_env.filters["as_moment"] = datetime.fromisoformat
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


def has_page(path: str) -> bool:
    """Say whether there is a page at an address, so that none leads where there is none."""
    try:
        current_app.url_map.bind("localhost").match(path, method="GET")
    except HTTPException:
        return False
    return True


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


def views_of(names: Iterable[str], shown: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the views of a list as its switch wants them; `?view=` names the one that is shown."""
    return [
        {"label": labels[name], "href": with_args(view=name), "is_current": name == shown}
        for name in names
    ]
