import hashlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from policies.clauses import (
    DEFAULT_FALLBACK,
    Effects,
    Measure,
    NoResponse,
    PolicySet,
    Role,
    StepSpec,
)
from policies.document import (
    GREATEST_LENGTH,
    builtin_names,
    builtin_text,
    read_policy,
    text_digest,
)
from policies.errors import InvalidPolicyError, UnknownBuiltinError
from policies.examples import run_examples
from policies.facts import Action
from policies.separation import Selector
from unit.policies.builders import PLAIN, STANDARD

STEP = {"step": "manager", "fallback": ["owner"], "quorum": 1}
EFFECTS = {
    "refuse": "No.",
    "require": [{"step": "administrators", "quorum": 2}],
    "max_duration_days": 7,
    "reason_required": True,
    "ticket_required": True,
    "auto_approve": True,
}
FULL: dict[str, Any] = {
    "schema": 1,
    "name": "full",
    "description": "Everything once.",
    "approval": {"flow": [STEP], "step_timeout_hours": 1, "expires_after_days": 2},
    "rules": [
        {"id": "r", "text": "R.", "when": {"fact": "ask.action", "is": "add"}, "then": EFFECTS}
    ],
    "separation": [
        {"id": "s", "text": "S.", "first": [{"id": "a"}], "second": [{"source": "b", "name": "c"}]}
    ],
    "protected": {"also_refuse": ["extend", "add", "remove"]},
    "removal_limits": {"per_plan": 1, "per_source_and_day": 2},
    "leaver": {
        "by_kind": {"okta": "deactivate"},
        "by_source": {"corp": "disable"},
        "clear_sessions": False,
        "remove_memberships": False,
    },
    "review": {
        "reviewer": "owner",
        "fallback": ["administrators"],
        "due_days": 3,
        "grace_hours": 4,
        "no_response": "revoke",
        "reason_required_on_revoke": False,
    },
    "examples": [
        {
            "name": "e",
            "ask": {
                "action": "add",
                "for_self": True,
                "reason": "r",
                "ticket": "t",
                "duration_days": 1,
                "leaves_no_administrator": False,
            },
            "beneficiary": {
                "kind": "service",
                "is_active": True,
                "department": "d",
                "title": "t",
                "is_protected": False,
            },
            "entitlement": {
                "id": "i",
                "name": "n",
                "source": "s",
                "group_kind": "k",
                "risk": "low",
                "is_requestable": True,
                "mastered_by": "m",
                "is_removal_automatic": True,
                "is_protected": False,
                "is_administrative": False,
            },
            "people": {
                "manager": "active",
                "upper_manager": "missing",
                "owner": "inactive",
                "administrators": ["active"],
            },
            "holdings": [{"id": "a", "provenance": "request"}],
            "expect": {
                "outcome": "refuse",
                "steps": [],
                "refused_by": ["r"],
                "max_duration_days": 7,
            },
        }
    ],
}


def changed(path: str, value: object) -> str:
    document = json.loads(json.dumps(FULL))
    place: Any = document
    *above, last = path.split(".")
    for key in above:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(document)


def objects(value: object, path: tuple[str, ...] = ()) -> list[str]:
    """Every place in the full document whose keys are fixed."""
    found = []
    if isinstance(value, dict):
        found.append(".".join(path))
        pairs = [(key, item) for key, item in value.items() if key not in {"by_kind", "by_source"}]
    else:
        pairs = [(str(n), item) for n, item in enumerate(value)] if isinstance(value, list) else []
    for key, item in pairs:
        found += objects(item, (*path, key))
    return [place for place in found if not place.endswith(".when")]


def refusal(text: str) -> dict[str, str]:
    with pytest.raises(InvalidPolicyError) as caught:
        read_policy(text)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_a_full_document_is_read_key_by_key() -> None:
    policy = read_policy(json.dumps(FULL))
    administrators = StepSpec(Role.ADMINISTRATORS, (), 2)
    assert policy.approval.flow == (StepSpec(Role.MANAGER, (Role.OWNER,)),)
    assert (policy.approval.step_timeout_hours, policy.approval.expires_after_days) == (1, 2)
    assert policy.rules[0].effects == Effects("No.", (administrators,), 7, True, True, True)
    assert policy.separation[0].first == (Selector(entitlement_id="a"),)  # type: ignore[arg-type]
    assert policy.separation[0].second == (Selector(source="b", name="c"),)
    assert policy.protection.refused == (Action.REMOVE, Action.ADD, Action.EXTEND)
    assert (policy.removal_limits.per_plan, policy.removal_limits.per_source_and_day) == (1, 2)
    assert policy.leaver.by_kind == {"okta": Measure.DEACTIVATE}
    assert policy.leaver.by_source == {"corp": Measure.DISABLE}
    assert not policy.leaver.is_session_clearing
    assert not policy.leaver.is_membership_removing
    assert policy.review.fallback == (Role.ADMINISTRATORS,)
    assert (policy.review.due_days, policy.review.grace_hours) == (3, 4)
    assert policy.review.no_response is NoResponse.REVOKE
    assert not policy.review.is_reason_required_on_revoke
    assert policy.examples[0].administrators == ("active",)


def test_yaml_and_json_of_the_same_document_say_the_same() -> None:
    of_json, of_yaml = read_policy(json.dumps(FULL)), read_policy(yaml.safe_dump(FULL))
    assert of_json.rules == of_yaml.rules
    assert of_json.examples == of_yaml.examples
    assert of_json.digest != of_yaml.digest


def test_what_a_short_policy_leaves_out_has_safe_defaults() -> None:
    policy = read_policy(PLAIN)
    assert [step.fallback for step in policy.approval.flow] == [
        DEFAULT_FALLBACK[Role.MANAGER],
        DEFAULT_FALLBACK[Role.OWNER],
    ]
    assert policy.protection.refused == (Action.REMOVE,)
    assert policy.removal_limits.per_plan == 50
    assert policy.review.grace_hours == 0
    assert policy.review.no_response is NoResponse.STAYS_OPEN
    assert policy.leaver.is_session_clearing
    assert [*policy.rules, *policy.separation, *policy.examples] == []


def test_the_digest_is_the_sha256_of_the_exact_text() -> None:
    text = PLAIN + "# übrigens\n"
    assert read_policy(text).digest == hashlib.sha256(text.encode()).hexdigest()
    assert read_policy(text).text == text
    assert read_policy(text + " ").digest != read_policy(text).digest


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_digest_of_a_text_is_stable(text: str) -> None:
    assert text_digest(text) == text_digest(text) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("place", objects(FULL))
def test_an_unknown_key_is_refused_by_name_at_every_level(place: str) -> None:
    path = f"{place}.colour" if place else "colour"
    problems = refusal(changed(path, "red"))
    assert problems[path].startswith("unknown key; allowed: ")


@pytest.mark.parametrize("place", [place for place in objects(FULL) if place])
def test_something_else_than_an_object_is_refused_at_every_level(place: str) -> None:
    assert refusal(changed(place, "red"))[place] == "an object with keys is expected"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", 2, "only 1 is known"),
        ("schema", True, "Not a valid integer"),
        ("name", "Full Name", "lower-case letters"),
        ("name", 5, "Not a valid string"),
        ("approval.flow", [], "1 to 10 steps"),
        ("approval.step_timeout_hours", 0, "Must be greater than or equal to 1"),
        ("approval.flow.0.step", "friend", "Must be one of: manager"),
        ("approval.flow.0.fallback", ["manager"], "each role once"),
        ("approval.flow.0.fallback", ["owner", "owner"], "each role once"),
        ("approval.flow.0.quorum", 2, "more than one only for administrators"),
        ("rules.0.then", {}, "a rule must do something"),
        ("rules.0.then", {"auto_approve": False}, "a rule must do something"),
        ("rules.0.then.auto_approve", "yes", "true or false is expected"),
        ("rules.0.then.max_duration_days", 1.5, "Not a valid integer"),
        ("rules.0.when.is", "steal", "one of add, remove, extend"),
        ("separation.0.first", [], "Shorter than minimum length"),
        ("separation.0.first.0", {"id": "a", "name": "b"}, "either id, or source and name"),
        ("separation.0.second.0", {"source": "b"}, "either id, or source and name"),
        ("protected.also_refuse.0", "steal", "Must be one of: add, remove"),
        ("removal_limits.per_plan", -1, "Must be greater than or equal to 0"),
        ("leaver.by_kind.active_directory", "suspend", "active_directory cannot suspend"),
        ("leaver.by_kind.okta", "disable", "allowed: suspend, deactivate"),
        ("review.fallback", ["owner"], "not the reviewer's own"),
        ("examples.0.expect.outcome", "maybe", "Must be one of: allow, refuse"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(path: str, value: object, message: str) -> None:
    assert message in refusal(changed(path, value))[path]


def test_a_rule_id_taken_twice_is_refused_by_name() -> None:
    assert "more than once (or reserved): s" in refusal(changed("rules.0.id", "s"))["rules"]
    assert "reserved): approval" in refusal(changed("rules.0.id", "approval"))["rules"]


def test_every_problem_is_told_at_once() -> None:
    problems = refusal("schema: 1\nname: X\ncolour: red\nrules: [{id: a}, 5]\n")
    assert set(problems) == {
        "name",
        "approval",
        "colour",
        "rules.0.text",
        "rules.0.then",
        "rules.1",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an object with keys is expected"),
        ("- a list", "an object with keys is expected"),
        ("just text", "an object with keys is expected"),
        ("a: [", "not readable as YAML"),
        ("a: 2026-99-99", "not readable as YAML"),
        ("a: \x00", "not readable as YAML"),
        ("a: &x 1", "anchors and aliases"),
        ("a: *x", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [x]", "tags are not allowed"),
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("1: 2", "the key 1 is no text"),
        ("? [a]\n: 2", "is no text"),
        ("<<: {a: 1}", "not readable as YAML"),
        ("a: no", "'no': write true or false"),
        ("a: 010", "'010': write a plain decimal number"),
        ("a: 1:30", "'1:30': write a plain decimal number"),
        ("[" * 41 + "]" * 41, "nested deeper than 40"),
        ('{"a":' + "[" * 100_000, "nested too deeply"),
        ('{"a":', "not readable as JSON"),
        ('{"a": ' + "1" * 5000 + "}", "not readable as JSON"),
        ("# \ud800", "lone surrogate"),
        ("#" * (GREATEST_LENGTH + 1), "longer than"),
    ],
)
def test_a_text_that_is_no_plain_document_is_refused(text: str, message: str) -> None:
    assert message in refusal(text)[""]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _places(value: object, path: str = "") -> list[str]:
    found = [path] if path else []
    pairs: Any = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, item in pairs:
        found += _places(item, f"{path}.{key}" if path else str(key))
    return found


@given(st.sampled_from(_places(FULL)), ANYTHING)
def test_whatever_stands_in_a_field_is_read_or_refused_in_our_words(
    path: str, value: object
) -> None:
    text = changed(path, value)
    for form in (text, yaml.safe_dump(json.loads(text), allow_unicode=True)):
        try:
            run_examples(read_policy(form))
        except InvalidPolicyError as error:
            assert error.problems  # noqa: PT017  # both ends are good ones; no third may come out


@given(st.text(alphabet="{}[]:-&*!?<>|'\"#%@`, \n\taé0\ud800", max_size=40))
def test_whatever_text_is_given_is_refused_in_our_words(text: str) -> None:
    assert refusal(text)


def test_the_longest_text_allowed_is_read() -> None:
    assert read_policy(PLAIN.ljust(GREATEST_LENGTH, "#")).name == "plain"


def test_starter_policies_are_named_and_read() -> None:
    assert "standard" in builtin_names()
    assert builtin_text("standard") == STANDARD.text
    with pytest.raises(UnknownBuiltinError, match="there are: standard"):
        builtin_text("../standard")


@pytest.mark.parametrize("name", builtin_names())
def test_a_starter_policy_is_named_like_its_file(name: str) -> None:
    policy: PolicySet = read_policy(builtin_text(name))
    assert policy.name == name
    assert policy.description
