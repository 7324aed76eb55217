"""Who reviewed, and how they decided: lines C and D of the checklist."""

from typing import Final

from app.audit.evaluating.answers.base import Answer, Answers, State

SAME_REASON_PERCENT: Final = 50


class ReviewingAnswers(Answers):
    """Who reviewed, and how they decided."""

    def _c1(self) -> Answer:
        relations = ", ".join(
            f"{name} {count:,}" for name, count in sorted(self._found.relations.items())
        )
        return State.ANSWERED, (
            f"{len(self._found.reviewers):,} reviewers; why each was asked is frozen with the "
            f"item: {relations}."
        )

    def _c2(self) -> Answer:
        state, text = self._judged(
            ["self_review", "self_approval"],
            "Nobody decided on their own access, neither in reviews nor on requests.",
            "Decided on their own access",
        )
        owned = self._found.relations["owner"]
        if owned:
            text += (
                f" {owned:,} items were put to the owner of the group, who may also approve such "
                "access (relationship owner in data/population.csv)."
            )
        return state, text

    def _c3(self) -> Answer:
        stood = self._found.numbers["stand_ins"]
        other = self._found.notes.count("not_the_reviewer")
        if not stood and not other:
            return State.ANSWERED, "Nobody stood in for anybody."
        outside = self._found.notes.count("stood_outside")
        within = (
            f"{outside:,} of them outside of every delegation "
            f"({self._found.notes.where('stood_outside')})"
            if outside
            else "each inside the validity of a delegation (rows delegation of data/requests.csv, "
            f"with reason: {self._found.stand_ins.count:,})"
        )
        answers = f"{stood:,}, {within}" if stood else "0"
        return (State.EXCEPTION if outside else State.ANSWERED), (
            f"Answers to requests given by a stand-in: {answers}. Decisions by another than "
            f"today's reviewer of the item, who had it before it was passed on: {other:,}; why "
            "stands in the entries item.reassigned. A delegation is for every answer of its "
            "delegator: it has no narrower scope."
        )

    def _c4(self) -> Answer:
        return State.CANNOT, (
            "Each decision names a person, never the system; sign-ins stand in the ledger "
            "(session.begun, with how). In which session a decision was made is not recorded."
        )

    def _c5(self) -> Answer:
        return self._judged(
            ["had_left"], "Nobody whom HR had named a leaver by then decided.", "Had left by then"
        )

    def _d1(self) -> Answer:
        items = self._n("population", "item")
        unanswered = self._found.notes.count("unanswered")
        if unanswered:
            return State.EXCEPTION, (
                f"{items - unanswered:,} of {items:,} have one; {unanswered:,} were not answered "
                f"and stay as they are: silence keeps nothing as decided "
                f"({self._found.notes.where('unanswered')})."
            )
        return State.ANSWERED, f"All {items:,} items have one."

    def _d2(self) -> Answer:
        due = self._scope.get("due_at", "")
        return self._judged(
            ["late"], f"All were made before {due[:16].replace('T', ' ')} UTC.", "Made later"
        )

    def _d3(self) -> Answer:
        reasons, given = self._found.reasons, sum(self._found.reasons.values())
        if self._found.notes.count("no_reason"):
            return self._judged(["no_reason"], "", "Revoked without a reason")
        if not given:
            return State.ANSWERED, "No reason was given; none was required."
        text, most = max(reasons.items(), key=lambda each: (each[1], each[0]))
        share = 100 * most // given
        is_same = share > SAME_REASON_PERCENT and given > SAME_REASON_PERCENT
        return (State.EXCEPTION if is_same else State.ANSWERED), (
            f"{given:,} reasons, {len(reasons):,} different; the most frequent, of {len(text)} "
            f"letters, makes {share} %."
        )

    def _d4(self) -> Answer:
        return State.ANSWERED, (
            f"{self._found.numbers['changes_of_mind']:,} changes of mind stand beside the "
            f"{self._n('decisions', 'decision'):,} moves in data/decisions.csv (column turn)."
        )

    def _d5(self) -> Answer:
        numbers, dwell = self._found.numbers, self._found.dwell
        looked = (
            f"Dwell time in milliseconds: least {dwell.least:,}, mean {dwell.mean:,}, most "
            f"{dwell.most:,}; not known for {numbers['dwell_unknown']:,}."
            if dwell.count
            else "How long anybody looked is not known of any."
        )
        return State.ANSWERED, (
            f"In calls of several: {numbers['in_bulk']:,} of {self._n('decisions', 'decision'):,}. "
            f"Looked at for less than two seconds each, without a sample before: "
            f"{numbers['quick']:,}. {looked}"
        )

    def _d6(self) -> Answer:
        numbers = self._found.numbers
        return State.ANSWERED, (
            f"Followed in {numbers['advice_followed']:,} of {numbers['advised']:,} decided items; "
            f"kept against the advice to revoke: "
            f"{self._found.notes.count('kept_against_advice'):,}."
        )

    def _d7(self) -> Answer:
        signed, asked = self._found.numbers["sign_offs"], len(self._found.reviewers)
        closed = self._scope.get("closed_by")
        end = f"closed by {closed}" if closed else "not closed yet"
        state = State.ANSWERED if closed and signed >= asked else State.EXCEPTION
        return state, (
            f"{signed:,} of {asked:,} reviewers signed off; the campaign is {end}. The first page "
            "has room for management's own word."
        )
