"""Assets: files named by their content, kept by browsers for ever, sent compressed.

They are built (`app/web/assets/build.py`) and not in the repository; an application without them
says so when it starts, not in the middle of a page.
"""

import json
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    request,
    send_from_directory,
)

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
FORMS = (("br", ".br"), ("gzip", ".gz"))
EXTENSION = "attestry_assets"
blp = Blueprint("assets", __name__)


class AssetsMissingError(RuntimeError):
    """The assets were not built."""


def install(app: Flask) -> None:
    """Serve the assets, and give templates `asset(NAME)`.

    Raises:
        AssetsMissingError: They were not built.
    """
    manifest = _manifest()
    app.extensions[EXTENSION] = frozenset(manifest.values())
    app.register_blueprint(blp)
    app.jinja_env.globals["asset"] = lambda name: f"/assets/{manifest[name]}"


@blp.get("/assets/<name>")
def file(name: str) -> Response:
    """Answer a file in the best form the browser takes; its name is its version."""
    if name not in current_app.extensions[EXTENSION]:
        abort(404)
    ending = Path(name).suffix
    for coding, suffix in FORMS:
        packed = f"{name}{suffix}"
        if request.accept_encodings[coding] and (STATIC / packed).exists():
            answer = send_from_directory(STATIC, packed, mimetype=TYPES[ending])
            answer.headers["Content-Encoding"] = coding
            break
    else:
        answer = send_from_directory(STATIC, name, mimetype=TYPES[ending])
    answer.headers["Content-Type"] = TYPES[ending]
    answer.headers["Cache-Control"] = FOR_EVER
    answer.headers["Vary"] = "Accept-Encoding"
    return answer


def _manifest() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((STATIC / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AssetsMissingError(
            "The assets of the pages are not built: run `make assets`."
        ) from None
    return found
