"""What somebody typed: kept, checked by a schema, and given back with each error at its field."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing
from typing_extensions import override

from app.kernel.errors import (
    AttestryError,
    ConflictError,
    FieldError,
    InvalidInputError,
    PolicyRefusedError,
)
from app.web import bodies
from app.web.flatten import flatten
from app.web.saying import say

CSRF = "csrf"
ONCE = "once"
OWN = frozenset({CSRF, ONCE})
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class Form:
    """The fields of a form as they were sent, and what is wrong with them.

    Attributes:
        values: Every field, with all its values, as typed.
        errors: Field to sentence.
        error: What is wrong with the whole, or None.
        status: What the page is answered with.
        verdict: Of the policy that refused, or None.
        current: What is so now, if it moved on since the form was opened.
        is_kept: It was kept over a sign-in and has not been sent yet.
        found: What was found out before it was refused, for its page.
    """

    def __init__(self, values: Mapping[str, Sequence[str]], *, is_kept: bool = False) -> None:
        """Take what was typed."""
        self.values = {name: list(each) for name, each in values.items() if name not in OWN}
        self.errors: dict[str, str] = {}
        self.error: str | None = None
        self.status = 200
        self.verdict: Mapping[str, Any] | None = None
        self.current: Mapping[str, Any] | None = None
        self.is_kept = is_kept
        self.found: Any = None

    @classmethod
    def of_request(cls) -> "Form":
        """Read the form of this request.

        Raises:
            InvalidInputError: A value is one that no store holds.
        """
        values = {name: list(each) for name, each in request.form.lists()}
        bodies.check(values)
        return cls(values)

    def __getitem__(self, name: str) -> str:
        """Return the first value of a field, empty if it was not sent."""
        return (self.values.get(name) or [""])[0]

    def __contains__(self, name: object) -> bool:
        """Say whether a field was sent."""
        return name in self.values

    @override
    def __repr__(self) -> str:
        """Name the fields, not what was typed."""
        return f"Form({', '.join(sorted(self.values))})"

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field, or the default if it was not sent."""
        return self[name] if name in self.values else default

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return list(self.values.get(name, ()))

    def forget(self, names: Iterable[str]) -> None:
        """Drop what must not be shown again: secrets."""
        for name in names:
            self.values.pop(name, None)

    def load(self, schema: type[Schema] | Schema) -> dict[str, Any]:
        """Return the fields as a schema reads them; what it does not name is not taken.

        An empty field counts as not given, unless the schema wants it and it is a text.

        Raises:
            InvalidInputError: With every field that is wrong.
        """
        shape = schema() if isinstance(schema, type) else schema
        found = {}
        for name, field in shape.load_fields.items():
            value = self._value(field.data_key or name, field)
            if value is not missing:
                found[field.data_key or name] = value
        try:
            loaded: dict[str, Any] = shape.load(found, unknown=EXCLUDE)
        except ValidationError as error:
            wrong = [FieldError(name, text) for name, text in flatten(error.messages)]
            raise InvalidInputError(wrong) from None
        return loaded

    def _value(self, name: str, field: fields.Field[Any]) -> Any:
        if isinstance(field, fields.List):
            return [each for each in self.all(name) if each]
        if not self[name].strip():
            return missing
        text = self[name]
        if isinstance(field, fields.Integer) and WHOLE_NUMBER.fullmatch(text.strip()):
            return int(text)
        return text.strip() if not isinstance(field, fields.String) else text

    def refuse(self, refusal: AttestryError, status: int) -> None:
        """Note why it was refused, so that the page can say it."""
        self.status = status
        if isinstance(refusal, InvalidInputError):
            for each in refusal.fields:
                self.errors.setdefault(each.field, say(each.message))
            loose = [text for name, text in self.errors.items() if name not in self.values]
            self.error = " ".join(loose) or None
            return
        self.error = say(refusal.detail)
        if isinstance(refusal, PolicyRefusedError):
            self.verdict = refusal.verdict
        if isinstance(refusal, ConflictError):
            self.current = refusal.current
