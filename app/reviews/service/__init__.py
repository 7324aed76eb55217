"""Commands of a review: templates, launch, decide, reassign, sign off, close."""

from app.reviews.service.closing import close
from app.reviews.service.deciding import Said, decide
from app.reviews.service.following_up import LONGEST_TICKET, Charge, follow_up, tick
from app.reviews.service.launching import LAUNCH, launch, payload_of, run_launch
from app.reviews.service.previewing import Preview, is_large, preview
from app.reviews.service.reassigning import hand_over, reassign
from app.reviews.service.remediation import confirm_item, fail_item, note_gone_by_hand
from app.reviews.service.reminding import remind
from app.reviews.service.sampling import Checked, draw_sample, keep_low_risk
from app.reviews.service.signing_off import sign_off
from app.reviews.service.templates import Shape, save_template

__all__ = [
    "LAUNCH",
    "LONGEST_TICKET",
    "Charge",
    "Checked",
    "Preview",
    "Said",
    "Shape",
    "close",
    "confirm_item",
    "decide",
    "draw_sample",
    "fail_item",
    "follow_up",
    "hand_over",
    "is_large",
    "keep_low_risk",
    "launch",
    "note_gone_by_hand",
    "payload_of",
    "preview",
    "reassign",
    "remind",
    "run_launch",
    "save_template",
    "sign_off",
    "tick",
]
