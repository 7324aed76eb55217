"""What was given and ended, and who left: lines F and G of the checklist."""

from app.audit.evaluating.answers.base import Answer, Answers, State


class ProvisioningAnswers(Answers):
    """What was given and ended, and who left."""

    def _f1(self) -> Answer:
        return self._judged(
            ["out_of_order"],
            f"{self._n('requests', 'request'):,} requests, {self._found.numbers['answers']:,} "
            f"answers, {self._found.numbers['requests.tasks']:,} operations, all in that order.",
            "Out of order",
        )

    def _f2(self) -> Answer:
        state, text = self._judged(
            ["self_approval"],
            "No approver was requester or beneficiary.",
            "Approved by requester or beneficiary",
        )
        again = "the policy and the facts in policy/, which can be computed again"
        if self._told.is_redacted:
            again = "the policy in policy/ and facts that this redacted bundle leaves out"
        return state, f"{text} Who had to answer follows from {again}."

    def _f3(self) -> Answer:
        return self._judged(
            ["other_plan"],
            "Every approval names the digest of the plan that was asked for.",
            "Approved another plan than was asked for",
        )

    def _f4(self) -> Answer:
        appeared = sum(self._found.appeared.values())
        return self._judged(
            ["untraced"],
            f"All {appeared:,} memberships that appeared trace to a decision, a rule or the start.",
            f"Of {appeared:,} memberships that appeared, nobody decided here",
        )

    def _f5(self) -> Answer:
        return self._judged(
            ["ended_late"],
            f"{self._found.numbers['limited']:,} grants for a time; none ended a day late or more.",
            "Not ended a day after its time",
        )

    def _f6(self) -> Answer:
        return (
            State.CANNOT,
            "There is no emergency access in this product; none was given through it.",
        )

    def _g1(self) -> Answer:
        minutes, limit = self._found.minutes, self._told.limit_minutes
        if not self._found.numbers["closings"]:
            return State.ANSWERED, "No leaver's account was due to be closed in this time."
        promised = "no limit is set" if limit is None else f"the limit is {limit:,}"
        took = (
            f"verified closed after least {minutes.least:,}, mean {minutes.mean:,}, most "
            f"{minutes.most:,} minutes"
            if minutes.count
            else "none was verified closed"
        )
        text = f"{self._found.numbers['closings']:,} accounts of leavers; {took}; {promised}."
        if self._found.notes.count("over_limit", "not_closed"):
            where = self._found.notes.where("over_limit", "not_closed")
            return State.EXCEPTION, f"{text} Late or open: {where}."
        return State.ANSWERED, text

    def _g2(self) -> Answer:
        count, digest = self._found.numbers["hr.leaver"], self._found.hr_list.hexdigest()
        compare = (
            "This bundle is redacted: it leaves HR's ids out."
            if self._told.is_redacted
            else f"The SHA-256 of their hr_event_id, each with a line feed, in the order of "
            f"data/leavers.csv, is {digest}: HR computes the same of its list."
        )
        return State.CANNOT, (
            f"{count:,} leavers were told by HR's system. HR's own list was not handed over, so it "
            f"cannot be compared here. {compare}"
        )

    def _g3(self) -> Answer:
        back = self._found.numbers["hr.rehire"]
        if not back:
            return State.ANSWERED, "Nobody came back in this time."
        return State.ANSWERED, (
            f"{back:,} came back. An end that was decided stays; what a source shows again without "
            "a new grant is listed in data/drift.csv."
        )
