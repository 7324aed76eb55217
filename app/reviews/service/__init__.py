"""Commands of a review: templates, launch, decide, reassign, sign off, close."""

from app.reviews.service.closing import close
from app.reviews.service.deciding import Said, decide
from app.reviews.service.launching import Launch, launch, preview
from app.reviews.service.reassigning import reassign
from app.reviews.service.remediation import confirm_item, fail_item
from app.reviews.service.signing_off import sign_off
from app.reviews.service.templates import Shape, save_template

__all__ = [
    "Launch",
    "Said",
    "Shape",
    "close",
    "confirm_item",
    "decide",
    "fail_item",
    "launch",
    "preview",
    "reassign",
    "save_template",
    "sign_off",
]
