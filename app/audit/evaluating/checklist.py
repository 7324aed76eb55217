"""What an external auditor checks on a bundle, line by line, answered from the bundle alone.

A line is answered, or an exception, or does not concern this kind of bundle, or cannot be answered
from our records; then it says why. No line is left out, and none is answered by a promise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.audit.evaluating import Evaluation, at

HOURS: Final = 24
SAME_REASON_PERCENT: Final = 50


class State(StrEnum):
    """What became of a line."""

    ANSWERED = "answered"
    EXCEPTION = "exception"
    NOT_CONCERNED = "not concerned"
    CANNOT = "cannot be answered"


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its answer.

    Attributes:
        id: Such as `B2`.
        asks: What it asks.
        state: What became of it.
        answer: The answer, or why there is none.
    """

    id: str
    asks: str
    state: State
    answer: str


Answer = tuple[State, str]
GROUPS: Final = {
    "A": "Identification",
    "B": "Population: completeness and accuracy",
    "C": "Reviewers",
    "D": "Decisions",
    "E": "Removals",
    "F": "Provisioning",
    "G": "Leavers",
    "H": "Integrity and custody",
}
ASKS: Final = {
    "A1": "Controls, frequency, period, owner, systems, tool and policy versions are named",
    "A2": "Times are UTC with their offset; the clock is stated; the period is unambiguous",
    "A3": "The review began within its cadence; the gap in days",
    "B1": "Each source: server, account, exact query, run, begin, end, result",
    "B2": "Reported by the source = stored = in scope + left out",
    "B3": "Everything left out is listed, with rule and reason",
    "B4": "No group is passed over silently; an incomplete read feeds nothing",
    "B5": "The snapshot was read shortly before launch",
    "B6": "The population's digest is in the signed manifest",
    "B7": "Nested access is expanded, with its path",
    "B8": "Service, privileged and inactive accounts are present and typed",
    "B9": "Joined with HR: leavers still active, accounts of nobody",
    "B10": "Roll-forward: previous closing + grants - removals +/- drift = this opening",
    "B11": "Reviewers saw what a group means",
    "C1": "Each item has a named reviewer, with the relation at that time",
    "C2": "Nobody reviewed or approved themselves",
    "C3": "Stand-ins: who for whom, with validity and reason",
    "C4": "Who decided was authenticated; how is recorded",
    "C5": "Nobody decided who had left by then",
    "D1": "Every item has an outcome; the unanswered stand apart",
    "D2": "Decisions lie within the window; late ones are marked",
    "D3": "Reasons are there where required, and not all the same",
    "D4": "Changes of mind are kept",
    "D5": "Bulk and dwell time are recorded; signs of rubber-stamping are disclosed",
    "D6": "The system's advice, and whether it was followed",
    "D7": "Final sign-off; management acknowledges",
    "E1": "Every revoke has a plan, who carried it out, when, and the raw result",
    "E2": "Read back: the membership was absent, by a query of its own",
    "E3": "Days from decision to verified removal",
    "E4": "What was not removed: why, and who has it now",
    "E5": "What came back after it was removed",
    "E6": "Nothing that was kept was removed",
    "E7": "Was revoked access used after it should have ended",
    "F1": "Request before approval before change",
    "F2": "The approver was authorised, and is neither requester nor beneficiary",
    "F3": "What was given is what was approved",
    "F4": "Every membership added traces to a decision; the others are exceptions",
    "F5": "Access for a time ended on time",
    "F6": "Emergency access was looked at afterwards",
    "G1": "Leavers: received, effective, closed and verified per system; minutes against the limit",
    "G2": "The list of leavers is HR's list",
    "G3": "Who came back got no old access back",
    "H1": "The PDF's signature covers the whole file; chain and validity",
    "H2": "The manifest's digests match every file, and there is no other",
    "H3": "The log only grew since the checkpoint before",
    "H4": "The time-stamp verifies",
    "H5": "Numbers in the PDF are those of the data files",
    "H6": "The same data gives the same bytes",
    "H7": "Downloads are logged; a later bundle names the one it replaces, and why",
    "H8": "An altered, missing or moved row or file is detected and named",
    "H9": "A reader on paper can match PDF and data",
}
REVIEW_ONLY: Final = frozenset(
    {"A3", "B3", "B5", "B6", "B11", "C1", "C5", "D1", "D2", "D3", "D4", "D5", "D6", "D7"}
    | {"E1", "E2", "E3", "E4", "E5", "E6", "E7"}
)
PERIOD_ONLY: Final = frozenset({"B10", "F1", "F2", "F3", "F4", "F5", "F6", "G1", "G2", "G3"})
HIDDEN: Final = frozenset({"B1", "B2", "B7", "B11", "D3", "D6", "E1", "E2"})
NEEDS: Final[Mapping[str, str]] = {  # the data file without which a line has nothing to rest on
    **dict.fromkeys(("B7", "B8", "B10", "F4"), "population"),
    **dict.fromkeys(("F1", "F2", "F3", "F5"), "requests"),
    **dict.fromkeys(("G1", "G2", "G3"), "leavers"),
}


def checklist(found: Evaluation, *, has_earlier: bool) -> Sequence[Line]:
    """Answer every line.

    Args:
        found: What the data files say.
        has_earlier: Whether the bundle holds a proof against an earlier checkpoint.
    """
    answers = _Answers(found, has_earlier=has_earlier)
    return [Line(name, asks, *answers.to(name)) for name, asks in ASKS.items()]


class _Answers:
    def __init__(self, found: Evaluation, *, has_earlier: bool) -> None:
        self._found, self._told, self._scope = found, found.told, found.told.scope
        self._has_earlier = has_earlier

    def to(self, name: str) -> Answer:
        """Answer one line."""
        kind = self._told.kind
        if name in REVIEW_ONLY and kind != "campaign" and not self._has_reviews(name):
            return State.NOT_CONCERNED, "A bundle of a campaign answers this."
        if name in PERIOD_ONLY and kind == "campaign":
            return State.NOT_CONCERNED, "A bundle of a period answers this."
        if NEEDS.get(name) in self._silent():
            return State.NOT_CONCERNED, "This bundle leaves that data file empty by its scope."
        if self._told.is_redacted and name in HIDDEN:
            return State.CANNOT, "This bundle is redacted: it leaves out what would answer this."
        method: Callable[[], Answer] = getattr(self, f"_{name.lower()}")
        return method()

    def _has_reviews(self, name: str) -> bool:
        return name[0] in "CDE" and self._n("decisions", "decision") > 0 and name in {"D4", "D5"}

    def _silent(self) -> frozenset[str]:
        if self._scope.get("about") == "leavers":
            return frozenset({"population", "requests"})
        if "files" in self._scope:
            return frozenset({"population", "requests", "leavers"} - set(self._scope["files"]))
        return frozenset()

    def _n(self, name: str, what: str) -> int:
        return self._found.of(name, what)

    def _judged(self, kinds: Sequence[str], good: str, bad: str) -> Answer:
        """An exception if any such row was noted, told with its rows."""
        notes = self._found.notes
        count = notes.count(*kinds)
        if not count:
            return State.ANSWERED, good
        return State.EXCEPTION, f"{bad}: {count:,} ({notes.where(*kinds)})."

    # --- A ---------------------------------------------------------------------------------

    def _a1(self) -> Answer:
        scope = self._scope
        systems = ", ".join(scope.get("systems", ())) or "none was read in it"
        policies = scope.get("policies", ())
        named = ", ".join(f"{each['name']} {each['digest'][:12]}" for each in policies) or "none"
        return State.ANSWERED, (
            f"On the first page: systems {systems}; policies in force {named}; "
            f"{scope.get('tool', 'tool not named')}; asked for by {scope.get('owner', 'unknown')}."
        )

    def _a2(self) -> Answer:
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

    # --- B ---------------------------------------------------------------------------------

    def _b1(self) -> Answer:
        runs = self._n("sources", "run")
        if not runs:
            return State.CANNOT, "No source was read in this time."
        return State.ANSWERED, f"{runs:,} reads, each with all of that, in data/sources.jsonl."

    def _b2(self) -> Answer:
        if self._found.notes.count("counts_differ"):
            return self._judged(["counts_differ"], "", "Reads that got less than was reported")
        read = [each for each in self._found.sources.values() if each.last is not None]
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

    def _narrow(self) -> Mapping[str, Any]:
        template: Mapping[str, Any] = self._scope.get("template_scope", {})
        return {key: value for key, value in template.items() if value}

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

    # --- C, D ------------------------------------------------------------------------------

    def _c1(self) -> Answer:
        relations = ", ".join(
            f"{name} {count:,}" for name, count in sorted(self._found.relations.items())
        )
        return State.ANSWERED, (
            f"{len(self._found.reviewers):,} reviewers; why each was asked is frozen with the "
            f"item: {relations}."
        )

    def _c2(self) -> Answer:
        return self._judged(
            ["self_review", "self_approval"],
            "Nobody decided on their own access, neither in reviews nor on requests.",
            "Decided on their own access",
        )

    def _c3(self) -> Answer:
        stood = self._found.numbers["stand_ins"]
        other = self._found.notes.count("not_the_reviewer")
        if not stood and not other:
            return State.ANSWERED, "Nobody stood in for anybody."
        return State.ANSWERED, (
            f"Answers to requests given by a stand-in: {stood:,}. Decisions by another than "
            f"today's reviewer of the item, who had it before it was passed on: {other:,}. "
            "Validity and reason stand in the entries delegation.made and item.reassigned."
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
        return State.ANSWERED, (
            f"In calls of several: {numbers['in_bulk']:,} of {self._n('decisions', 'decision'):,}. "
            f"Looked at for less than two seconds each, without a sample before: "
            f"{numbers['quick']:,}. Dwell time in milliseconds: least {dwell.least:,}, mean "
            f"{dwell.mean:,}, most {dwell.most:,}; not known for {numbers['dwell_unknown']:,}."
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

    # --- E ---------------------------------------------------------------------------------

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
        return State.ANSWERED, f"{done:,} removals were read back as gone, with the query used."

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
        return State.EXCEPTION, (
            f"{count:,} not removed ({self._found.notes.where(*kinds)}); why stands in "
            "remediation_why. Tickets, owners and due dates are not recorded here: management's "
            "response has room for them."
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

    # --- F, G ------------------------------------------------------------------------------

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
        return state, (
            f"{text} Who had to answer follows from the policy and the facts in policy/, which can "
            "be computed again."
        )

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
        text = (
            f"{self._found.numbers['closings']:,} accounts of leavers; verified closed after least "
            f"{minutes.least:,}, mean {minutes.mean:,}, most {minutes.most:,} minutes; {promised}."
        )
        if self._found.notes.count("over_limit", "not_closed"):
            where = self._found.notes.where("over_limit", "not_closed")
            return State.EXCEPTION, f"{text} Late or open: {where}."
        return State.ANSWERED, text

    def _g2(self) -> Answer:
        count = self._found.numbers["hr.leaver"]
        return State.CANNOT, (
            f"{count:,} leavers were told by HR's system. HR's own list was not handed over, so it "
            "cannot be compared here: compare it with hr_event_id in data/leavers.csv."
        )

    def _g3(self) -> Answer:
        back = self._found.numbers["hr.rehire"]
        if not back:
            return State.ANSWERED, "Nobody came back in this time."
        return State.ANSWERED, (
            f"{back:,} came back. An end that was decided stays; what a source shows again without "
            "a new grant is listed in data/drift.csv."
        )

    # --- H ---------------------------------------------------------------------------------

    def _h1(self) -> Answer:
        return State.ANSWERED, (
            "Checked by python -m evidence verify (report signature); the chain is in trust/."
        )

    def _h2(self) -> Answer:
        return State.ANSWERED, "Checked by python -m evidence verify (files)."

    def _h3(self) -> Answer:
        if self._has_earlier:
            return State.ANSWERED, (
                "log/consistency proves it against the checkpoint of the bundle before; hold that "
                "one against the bundle you were given then."
            )
        return State.CANNOT, "This is the instance's first bundle: there is no earlier checkpoint."

    def _h4(self) -> Answer:
        authority = self._scope.get("time_stamp", "none")
        if authority.startswith("none"):
            return State.CANNOT, f"Time-stamping authority: {authority}."
        lasts = ""
        if self._scope.get("signature_level") == "B-LTA":
            lasts = " Revocation lists and a document time-stamp make the signature last (B-LTA)."
        return State.ANSWERED, (
            f"Time-stamped by {authority}; checked by python -m evidence verify.{lasts}"
        )

    def _h5(self) -> Answer:
        return State.ANSWERED, "The report is drawn from the data files, and from nothing else."

    def _h6(self) -> Answer:
        return State.ANSWERED, (
            "Data files, policies, the OSCAL document and the unsigned PDF follow from the data, "
            "the bundle's id and its time."
        )

    def _h7(self) -> Answer:
        replaced = self._scope.get("supersedes")
        text = "Each download is an entry bundle.downloaded in the ledger. "
        if replaced:
            return State.ANSWERED, f"{text}Replaces {replaced['bundle']}: {replaced['why']}"
        return State.ANSWERED, f"{text}No bundle of this scope came before."

    def _h8(self) -> Answer:
        return State.ANSWERED, "Checked by python -m evidence verify (rows), which names the row."

    def _h9(self) -> Answer:
        return State.ANSWERED, (
            "Row n of a register is record n of its file; each page says which rows it shows."
        )
