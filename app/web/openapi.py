"""The API's description at `/api/v1/openapi.json`, and the same for people at `/api/docs`.

Drawn from the schemas the routes are checked by, so that it cannot say anything else; served from
here alone, without a script.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from flask_smorest import Api
from markupsafe import Markup, escape
from typing_extensions import override

from app.web.meanings import MEANINGS
from app.web.problems import PROBLEM
from app.web.scope import KEY_HEADER, MAX_KEY

EXTENSION = "attestry_api"
METHODS = ("get", "post", "put", "patch", "delete")
WRITES = frozenset({"post", "put", "patch", "delete"})
ALWAYS = (401, 403, 429, 500)
DESCRIPTION = (
    "Access governance with evidence. Errors are RFC 9457 problems, every field at once. Lists "
    "answer `items` and `next_cursor`. Times are RFC 3339 in UTC."
)
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": [each.code for each in MEANINGS]},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "verdict": {"type": "object"},
        "current": {"type": "object"},
    },
}
KEY_PARAMETER: Mapping[str, Any] = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and call again gets the first answer, and changes nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
}
blp = Blueprint("web", __name__, template_folder="templates")


@blp.app_template_filter("spoken")
def spoken(text: str) -> Markup:
    """Show what stands between backticks as code; everything is escaped."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


class HouseApi(Api):  # type: ignore[misc]
    """flask-smorest without its own error answers: `problems.py` gives all of them."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    @override
    def _register_error_handlers(self) -> None:
        """Leave errors to the house."""


def install(app: Flask) -> HouseApi:
    """Make the API and the pages that tell of it.

    Returns:
        Where to register the blueprints of the stages.
    """
    app.config.update(
        API_TITLE="Attestry",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
    )
    api = HouseApi(app)
    app.extensions[EXTENSION] = api
    app.register_blueprint(blp)
    return api


@blp.get("/api/v1/openapi.json")
def description() -> Response:
    """Answer the description of the API."""
    return jsonify(document())


@blp.get("/api/docs")
def docs() -> str:
    """Answer the same, to be read."""
    told = document()
    return render_template("web/docs.html", api=told, groups=_groups(told))


@blp.get("/api/docs/errors")
def errors() -> str:
    """Answer what each error code means; the `type` of every problem leads here."""
    return render_template("web/errors.html", meanings=MEANINGS)


def document() -> dict[str, Any]:
    """Return the OpenAPI document: what the routes declare, plus what holds for all of them."""
    found: dict[str, Any] = current_app.extensions[EXTENSION].spec.to_dict()
    found["info"] = {"title": "Attestry", "version": "v1", "description": DESCRIPTION}
    components = found.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components.setdefault("schemas", {})["Problem"] = dict(PROBLEM_SCHEMA)
    components["responses"] = {str(each): _refusal(each) for each in _statuses()}
    found["security"] = [{"token": []}]
    for path, operations in found["paths"].items():
        for method in METHODS:
            if method in operations:
                _complete(operations[method], method, path, operations.get("parameters", []))
    return found


def _complete(operation: dict[str, Any], method: str, path: str, shared: list[Any]) -> None:
    parameters = operation.get("parameters", [])
    inside = [*parameters, *shared]
    statuses = list(ALWAYS)
    if "{" in path:
        statuses.append(404)
    if method in WRITES:
        operation["parameters"] = [*parameters, dict(KEY_PARAMETER)]
        statuses += [409]
    if "requestBody" in operation:
        statuses += [400, 413, 415]
    if "requestBody" in operation or any(each.get("in") == "query" for each in inside):
        statuses.append(422)
    answers = {
        code: answer
        for code, answer in operation.get("responses", {}).items()
        if str(code).startswith("2")
    }
    refusals = {str(s): {"$ref": f"#/components/responses/{s}"} for s in sorted(statuses)}
    operation["responses"] = {**answers, **refusals}


def _statuses() -> list[int]:
    return sorted({each.status for each in MEANINGS})


def _refusal(status: int) -> dict[str, Any]:
    codes = ", ".join(each.code for each in MEANINGS if each.status == status)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": codes, "content": {PROBLEM: {"schema": schema}}}


def _groups(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the operations by tag, each with its parameters and the fields of its body."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in told.get("tags", [])}
    for path, operations in told["paths"].items():
        for method in METHODS:
            if method in operations:
                shown = _operation(told, method, path, operations)
                groups.setdefault(operations[method].get("tags", ["other"])[0], []).append(shown)
    said = {tag["name"]: tag.get("description", "") for tag in told.get("tags", [])}
    return [
        {"name": name.removesuffix("_api"), "description": said.get(name, ""), "operations": each}
        for name, each in groups.items()
        if each
    ]


def _operation(
    told: Mapping[str, Any], method: str, path: str, operations: Mapping[str, Any]
) -> dict[str, Any]:
    operation = operations[method]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = [
        (code, _fields(told, each.get("content", {}).get("application/json", {}).get("schema")))
        for code, each in operation["responses"].items()
        if code.startswith("2")
    ]
    return {
        "method": method.upper(),
        "path": path,
        "anchor": f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        "summary": operation.get("summary", ""),
        "parameters": [*operations.get("parameters", []), *operation.get("parameters", [])],
        "body": _fields(told, body.get("schema")),
        "answers": answers,
        "refusals": [code for code in operation["responses"] if not code.startswith("2")],
    }


def _fields(told: Mapping[str, Any], schema: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the fields of a schema, one level deep: name, type in words, required, meaning."""
    if schema is None:
        return []
    found = _resolve(told, schema)
    required = found.get("required", [])
    return [
        {
            "name": name,
            "type": _type(each),
            "is_required": name in required,
            "description": each.get("description", ""),
        }
        for name, each in found.get("properties", {}).items()
    ]


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    kind = schema.get("type", "any")
    kinds = kind if isinstance(kind, list) else [kind]
    words = " or ".join(str(each) for each in kinds)
    if "items" in schema:
        return f"{words} of {_type(schema['items'])}"
    return f"{words} ({schema['format']})" if "format" in schema else words


def _resolve(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    found: Mapping[str, Any] = told["components"]["schemas"].get(name, {}) if name else schema
    return found
