"""`/campaign-templates`, `/campaigns`, `/review-items`."""

import functools
from typing import Any

from flask import request

from app.kernel.uow import Reading, UnitOfWork
from app.reviews import queries, schemas, service
from app.reviews.documents import detail, preview_document
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, window

blp = scope.api("reviews", "Look at access again: campaigns, items, decisions.")


@blp.route("/campaign-templates", methods=["POST"])
@scope.command(blp, schemas.TemplateSchema, body=schemas.NewTemplateSchema, status=201)
def save_template(uow: UnitOfWork, body: dict[str, Any]) -> queries.TemplateRow:
    """Make a template, or change the one of that name."""
    saved = service.save_template(uow, service.Shape(**body))
    uow.session.flush()
    return queries.template_row(uow, saved.public_id)


@blp.route("/campaign-templates", methods=["GET"])
@scope.query(blp, schemas.TemplatePage, args=PageArgs)
def list_templates(reading: Reading, args: dict[str, Any]) -> Page[queries.TemplateRow]:
    """The templates."""
    return queries.list_templates(reading, window(args))


@scope.command(blp, schemas.PreviewSchema, body=schemas.NewCampaignSchema, args=schemas.LaunchArgs)
def preview(uow: UnitOfWork, _args: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Say what a launch would mean."""
    return preview_document(service.preview(uow, template_id=body["template"]))


@scope.command(
    blp,
    schemas.CampaignDetailSchema,
    body=schemas.NewCampaignSchema,
    args=schemas.LaunchArgs,
    status=201,
)
def launch(uow: UnitOfWork, _args: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Freeze a population and put it to its reviewers; `?preview=true` only says what it means."""
    campaign = service.launch(uow, template_id=body["template"], name=body["name"])
    uow.session.flush()
    return detail(queries.campaign_detail(uow, campaign.public_id))


@blp.route("/campaigns", methods=["POST"])
@blp.alt_response(200, schema=schemas.PreviewSchema)  # type: ignore[untyped-decorator]
@functools.wraps(launch)
def preview_or_launch() -> Any:
    """Two shapes of answer, so two routes under one path."""
    return preview() if request.args.get("preview") == "true" else launch()


@blp.route("/campaigns", methods=["GET"])
@scope.query(blp, schemas.CampaignPage, args=PageArgs)
def list_campaigns(reading: Reading, args: dict[str, Any]) -> Page[queries.CampaignRow]:
    """The campaigns you may see, newest first."""
    return queries.list_campaigns(reading, window(args))


@blp.route("/campaigns/<campaign_id>", methods=["GET"])
@scope.query(blp, schemas.CampaignDetailSchema)
def show_campaign(reading: Reading, campaign_id: str) -> dict[str, Any]:
    """One campaign: its progress, what was revoked and what of that was read back."""
    return detail(queries.campaign_detail(reading, campaign_id))


@blp.route("/campaigns/<campaign_id>/sign-off", methods=["POST"])
@scope.command(blp, schemas.CampaignDetailSchema, body=EmptySchema)
def sign_off(uow: UnitOfWork, _body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Say that you are done: your decisions stand, and what you revoked is carried out."""
    service.sign_off(uow, campaign_id=campaign_id)
    uow.session.flush()
    return detail(queries.campaign_detail(uow, campaign_id))


@blp.route("/campaigns/<campaign_id>/close", methods=["POST"])
@scope.command(blp, schemas.CampaignDetailSchema, body=EmptySchema)
def close(uow: UnitOfWork, _body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """End a campaign; what is unanswered is listed as unanswered, never kept in silence."""
    service.close(uow, campaign_id=campaign_id)
    uow.session.flush()
    return detail(queries.campaign_detail(uow, campaign_id))


@blp.route("/review-items", methods=["GET"])
@scope.query(blp, schemas.ItemPage, args=schemas.ItemArgs)
def list_items(reading: Reading, args: dict[str, Any]) -> Page[queries.ItemRow]:
    """The items put to you."""
    return queries.list_items(
        reading,
        window(args),
        campaign=args["campaign"],
        state=args["state"],
        is_everybodys=args["everybodys"],
    )


@blp.route("/review-items/decisions", methods=["POST"])
@scope.command(blp, schemas.ItemsSchema, body=schemas.DecisionsSchema)
def decide(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Decide many of your items at once: all of them or none."""
    service.decide(uow, [service.Said(**each) for each in body["items"]])
    uow.session.flush()
    return {"items": queries.items_by_id(uow, [each["id"] for each in body["items"]])}


@blp.route("/review-items/reassign", methods=["POST"])
@scope.command(blp, schemas.ItemsSchema, body=schemas.ReassignSchema)
def reassign(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Put items to another reviewer."""
    service.reassign(uow, item_ids=body["items"], reviewer=body["reviewer"], reason=body["reason"])
    uow.session.flush()
    return {"items": queries.items_by_id(uow, body["items"])}


@blp.route("/review-items/<item_id>/follow-up", methods=["PUT"])
@scope.command(blp, schemas.ItemSchema, body=schemas.ChargeSchema)
def follow_up(uow: UnitOfWork, body: dict[str, Any], item_id: str) -> queries.ItemRow:
    """Say who answers for a revoke that was not carried out, and until when."""
    version = body.pop("version")
    service.follow_up(uow, item_id=item_id, charge=service.Charge(**body), version=version)
    uow.session.flush()
    return queries.items_by_id(uow, [item_id])[0]
