"""Of what, from whom, when: lines A of the checklist."""

from app.audit.evaluating import at
from app.audit.evaluating.answers.base import Answer, Answers, State


class IdentificationAnswers(Answers):
    """Of what, from whom, when."""

    def _a1(self) -> Answer:
        scope = self._scope
        systems = ", ".join(scope.get("systems", ())) or "none was read in it"
        policies = scope.get("policies", ())
        named = ", ".join(f"{each['name']} {each['digest'][:12]}" for each in policies) or "none"
        is_whole = bool(policies and scope.get("tool") and scope.get("owner"))
        return (State.ANSWERED if is_whole else State.CANNOT), (
            f"On the first page: systems {systems}; policies in force {named}; "
            f"{scope.get('tool', 'tool not named')}; asked for by {scope.get('owner', 'unknown')}. "
            "How often the control is performed is promised nowhere here: compare with yours."
        )

    def _a2(self) -> Answer:
        if not self._scope.get("clock") or self._told.start > self._told.end:
            return State.EXCEPTION, "No clock is named, or the period ends before it begins."
        return State.ANSWERED, (
            f"{self._told.start:%Y-%m-%dT%H:%M:%SZ} up to, not including, "
            f"{self._told.end:%Y-%m-%dT%H:%M:%SZ}. Every time ends in Z and comes from the clock "
            "of the server."
        )

    def _a3(self) -> Answer:
        previous = self._scope.get("previous")
        if previous is None:
            return State.CANNOT, (
                "No campaign of this template was held before it, so there is no gap to measure."
            )
        gap = self._told.start - at(previous["launched_at"])
        return State.ANSWERED, (
            f"{gap.days} days after the previous campaign of the same template "
            f"({previous['campaign']}). No cadence is promised in the policy; compare with yours."
        )
