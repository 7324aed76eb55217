"""`/campaign-templates`, `/campaigns`, `/review-items`."""

from typing import Any

from app.kernel.uow import Reading, UnitOfWork
from app.reviews import queries, schemas, service
from app.reviews.models import SignOff
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, window

blp = scope.api("reviews", "Look again at who has what: campaigns, decisions, sign-off.")


@blp.route("/campaign-templates", methods=["POST"])
@scope.command(blp, schemas.TemplateSchema, body=schemas.NewTemplateSchema, status=201)
def save_template(uow: UnitOfWork, body: dict[str, Any]) -> queries.TemplateRow:
    """Make a template, or change the one of that name."""
    required = body.pop("reason_required")
    saved = service.save_template(uow, service.Shape(**body, is_reason_required=required))
    uow.session.flush()
    return queries.template_row(uow, saved.public_id)


@blp.route("/campaign-templates", methods=["GET"])
@scope.query(blp, schemas.TemplatePage, args=PageArgs)
def list_templates(reading: Reading, args: dict[str, Any]) -> Page[queries.TemplateRow]:
    """The templates."""
    return queries.list_templates(reading, window(args))


@blp.route("/campaigns", methods=["POST"])
@scope.command(
    blp,
    schemas.CampaignDetailSchema,
    args=schemas.LaunchArgs,
    body=schemas.LaunchSchema,
    status=201,
)
def launch(uow: UnitOfWork, args: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Launch a campaign; with `preview=true` only show what that would mean."""
    if args["preview"]:
        planned = service.preview(uow, template_id=body["template"])
        return {"preview": queries.worst_case(uow, planned)}
    campaign = service.launch(uow, template_id=body["template"], name=body["name"])
    uow.session.flush()
    return detail(queries.campaign_detail(uow, campaign.public_id))


@blp.route("/campaigns", methods=["GET"])
@scope.query(blp, schemas.CampaignPage, args=schemas.CampaignArgs)
def list_campaigns(reading: Reading, args: dict[str, Any]) -> Page[queries.CampaignRow]:
    """Campaigns you may see, newest first."""
    return queries.list_campaigns(reading, window(args), state=args["state"])


@blp.route("/campaigns/<campaign_id>", methods=["GET"])
@scope.query(blp, schemas.CampaignDetailSchema)
def show_campaign(reading: Reading, campaign_id: str) -> dict[str, Any]:
    """One campaign with its progress."""
    return detail(queries.campaign_detail(reading, campaign_id))


@blp.route("/campaigns/<campaign_id>/sign-off", methods=["POST"])
@scope.command(blp, schemas.SignedSchema, body=EmptySchema)
def sign_off(uow: UnitOfWork, _body: dict[str, Any], campaign_id: str) -> SignOff:
    """Say that you are done: your decisions stand, and what you revoked is carried out."""
    return service.sign_off(uow, campaign_id=campaign_id)


@blp.route("/campaigns/<campaign_id>/close", methods=["POST"])
@scope.command(blp, schemas.CampaignDetailSchema, body=EmptySchema)
def close(uow: UnitOfWork, _body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """End a campaign."""
    service.close(uow, campaign_id=campaign_id)
    uow.session.flush()
    return detail(queries.campaign_detail(uow, campaign_id))


@blp.route("/review-items", methods=["GET"])
@scope.query(blp, schemas.ItemPage, args=schemas.ItemArgs)
def list_items(reading: Reading, args: dict[str, Any]) -> Page[queries.ItemRow]:
    """Your items."""
    return queries.my_items(reading, window(args), campaign=args["campaign"], is_open=args["open"])


@blp.route("/review-items/decisions", methods=["POST"])
@scope.command(blp, schemas.ItemsSchema, body=schemas.DecisionsSchema)
def decide(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Decide many items at once, all or nothing."""
    service.decide(uow, [service.Said(**each) for each in body["items"]])
    uow.session.flush()
    return {"items": queries.items_by_id(uow, [each["id"] for each in body["items"]])}


@blp.route("/review-items/reassign", methods=["POST"])
@scope.command(blp, schemas.ItemsSchema, body=schemas.ReassignSchema)
def reassign(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Put open items to another reviewer."""
    service.reassign(uow, item_ids=body["items"], reviewer=body["reviewer"], reason=body["reason"])
    uow.session.flush()
    return {"items": queries.items_by_id(uow, body["items"])}


def detail(found: queries.CampaignDetail) -> dict[str, Any]:
    """Return a campaign's detail as one flat object."""
    return {
        **{name: getattr(found.row, name) for name in found.row.__slots__},
        "progress": found.progress,
        "reviewers": found.reviewers,
    }
