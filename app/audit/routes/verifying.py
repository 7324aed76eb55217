"""`/verify`: a bundle somebody brings, checked as the command line does, and kept nowhere."""

from flask import request
from flask_babel import gettext as _

from app.audit import inspecting, signing
from app.audit.routes import blp
from app.kernel.errors import InvalidInputError
from app.kernel.uow import Reading
from app.web import bodies, pages
from app.web.pages import Form

FILE = "file"
MOST_BYTES = bodies.MAX_UPLOAD - bodies.MAX_BYTES  # the rest of the form has room beside it
LONGEST_NAME = 120


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
    )


def _shown_name(name: str) -> str:
    """Return a file's name as it is shown: without what would turn the text around it."""
    shown = "".join(each for each in name if each.isprintable())
    return shown[:LONGEST_NAME]
