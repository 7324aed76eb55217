"""What is said of an item, in the reader's language; each phrase is made once for a page."""

from datetime import datetime
from functools import cached_property

from flask_babel import gettext as _
from flask_babel import ngettext

from app.reviews.advice import Code, Reason, Suggestion
from app.reviews.domain import Decision, RemediationState
from app.reviews.worklist import Row
from app.web.words import day

MARKS = {
    Code.CONFLICT: "c",
    Code.UNUSED: "u",
    Code.MOVED: "m",
    Code.ORPHAN: "o",
    Code.DISABLED: "o",
}


class Words:
    """The words of one page."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said: dict[Reason, str] = {}

    def reason(self, reason: Reason) -> str:
        """Say why something is flagged."""
        if reason not in self._said:
            self._said[reason] = _reason(reason)
        return self._said[reason]

    def line(self, row: Row) -> str:
        """Say the most important thing of an item, for its line in the list."""
        if row.is_lost:
            return self._gone
        if row.is_unsure:
            return self._unsure
        if row.advice.reasons:
            return self.reason(row.advice.reasons[0])
        if row.advice.is_low_risk:
            return self._usual
        return self._quiet if row.shown.get("idle_days") is not None else self._unknown

    def suggestion(self, row: Row) -> str:
        """Say what is suggested; nothing, if that is to keep it."""
        return self._suggestions[row.advice.suggestion]

    def risk(self, row: Row) -> str:
        """Name the risk."""
        return self._risks[row.shown["risk"]]

    def result(self, row: Row) -> str:
        """Say what was decided, and what came of it."""
        if row.decision is None:
            return ""
        came = self._remediations[row.remediation]
        return f"{self._decisions[row.decision]}{came}"

    def idle(self, row: Row) -> str:
        """Say how long before the read somebody signed in; empty: not known."""
        days = row.shown.get("idle_days")
        if days is None:
            return ""
        return self._today if days == 0 else self._days_ago % {"num": days}

    def marks(self, row: Row) -> str:
        """Return what the script filters by and offers reasons by, a letter each."""
        found = "a" if row.is_flagged else ""
        found += "h" if row.is_high else ""
        found += "l" if row.is_low_risk else ""
        return found + "".join(MARKS.get(each.code, "") for each in row.advice.reasons)

    @cached_property
    def _gone(self) -> str:
        return str(_("The source no longer shows it"))

    @cached_property
    def _unsure(self) -> str:
        return str(_("You were not sure of it"))

    @cached_property
    def _usual(self) -> str:
        return str(_("Active, common among peers"))

    @cached_property
    def _quiet(self) -> str:
        return str(_("Nothing speaks against it"))

    @cached_property
    def _unknown(self) -> str:
        return str(_("Nothing known against it"))

    @cached_property
    def _today(self) -> str:
        return str(_("Same day"))

    @cached_property
    def _days_ago(self) -> str:
        return str(_("%(num)s d ago"))

    @cached_property
    def _suggestions(self) -> dict[Suggestion, str]:
        return {
            Suggestion.KEEP: "",
            Suggestion.LOOK: str(_("Look closer")),
            Suggestion.REVOKE: str(_("Suggest revoke")),
        }

    @cached_property
    def _risks(self) -> dict[str, str]:
        return {
            "low": str(_("Low")),
            "medium": str(_("Medium")),
            "high": str(_("High")),
            "privileged": str(_("Privileged")),
        }

    @cached_property
    def _decisions(self) -> dict[Decision, str]:
        return {
            Decision.KEEP: str(_("Kept")),
            Decision.REVOKE: str(_("Revoked")),
            Decision.ABSTAIN: str(_("Left open")),
        }

    @cached_property
    def _remediations(self) -> dict[RemediationState, str]:
        return {
            RemediationState.NONE: "",
            RemediationState.PENDING: ", " + str(_("being removed")),
            RemediationState.CONFIRMED: ", " + str(_("gone")),
            RemediationState.FAILED: ", " + str(_("not removed yet")),
            RemediationState.NOT_REMOVABLE: ", " + str(_("not removable")),
        }


def _reason(reason: Reason) -> str:
    about = reason.about
    match reason.code:
        case Code.CONFLICT:
            told = _("Conflict: also has %(other)s", other=about)
        case Code.REACH:
            told = _("Leads to administration: %(way)s", way=about)
        case Code.UNUSED:
            told = ngettext("No sign-in for %(num)s day", "No sign-in for %(num)s days", int(about))
        case Code.MOVED:
            told = _("Kept from previous team: %(team)s", team=about)
        case Code.RARE:
            told = _("Only %(share)s%% of peers have it", share=about)
        case Code.ORPHAN:
            told = _("No person is known behind the account")
        case Code.DISABLED:
            told = _("The account is not in use: it is closed in its source")
        case Code.NEW:
            since = day(datetime.fromisoformat(str(about))).striptags()
            told = _("New since the last review, which began %(day)s", day=since)
        case _:  # the risk that the catalogue gives it
            told = (
                _("Privileged: can do great harm in the wrong hands")
                if about == "privileged"
                else _("High risk: can do harm in the wrong hands")
            )
    return str(told)
