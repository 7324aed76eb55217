"""Why the bundle can be believed: lines H of the checklist."""

from app.audit.evaluating.answers.base import Answer, Answers, State


class CustodyAnswers(Answers):
    """Why the bundle can be believed."""

    def _h1(self) -> Answer:
        return State.ANSWERED, (
            "Checked by python -m evidence verify (report signature); the chain is in trust/."
        )

    def _h2(self) -> Answer:
        return State.ANSWERED, "Checked by python -m evidence verify (files)."

    def _h3(self) -> Answer:
        outside = self._outside()
        grown = (
            "log/consistency proves it against the checkpoint of the bundle before; hold that "
            "one against the bundle you were given then."
        )
        if not self._has_earlier:
            grown = "This is the instance's first bundle: there is no earlier checkpoint in it."
        if not outside:
            return State.CANNOT, (
                f"{grown} No witness cosigned a head and none was sent outside: of a log whose "
                "head only its operator holds, nothing else shows that it was not rewritten before."
            )
        return State.ANSWERED, f"{grown} {outside}"

    def _outside(self) -> str:
        """Say where heads went that the operator cannot take back; empty: nowhere."""
        published = self._scope.get("published") or {"witnesses": [], "sent": {"days": 0}}
        said = [
            f"Witness {each['name']} cosigned up to entry {each['size']:,}."
            for each in published["witnesses"]
        ]
        sent = published["sent"]
        if sent["days"]:
            said.append(
                f"Heads of {sent['days']:,} days were sent to {sent['addresses']:,} addresses "
                f"outside, the last on {sent['last']} with {sent['size']:,} entries: ask there."
            )
        return " ".join(said)

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
