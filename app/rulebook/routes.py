"""Pages of the rulebook: the policy in force, what was in force before, and putting another one."""

from flask import Response, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema, fields, validate

from app.kernel.uow import Reading, UnitOfWork
from app.rulebook import queries, service
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window
from policies.document import GREATEST_LENGTH

blp = pages.pages("rulebook", __name__)


class PolicyFormSchema(Schema):
    """A policy as it is typed."""

    text = fields.String(required=True, validate=validate.Length(1, GREATEST_LENGTH))


@pages.page(blp, "/policies")
def policies(reading: Reading) -> str:
    """The policies that were ever in force, the present one first."""
    found = queries.list_policies(reading, Window(cursor=request.args.get("cursor") or None))
    return pages.render("rulebook/policies.html", page=found)


@pages.page(blp, "/policies/new")
def writing(reading: Reading, form: Form | None = None) -> str:
    """Change the text of the policy in force, and put it in force."""
    text = queries.text_in_force(reading)
    return pages.render("rulebook/write.html", text=text, form=form)


@pages.action(blp, "/policies/new", again=writing)
def put_in_force(uow: UnitOfWork, form: Form) -> Response:
    """Put a policy in force from now on."""
    # Browsers send line ends of two characters; a text is hashed with those of its file.
    text = form.load(PolicyFormSchema)["text"].replace("\r\n", "\n")
    row = service.put_in_force(uow, text=text)
    return pages.seen(
        url_for(f"{blp.name}.policy", policy_id=row.public_id),
        notice=_("In force from now on."),
    )


@pages.page(blp, "/policies/<policy_id>")
def policy(reading: Reading, policy_id: str) -> str:
    """One policy: its rules in words, its own examples, and its exact text."""
    return pages.render("rulebook/policy.html", policy=queries.policy_detail(reading, policy_id))
