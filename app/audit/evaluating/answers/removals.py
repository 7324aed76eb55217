"""What became of what was revoked: lines E of the checklist."""

from app.audit.evaluating.answers.base import Answer, Answers, State


class RemovalAnswers(Answers):
    """What became of what was revoked."""

    def _e1(self) -> Answer:
        revoked = sum(n for name, n in self._found.outcomes.items() if name.startswith("revoke."))
        return State.ANSWERED, (
            f"{revoked:,} revokes, {self._n('requests', 'task'):,} operations, each with what was "
            "sent and the raw answer, in data/requests.csv."
        )

    def _e2(self) -> Answer:
        done = self._found.outcomes["revoke.confirmed"]
        if self._found.notes.count("not_read_back"):
            return self._judged(["not_read_back"], "", "Verified without a reading")
        asked = sum(n for name, n in self._found.outcomes.items() if name.startswith("revoke."))
        return (State.ANSWERED if done == asked else State.EXCEPTION), (
            f"{done:,} of {asked:,} removals were read back as gone, with the query used."
        )

    def _e3(self) -> Answer:
        hours = self._found.days
        if not hours.count:
            return State.ANSWERED, "No removal was confirmed, so there is nothing to measure."
        return State.ANSWERED, (
            f"{hours.count:,} removals: at least {hours.least:,}, on average {hours.mean:,}, at "
            f"most {hours.most:,} hours. The policy sets no limit for removals after a review."
        )

    def _e4(self) -> Answer:
        kinds = ("revoke.failed", "revoke.not_removable", "revoke.pending")
        count = self._found.notes.count(*kinds)
        if not count:
            return State.ANSWERED, "Everything revoked is gone."
        failed, never, waiting = (self._found.notes.count(each) for each in kinds)
        why = (
            f"Why is told for {self._found.numbers['removals_explained']:,} (remediation_why); of "
            "the others no reason was kept with the item."
        )
        if self._told.is_redacted:
            why = "This bundle is redacted: it leaves out why."
        return State.EXCEPTION, (
            f"{count:,} not removed ({self._found.notes.where(*kinds)}): {failed:,} failed, "
            f"{never:,} no connector can make, {waiting:,} not confirmed when this was built. "
            f"{why} {self._who_has_it()}"
        )

    def _who_has_it(self) -> str:
        """Say how much of what was not removed has an owner, a ticket and a due date."""
        notes, named = self._found.notes, self._found.numbers["followed_up"]
        what = "Owner and due date" if self._told.is_redacted else "Owner, ticket and due date"
        late = notes.count("follow_up_overdue")
        said = f"{what} are named for {named:,} (columns follow_up_*)"
        if late:
            said += f", {late:,} of them overdue when this was built"
            said += f" ({notes.where('follow_up_overdue')})"
        elif named:
            said += ", none of them overdue when this was built"
        lacking = notes.count("nobody_follows_up")
        if not lacking:
            return f"{said}."
        return (
            f"{said}; for {lacking:,} nobody said who has it ({notes.where('nobody_follows_up')})."
        )

    def _e5(self) -> Answer:
        return self._judged(["returned"], "Nothing came back so far.", "Came back")

    def _e6(self) -> Answer:
        return self._judged(
            ["kept_but_gone"],
            "Nothing that was kept has ended since without a decision.",
            "Kept, and gone since without a decision here",
        )

    def _e7(self) -> Answer:
        return State.CANNOT, (
            "Sources tell when an account signed in, not which access it used; that needs the "
            "systems' own logs."
        )
