"""Commands of the directory: sources, runs, and what provisioning read back.

Reading a source is in `syncing.py`; `check_source` and the functions of `trying.py` are the only
ones here that reach out, and they do so between transactions.
"""

from app.directory.logs import forget_actor, forget_old
from app.directory.service.exclusions import exclude_group, lift_exclusion
from app.directory.service.observed import explain_membership, observe_account, observe_membership
from app.directory.service.rules import RULES, set_reading
from app.directory.service.ruling import (
    Foreseen,
    digest_of_rules,
    preview_correlation,
    set_correlation,
)
from app.directory.service.runs import (
    SYNC,
    accept_run,
    payload_of,
    refuse_run,
    request_sync,
    tick,
)
from app.directory.service.sheet import SHEET, apply_accounts, plan_accounts
from app.directory.service.sources import (
    add_source,
    check_source,
    disable_source,
    live_source,
    remove_source,
    set_source,
)
from app.directory.service.ties import (
    link_account,
    separate_account,
    settle_case,
    type_account,
)
from app.directory.service.trying import try_change, try_settings

__all__ = [
    "RULES",
    "SHEET",
    "SYNC",
    "Foreseen",
    "accept_run",
    "add_source",
    "apply_accounts",
    "check_source",
    "digest_of_rules",
    "disable_source",
    "exclude_group",
    "explain_membership",
    "forget_actor",
    "forget_old",
    "lift_exclusion",
    "link_account",
    "live_source",
    "observe_account",
    "observe_membership",
    "payload_of",
    "plan_accounts",
    "preview_correlation",
    "refuse_run",
    "remove_source",
    "request_sync",
    "separate_account",
    "set_correlation",
    "set_reading",
    "set_source",
    "settle_case",
    "tick",
    "try_change",
    "try_settings",
    "type_account",
]
