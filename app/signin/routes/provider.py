"""To the identity provider and back: two addresses, neither of which opens a transaction early."""

import logging

from flask import Response, current_app, g, request
from sqlalchemy.exc import IntegrityError

from app.kernel.errors import ConflictError
from app.kernel.phrases import phrase
from app.signin import arriving, entering
from app.signin.domain import RefusedError, Trouble
from app.signin.provider import CALLBACK, Flow, Provider, flows_of, text_of
from app.signin.routes import blp
from app.signin.sessions import NewSession
from app.signin.vouching import Vouched
from app.web import guards, pages, throttle
from app.web.scope import doors
from app.web.visit import NOBODY

EXTENSION = "attestry_provider"
FLOWS = "attestry-signing-in"
MOST_FLOWS = 4
FLOWS_FOR = 900
STATUS = {
    Trouble.DOWN: 503,
    Trouble.NONSENSE: 502,
    Trouble.NOT_OURS: 400,
    Trouble.PROVIDER_REFUSED: 502,
    Trouble.NOT_GENUINE: 502,
    Trouble.CLOCK: 502,
}
OTHERWISE = 403
logger = logging.getLogger(__name__)


def has_provider() -> bool:
    """Say whether people sign in with the account they use at work."""
    return bool(doors().settings.oidc_issuer)


def leaves_at() -> str | None:
    """Return where one signs out at the provider too, if that is known without asking."""
    return _provider().leaves_at() if has_provider() else None


@blp.get("/sign-in/provider")
def depart() -> Response:
    """Lead to the provider, and have this browser remember for what."""
    if not has_provider():
        raise ConflictError(phrase("No identity provider is set up: see ATTESTRY_OIDC_ISSUER."))
    guards.require_safe_address()
    to = guards.own_path(request.args.get("next"), entering.wanted())
    is_step_up = request.args.get("step_up") == "1"
    try:
        address, flow = _provider().depart(to=to, is_step_up=is_step_up)
    except RefusedError as refusal:
        return _refused(refusal)
    answer = Response(status=303, headers={"Location": address})
    _keep(answer, [*_flows(), flow][-MOST_FLOWS:])
    return answer


@blp.get(CALLBACK)
def arrive() -> Response:
    """Let in whom the provider vouches for."""
    if not has_provider():
        raise ConflictError(phrase("No identity provider is set up: see ATTESTRY_OIDC_ISSUER."))
    guards.require_safe_address()
    flows = _flows()
    flow = next((each for each in flows if each.state == request.args.get("state")), None)
    left = [each for each in flows if each is not flow]
    try:
        if flow is None:
            raise RefusedError(Trouble.NOT_OURS)  # noqa: TRY301 - one place that answers
        vouched = _provider().arrive(flow, request.args.to_dict())
        begun = begin(vouched)
    except RefusedError as refusal:
        if flow is not None and refusal.trouble is not Trouble.DOWN:
            with doors().transactions.write(NOBODY) as uow:
                arriving.note_refusal(uow, refusal.trouble)
        answer = _refused(refusal)
    else:
        answer = entering.welcome(begun, to=guards.own_path(flow.to))
    _keep(answer, left)
    return answer


def begin(vouched: Vouched) -> NewSession:
    """Begin the session; of two first sign-ins at once, the second finds what the first tied."""

    def attempt() -> NewSession:
        with doors().transactions.write(NOBODY) as uow:
            return arriving.arrive(uow, vouched, entering.browser())

    try:
        return attempt()
    except IntegrityError:
        return attempt()


def _refused(refusal: RefusedError) -> Response:
    """Say on a page what happened and what to do; the log is told more."""
    trouble = refusal.trouble
    logger.warning(
        "sign-in with the provider failed",
        extra={"trouble": trouble.value, "detail": refusal.detail},
    )
    throttle.failed("sign-in")
    text = pages.render(
        "signin/refused.html",
        trouble=trouble.value,
        subject=refusal.subject,
        reference=g.get("request_id", ""),
    )
    return Response(text, STATUS.get(trouble, OTHERWISE), content_type="text/html; charset=utf-8")


def _provider() -> Provider:
    """Return this application's provider; what it publishes is kept with it."""
    kept: Provider | None = current_app.extensions.get(EXTENSION)
    if kept is None:
        kept = Provider(doors().settings, doors().transactions.clock.now)
        kept = current_app.extensions.setdefault(EXTENSION, kept)
    return kept


def _flows() -> list[Flow]:
    """Return the sign-ins that this browser has on their way."""
    now = doors().transactions.clock.now()
    kept = flows_of(guards.signed(FLOWS, guards.cookie(FLOWS)))
    return [each for each in kept if each.holds(now)]


def _keep(response: Response, flows: list[Flow]) -> None:
    if flows:
        guards.set_cookie(response, FLOWS, guards.sign(FLOWS, text_of(flows)), seconds=FLOWS_FOR)
    else:
        guards.drop_cookie(response, FLOWS)
