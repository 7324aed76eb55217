"""Every error code of the API: its status, what it means, and the way out.

The page `/api/docs/errors` and `docs/reference/errors.md` are both written from this table; tests
hold it complete and the file in step.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """One error code.

    Attributes:
        code: The last part of the problem's `type`.
        status: The HTTP status.
        means: What happened.
        way_out: What to do.
    """

    code: str
    status: int
    means: str
    way_out: str


MEANINGS = (
    Meaning(
        "malformed",
        400,
        "The body is not JSON as this service reads it: not UTF-8, cut off, nested more than 32 "
        "levels deep, or with a name given twice.",
        "Correct the body; `detail` says where.",
    ),
    Meaning(
        "not_signed_in",
        401,
        "No token, or one that is unknown, revoked or expired, or whose person left.",
        "Send `Authorization: Bearer TOKEN`; an administrator makes tokens.",
    ),
    Meaning(
        "not_fresh",
        401,
        "A person's sign-in is more than ten minutes old, and much depends on what is asked. "
        "Pages only: tokens are not asked.",
        "Sign in once more; the page leads there and back.",
    ),
    Meaning(
        "not_permitted",
        403,
        "You are known, and may not do this; approving one's own request is never permitted.",
        "`detail` names the roles that may.",
    ),
    Meaning(
        "policy_refused",
        403,
        "A rule of the policy in force says no; `verdict` holds the rule and its reasons.",
        "Change what you ask for as the reasons say, or ask for an exception.",
    ),
    Meaning(
        "not_found",
        404,
        "It is not there, or not yours to see; the two are not told apart.",
        "Check the id.",
    ),
    Meaning(
        "method_not_allowed",
        405,
        "This path does not know the method.",
        "Use one of those in the `Allow` header.",
    ),
    Meaning(
        "conflict",
        409,
        "It moved on since you looked: another version, another state, or an `Idempotency-Key` "
        "that was used for another call.",
        "Look again (`current` may say what is so now), and decide again.",
    ),
    Meaning(
        "nothing_to_change",
        409,
        "The write would change nothing, so nothing was recorded.",
        "Nothing to do: it is so already.",
    ),
    Meaning("too_large", 413, "The body is larger than 1 MiB.", "Send less at once."),
    Meaning(
        "unsupported_media_type",
        415,
        "The body is not declared as JSON.",
        "Send `Content-Type: application/json`.",
    ),
    Meaning(
        "wrong_host",
        421,
        "The call came for another host name than this instance's.",
        "Use the address in `ATTESTRY_BASE_URL`, or correct that setting.",
    ),
    Meaning(
        "invalid_input",
        422,
        "A field is missing, unknown, of the wrong type or outside its limits.",
        "`errors` lists every field at once, each with what to write instead.",
    ),
    Meaning(
        "too_many_requests",
        429,
        "Too many calls in too little time.",
        "Wait as many seconds as `Retry-After` says.",
    ),
    Meaning(
        "internal",
        500,
        "The fault is ours. Nothing was changed.",
        "Give the `request_id` to your operator: the log tells the rest.",
    ),
    Meaning(
        "unrecorded_change",
        500,
        "A change would have left no record, so it was not made; outside it is told as `internal`.",
        "Give the `request_id` to your operator, who reports it as a defect.",
    ),
    Meaning(
        "connector_error",
        502,
        "A source did not do what was asked.",
        "`detail` says what the source answered.",
    ),
    Meaning(
        "denied",
        502,
        "The source knows this service and says no: a right is missing.",
        "Run `attestry source check NAME`: it names the missing right.",
    ),
    Meaning(
        "target_missing",
        502,
        "The account or group to be changed is not in the source any more.",
        "Sync the source and look again.",
    ),
    Meaning(
        "target_conflict",
        502,
        "The target is in a state in which the change cannot be made.",
        "Look at the target in its source; `detail` says what stands in the way.",
    ),
    Meaning(
        "misconfigured",
        502,
        "The settings of the source are wrong.",
        "Run `attestry source check NAME`, then `attestry source set`.",
    ),
    Meaning(
        "unsupported",
        502,
        "This source cannot do that at all, such as changing a group mastered elsewhere.",
        "Make the change where the group is mastered.",
    ),
    Meaning(
        "cursor_refused",
        502,
        "The source cannot tell what changed since the last read.",
        "Nothing: it is read whole instead.",
    ),
    Meaning(
        "incomplete_read",
        502,
        "A list broke off before its end, so nothing was concluded from it.",
        "Sync again; if it stays so, run `attestry source check NAME`.",
    ),
    Meaning(
        "unavailable",
        503,
        "The source is away, slow, or asks us to wait.",
        "Try the same call later, after `Retry-After` if it is given.",
    ),
)


def as_markdown() -> str:
    """Return the reference page `docs/reference/errors.md`."""
    lines = [
        "# Errors",
        "",
        "Every refusal of the API is an `application/problem+json` document (RFC 9457) with",
        "`type`, `title`, `status`, `detail`, `code` and `request_id`. The code is stable; the",
        "sentences are for people and may get better.",
        "",
        "| code | status | means | the way out |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{m.code}` | {m.status} | {m.means} | {m.way_out} |" for m in MEANINGS]
    return "\n".join(lines) + "\n"
