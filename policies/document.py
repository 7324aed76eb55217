"""From a text to a policy set: safe reading, a strict shape, a digest of the exact text.

YAML and JSON are both taken. What YAML allows and a rule book must not is refused: anchors and
aliases (one line can stand for gigabytes), tags, keys given twice (the last would win silently),
words and numbers that are not what they look like (`no`, `010`), deep nesting. The starter policies
packaged with this library are read here and nowhere else.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import yaml
from marshmallow import ValidationError
from typing_extensions import override

from policies.clauses import PolicySet
from policies.errors import InvalidPolicyError, Problem, UnknownBuiltinError
from policies.schema import PolicySchema

GREATEST_LENGTH = 256 * 1024
GREATEST_DEPTH = 40

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_BUILTIN = resources.files("policies") / "builtin"


def read_policy(text: str) -> PolicySet:
    """Return the policy set a text stands for.

    Args:
        text: YAML 1.1 or JSON (taken for JSON if it begins with a brace), at most
            `GREATEST_LENGTH` bytes of UTF-8.

    Raises:
        InvalidPolicyError: With every problem found, each with the dotted path of its field.
    """
    digest = text_digest(text)
    document = _parse(text)
    try:
        found = PolicySchema().load(document)
    except ValidationError as error:
        raise InvalidPolicyError(_problems(_messages(error))) from None
    return PolicySet(digest=digest, text=text, **found)


def text_digest(text: str) -> str:
    """Return the SHA-256 of a policy text's UTF-8 bytes, in lower-case hex.

    Args:
        text: The exact text; one more blank makes another digest.

    Raises:
        InvalidPolicyError: It is too long, or no Unicode.
    """
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise _invalid("the text holds a lone surrogate; save it as UTF-8") from None
    if len(encoded) > GREATEST_LENGTH:
        raise _invalid(f"longer than {GREATEST_LENGTH} bytes; split the policy")
    return hashlib.sha256(encoded).hexdigest()


def builtin_names() -> tuple[str, ...]:
    """Return the names of the starter policies, in order."""
    files = (entry.name for entry in _BUILTIN.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def builtin_text(name: str) -> str:
    """Return the exact text of a starter policy.

    Args:
        name: One of `builtin_names()`.

    Raises:
        UnknownBuiltinError: There is none of that name.
    """
    if name not in builtin_names():
        message = f"no starter policy {name!r}; there are: {', '.join(builtin_names())}"
        raise UnknownBuiltinError([Problem("", message)])
    return (_BUILTIN / f"{name}.yaml").read_bytes().decode()


def _parse(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return _parse_json(text)
    try:
        _scan(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  # derives from SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise _invalid(f"not readable as YAML: {' '.join(str(error).split())}") from None
    return document


def _parse_json(text: str) -> Any:
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:  # JSONDecodeError, or a number of thousands of digits
        raise _invalid(f"not readable as JSON: {error}") from None
    except RecursionError:
        raise _invalid("nested too deeply") from None
    return document


def _scan(text: str) -> None:
    """Look at the parse events before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        _refuse_event(event)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > GREATEST_DEPTH:
            raise _invalid(f"nested deeper than {GREATEST_DEPTH}")


def _refuse_event(event: yaml.Event) -> None:
    if getattr(event, "anchor", None) is not None:
        raise _invalid("anchors and aliases are not allowed; write it out")
    if getattr(event, "tag", None) is not None:
        raise _invalid("tags are not allowed; write plain values")


class _Loader(yaml.SafeLoader):
    """Plain values only; a key given twice is refused."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        pairs = node.value  # merge keys (`<<`) are not flattened, and so refused as unknown
        return _unique((self._built(key), self._built(value)) for key, value in pairs)

    def _built(self, node: yaml.Node) -> object:
        return self.construct_object(node, deep=True)

    def plain_flag(self, node: yaml.ScalarNode) -> bool:
        """YAML 1.1 takes `no` for false, and so loses Norway."""
        if node.value not in {"true", "false"}:
            raise _invalid(f"{node.value!r}: write true or false, or put the word in quotes")
        return bool(node.value == "true")

    def plain_number(self, node: yaml.ScalarNode) -> int:
        """YAML 1.1 takes `010` for eight and `1:30` for ninety."""
        if not _DECIMAL.fullmatch(node.value):
            raise _invalid(f"{node.value!r}: write a plain decimal number, or put it in quotes")
        return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader.plain_flag)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.plain_number)


def _unique(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise _invalid(f"the key {key!r} is no text; put it in quotes")
        if key in found:
            raise _invalid(f"the key {key!r} stands twice in one place")
        found[key] = value
    return found


def _messages(error: ValidationError) -> dict[Any, Any]:
    messages = error.messages
    return messages if isinstance(messages, dict) else {"_schema": messages}


def _problems(messages: Mapping[Any, Any], path: tuple[str, ...] = ()) -> list[Problem]:
    """Flatten marshmallow's nested messages; `_schema` stands for the object itself."""
    found: list[Problem] = []
    for key, value in messages.items():
        here = path if key in ("_schema", "") else (*path, str(key))
        if isinstance(value, Mapping):
            found += _problems(value, here)
        else:
            found += [Problem(".".join(here), str(message)) for message in value]
    return found


def _invalid(message: str) -> InvalidPolicyError:
    return InvalidPolicyError([Problem("", message)])
