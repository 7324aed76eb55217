"""Reads of the directory: who there is, who has what by which path, now or at a moment.

What a source showed at a moment is known for existence, memberships and nesting, which are kept as
intervals; names and attributes are shown as they are known now. Each read is a constant number of
statements, whatever its size. What is not theirs to see is, for callers, not there.
"""

from app.directory.connecting import connection
from app.directory.queries.access import (
    AccessRow,
    Holding,
    MemberRow,
    Place,
    direct_holdings,
    effective_access,
    open_membership,
    show_access,
    show_members,
)
from app.directory.queries.exclusions import (
    ExclusionRow,
    exclusion_row,
    left_out_groups,
    list_exclusions,
)
from app.directory.queries.groups import (
    GroupRow,
    GroupSurroundings,
    find_group,
    group_row,
    list_groups,
    show_group,
    surroundings,
)
from app.directory.queries.history import (
    Changed,
    Interval,
    changed_since,
    group_history,
    identity_history,
)
from app.directory.queries.people import (
    AccountRow,
    IdentityDetail,
    IdentityRow,
    account_row,
    accounts_of,
    find_identity,
    list_identities,
    name_of,
    show_identity,
)
from app.directory.queries.runs import Change, list_changes
from app.directory.queries.sources import (
    RunLine,
    RunRow,
    SourceLine,
    SourceRow,
    list_sources,
    next_read_of,
    recent_runs,
    run_answer,
    show_run,
    show_source,
    source_lines,
)

__all__ = [
    "AccessRow",
    "AccountRow",
    "Change",
    "Changed",
    "ExclusionRow",
    "GroupRow",
    "GroupSurroundings",
    "Holding",
    "IdentityDetail",
    "IdentityRow",
    "Interval",
    "MemberRow",
    "Place",
    "RunLine",
    "RunRow",
    "SourceLine",
    "SourceRow",
    "account_row",
    "accounts_of",
    "changed_since",
    "connection",
    "direct_holdings",
    "effective_access",
    "exclusion_row",
    "find_group",
    "find_identity",
    "group_history",
    "group_row",
    "identity_history",
    "left_out_groups",
    "list_changes",
    "list_exclusions",
    "list_groups",
    "list_identities",
    "list_sources",
    "name_of",
    "next_read_of",
    "open_membership",
    "recent_runs",
    "run_answer",
    "show_access",
    "show_group",
    "show_identity",
    "show_members",
    "show_run",
    "show_source",
    "source_lines",
    "surroundings",
]
