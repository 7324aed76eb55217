"""Whether the population is whole and right: lines B of the checklist."""

from collections.abc import Mapping
from typing import Any, Final

from app.audit.evaluating import at
from app.audit.evaluating.answers.base import Answer, Answers, State

HOURS: Final = 24


class PopulationAnswers(Answers):
    """Whether the population is whole and right."""

    def _b1(self) -> Answer:
        runs = self._n("sources", "run")
        if not runs:
            return State.CANNOT, "No source was read in this time."
        return State.ANSWERED, f"{runs:,} reads, each with all of that, in data/sources.jsonl."

    def _b2(self) -> Answer:
        if self._found.notes.count("counts_differ"):
            return self._judged(["counts_differ"], "", "Reads that got less than was reported")
        named = sorted(self._found.sources.items())
        read = [each for _name, each in named if each.last is not None]
        if not read:
            return State.CANNOT, "No complete read belongs to this bundle."
        if self._told.kind != "campaign":
            return State.ANSWERED, "Each complete read got as many objects as its source reported."
        parts, is_whole_ = [], True
        for each in read:
            stored = (each.last or {})["counts"].get("memberships", 0)
            inside, outside = self._found.in_scope[each.name], self._found.left_out[each.name]
            beyond = stored - inside - outside
            is_whole_ = is_whole_ and beyond >= 0 and (bool(self._narrow()) or beyond == 0)
            parts.append(
                f"{each.name}: {stored:,} stored = {inside:,} in scope + {outside:,} left out + "
                f"{beyond:,} outside the template's scope"
            )
        state = State.ANSWERED if is_whole_ else State.EXCEPTION
        return state, "; ".join(parts) + "."

    def _b3(self) -> Answer:
        if not self._found.rules:
            return State.ANSWERED, "Nothing was left out."
        rules = "; ".join(
            f"{rule}: {count:,}" for (rule, _why), count in sorted(self._found.rules.items())
        )
        return State.ANSWERED, (
            f"{rules}. Rule and reason stand in data/excluded.csv; the rules are the product's "
            "own, so no person approves them one by one."
        )

    def _b4(self) -> Answer:
        broken = self._found.notes.count("broken_read")
        if self._told.kind == "campaign":
            if broken:
                return self._judged(["broken_read"], "", "Incomplete reads in the snapshot")
            return (
                State.ANSWERED,
                "Only complete reads are in the snapshot; a launch takes no other.",
            )
        said = f"{broken:,} reads broke off" if broken else "No read broke off"
        return State.ANSWERED, f"{said}; one that did ends nothing and feeds nothing."

    def _b5(self) -> Answer:
        begun = [each["begun_at"] for each in self._scope["snapshot"] if "begun_at" in each]
        if not begun:
            return State.CANNOT, "The snapshot names no read."
        hours = (self._told.start - at(min(begun))).total_seconds() / 3600
        text = f"The oldest read of the snapshot began {hours:.1f} hours before launch."
        return (State.ANSWERED if hours <= HOURS else State.EXCEPTION), text

    def _b6(self) -> Answer:
        digest = self._scope.get("population_sha256")
        if not digest:
            return State.CANNOT, "This campaign was launched before digests were kept."
        return State.ANSWERED, f"{digest}, in the manifest and in the entry of the launch."

    def _b7(self) -> Answer:
        if self._told.kind == "campaign":
            further = self._found.numbers["leads_further"]
            return State.ANSWERED, (
                f"{further:,} items are of groups that lead into others; where to is frozen in each"
                "."
            )
        nested = self._n("population", "nesting")
        return State.ANSWERED, (
            f"Memberships are told where they are direct; {nested:,} nestings say which group "
            "stands in which, so that every path can be followed."
        )

    def _b8(self) -> Answer:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in sorted(self._found.kinds.items()))
        numbers = self._found.numbers
        text = (
            f"By kind of account: {kinds or 'none'}; in administrative groups: "
            f"{numbers['privileged']:,}."
        )
        if self._told.kind != "campaign":
            text += (
                f" Not signed in for 90 days: {numbers['idle']:,}; not known, because the source "
                f"does not tell: {numbers['sign_in_unknown']:,}."
            )
        return State.ANSWERED, text + " Whether an account is a vendor's is told by no source."

    def _b9(self) -> Answer:
        orphans = self._found.notes.count("orphans")
        text = f"Memberships of accounts that belong to nobody known: {orphans:,}."
        open_ = self._found.notes.count("not_closed")
        if self._n("leavers", "event"):
            text += f" Accounts of leavers not closed: {open_:,}."
        state = State.EXCEPTION if orphans or open_ else State.ANSWERED
        return state, f"{text} {self._found.notes.where('orphans', 'not_closed')}".rstrip()

    def _b10(self) -> Answer:
        numbers = self._found.numbers
        previous = self._scope.get("previous")
        if previous is None:
            return State.CANNOT, "No earlier bundle of a period ends where this one begins."
        state = State.ANSWERED if previous["closing"] == numbers["opening"] else State.EXCEPTION
        return state, (
            f"Bundle {previous['bundle']} closed with {previous['closing']:,}; this one opens with "
            f"{numbers['opening']:,} + {sum(self._found.appeared.values()):,} - "
            f"{sum(self._found.gone.values()):,} = {numbers['closing']:,}."
        )

    def _b11(self) -> Answer:
        return self._judged(
            ["undescribed"], "Every item showed a description of its group.", "Without description"
        )

    def _narrow(self) -> Mapping[str, Any]:
        template: Mapping[str, Any] = self._scope.get("template_scope", {})
        return {key: value for key, value in template.items() if value}
