"""Tokens and roles, for administrators."""

from typing import Any

from app.kernel.uow import Reading, UnitOfWork
from app.signin import queries, service
from app.signin.schemas import (
    NewRoleBody,
    NewTokenAnswer,
    NewTokenBody,
    RoleAnswer,
    TokenAnswer,
)
from app.web import scope
from app.web.paging import Page
from app.web.shapes import PageArgs, page_of, window

blp = scope.api("signin", "API tokens and roles")


@blp.route("/tokens", methods=["GET"])
@scope.query(blp, page_of(TokenAnswer), args=PageArgs)
def list_tokens(reading: Reading, args: dict[str, Any]) -> Page[queries.TokenRow]:
    """List API tokens, never their secrets."""
    return queries.list_tokens(reading, window(args))


@blp.route("/tokens", methods=["POST"])
@scope.command(blp, NewTokenAnswer, body=NewTokenBody, status=201, is_secret=True)
def create_token(uow: UnitOfWork, body: dict[str, Any]) -> service.NewToken:
    """Make an API token; its secret is in this answer only."""
    return service.create_token(uow, **body)


@blp.route("/tokens/<token_id>", methods=["DELETE"])
@scope.command(blp, TokenAnswer)
def revoke_token(uow: UnitOfWork, token_id: str) -> queries.TokenRow | None:
    """Revoke an API token."""
    service.revoke_token(uow, token_id=token_id)
    return queries.token_row(uow, token_id)


@blp.route("/roles", methods=["GET"])
@scope.query(blp, page_of(RoleAnswer), args=PageArgs)
def list_roles(reading: Reading, args: dict[str, Any]) -> Page[queries.RoleRow]:
    """List who holds or held which role."""
    return queries.list_roles(reading, window(args))


@blp.route("/roles", methods=["POST"])
@scope.command(blp, RoleAnswer, body=NewRoleBody, status=201)
def grant_role(uow: UnitOfWork, body: dict[str, Any]) -> queries.RoleRow | None:
    """Give a person a role. An auditor's ends after 90 days unless `until` says otherwise."""
    granted = service.grant_role(uow, **body)
    return queries.role_row(uow, granted.public_id)


@blp.route("/roles/<role_id>", methods=["DELETE"])
@scope.command(blp, RoleAnswer)
def end_role(uow: UnitOfWork, role_id: str) -> queries.RoleRow | None:
    """Take a role from a person."""
    granted = service.end_role(uow, role_id=role_id)
    return queries.role_row(uow, granted.public_id)
