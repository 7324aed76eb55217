"""`/verify`: a bundle somebody brings, checked as the command line does, and kept nowhere."""

import hashlib
from pathlib import Path

from flask import Response, request
from flask_babel import gettext as _

from app.audit import inspecting, signing
from app.audit.routes import blp
from app.kernel.errors import InvalidInputError
from app.kernel.uow import Reading
from app.web import bodies, pages
from app.web.pages import Form
from evidence import standalone

FILE = "file"
MOST_BYTES = bodies.MAX_UPLOAD - bodies.MAX_BYTES  # the rest of the form has room beside it
LONGEST_NAME = 120
ALONE = "attestry_verify.py"
PROGRAM = (Path(standalone.__file__).parent / ALONE).read_bytes()
DIGEST = hashlib.sha256(PROGRAM).hexdigest()


@pages.page(blp, "/verify")
def verify(reading: Reading, form: Form | None = None) -> str:
    """Choose a file, and say whose key counts."""
    return _page(reading, form)


@pages.question(blp, "/verify", again=verify, most_bytes=bodies.MAX_UPLOAD)
def inspect(reading: Reading, form: Form) -> str:
    """Check it, and name what does not hold."""
    sent = request.files.get(FILE)
    if sent is None or not sent.filename:
        raise InvalidInputError({FILE: _("Choose a file.")})
    content = sent.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        most = MOST_BYTES >> 20
        told = _("Here a file holds at most %(most)s MiB: use the command line.", most=most)
        raise InvalidInputError({FILE: told})
    found = inspecting.inspect(reading, content, form["key"])
    return _page(reading, form, found, _shown_name(sent.filename))


@pages.page(blp, f"/verify/{ALONE}", is_public=True)
def program(_reading: Reading) -> Response:
    """The verifier of one file: for everybody, for it is to be compared and run elsewhere."""
    answer = Response(PROGRAM, content_type="text/x-python; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{ALONE}"'
    return answer


def _page(
    reading: Reading,
    form: Form | None,
    found: inspecting.Inspection | None = None,
    name: str = "",
) -> str:
    return pages.render(
        "audit/verify.html",
        form=form,
        found=found,
        file_name=name,
        key=signing.verifier_keys(reading)[0],
        most_bytes=MOST_BYTES,
        program=ALONE,
        digest=DIGEST,
    )


def _shown_name(name: str) -> str:
    """Return a file's name as it is shown: without what would turn the text around it."""
    shown = "".join(each for each in name if each.isprintable())
    return shown[:LONGEST_NAME]
