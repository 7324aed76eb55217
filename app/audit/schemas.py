"""Shapes of bundles and of the ledger, as the API takes and gives them."""

import base64
from typing import Any

from marshmallow import Schema, fields, validate
from typing_extensions import override

from app.audit.controls import CONTROLS
from app.audit.domain import (
    BundleKind,
    BundleState,
    Frequency,
    KeyPurpose,
    Population,
)
from app.web.days import FirstDay, LastDay
from app.web.shapes import Moment, PageArgs, PublicIdField, Sentence, page_of

LARGEST_TREE = 2**53
LONGEST_CONTROL = 40


class Base64(fields.Field[bytes]):
    """Bytes as base64."""

    def __init__(self, **options: Any) -> None:
        """Take a field's usual options."""
        metadata = {"type": "string", "format": "byte", **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    @override
    def _serialize(
        self, value: bytes | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else base64.b64encode(value).decode("ascii")


class NewBundleSchema(Schema):
    """What a bundle is to be about: a campaign, a sample, or a period; of one control, or all."""

    campaign = PublicIdField(load_default=None)
    sample = PublicIdField(load_default=None)
    start = Moment(data_key="from", load_default=None)
    end = Moment(data_key="to", load_default=None)
    leavers = fields.Boolean(load_default=False)
    redacted = fields.Boolean(load_default=False)
    lta = fields.Boolean(load_default=False)
    why_anew = fields.String(load_default=None, validate=validate.Length(1, 500))
    controls = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_CONTROL)),
        load_default=list,
        validate=validate.Length(max=len(CONTROLS)),
    )


class CampaignBundleForm(Schema):
    """The form of a campaign's bundle."""

    campaign = PublicIdField(load_default=None)
    redacted = fields.Boolean(load_default=False)
    lta = fields.Boolean(load_default=False)
    controls = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_CONTROL)), load_default=list
    )


class SampleBundleForm(Schema):
    """The form of a sample's bundle."""

    redacted = fields.Boolean(load_default=False)
    lta = fields.Boolean(load_default=False)


class NonceForm(Schema):
    """A word of an auditor's own, and the open campaign it is for."""

    open_campaign = PublicIdField(required=True)
    nonce = fields.String(required=True, validate=validate.Length(max=128))


class PeriodBundleForm(Schema):
    """The form of a period's bundle: its first and last day, in the reader's zone."""

    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)
    leavers = fields.Boolean(load_default=False)
    redacted = fields.Boolean(load_default=False)
    lta = fields.Boolean(load_default=False)
    controls = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_CONTROL)), load_default=list
    )


class LedgerForm(Schema):
    """Which entries of the ledger somebody looks for."""

    kind = fields.String(load_default=None, validate=validate.Length(max=60))
    subject = fields.String(load_default=None, validate=validate.Length(max=60))
    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)


class CheckSchema(Schema):
    """One check of a bundle and what became of it."""

    name = fields.String()
    status = fields.String()
    detail = fields.String()


class BundleSchema(Schema):
    """A bundle: what about, and where it stands."""

    id = fields.String()
    kind = fields.Enum(BundleKind, by_value=True)
    scope = fields.Dict()
    controls = fields.List(fields.String())
    state = fields.Enum(BundleState, by_value=True)
    requested_by = fields.String()
    requested_at = Moment()
    built_at = Moment(allow_none=True)
    sha256 = fields.String(allow_none=True)
    bytes = fields.Integer(allow_none=True)
    tree_size = fields.Integer(allow_none=True)
    checks = fields.List(fields.Nested(CheckSchema))
    supersedes = fields.String(allow_none=True)
    why_anew = fields.String(allow_none=True)
    lta = fields.Boolean()
    removed_at = Moment(allow_none=True)
    why = fields.String(allow_none=True)


class NewSampleSchema(Schema):
    """What is to be drawn, from which population, by which seed."""

    population = fields.Enum(Population, by_value=True, required=True)
    seed = fields.String(required=True, validate=validate.Length(1, 128))
    campaign = PublicIdField(load_default=None)
    start = Moment(data_key="from", load_default=None)
    end = Moment(data_key="to", load_default=None)
    frequency = fields.Enum(Frequency, by_value=True, load_default=None)
    size = fields.Integer(load_default=None)


class SampleForm(Schema):
    """The form of a sample."""

    population = fields.Enum(Population, by_value=True, required=True)
    seed = fields.String(required=True, validate=validate.Length(max=128))
    campaign = PublicIdField(load_default=None)
    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)
    frequency = fields.Enum(Frequency, by_value=True, load_default=None)
    size = fields.Integer(load_default=None)


class SampleLineSchema(Schema):
    """One of what was drawn."""

    key = fields.String()
    account = fields.String(allow_none=True)
    account_login = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    group = fields.String(allow_none=True)
    group_name = fields.String(allow_none=True)
    event = fields.String(allow_none=True)


class SampleSchema(Schema):
    """A sample: population, seed, and what was drawn; lists leave the lines out."""

    id = fields.String()
    population = fields.Enum(Population, by_value=True)
    scope = fields.Dict()
    frequency = fields.Enum(Frequency, by_value=True, allow_none=True)
    size = fields.Integer()
    seed = fields.String()
    population_count = fields.Integer()
    population_digest = fields.String()
    drawn_by = fields.String()
    drawn_at = Moment()
    lines = fields.List(fields.Nested(SampleLineSchema))


class NonceSchema(Schema):
    """An auditor's own word, for a campaign that is still open."""

    campaign = PublicIdField(required=True)
    nonce = fields.String(required=True, validate=validate.Length(max=128))


class GivenNonceSchema(Schema):
    """A word that was given."""

    nonce = fields.String()
    given_by = fields.String()
    given_at = Moment()


class LifeArgs(Schema):
    """Whose access to what, and was it held at a moment."""

    account = PublicIdField(required=True)
    group = PublicIdField(required=True)
    as_of = Moment(load_default=None)


class MomentSchema(Schema):
    """One thing that happened to an access."""

    at = Moment()
    what = fields.String()
    who = fields.String(allow_none=True)
    detail = fields.String()
    ref = fields.String(allow_none=True)


class LifeSchema(Schema):
    """The life of one access, in order."""

    account = fields.String()
    account_login = fields.String()
    identity_name = fields.String(allow_none=True)
    group = fields.String()
    group_name = fields.String()
    source = fields.String()
    is_held = fields.Boolean()
    as_of = Moment(allow_none=True)
    was_held = fields.Boolean(allow_none=True)
    moments = fields.List(fields.Nested(MomentSchema))


class AdmissionSchema(Schema):
    """Who is let in as an auditor, until when, and to what."""

    who = Sentence(required=True, validate=validate.Length(1, 200))
    until = Moment(load_default=None, allow_none=True)
    campaigns = fields.List(PublicIdField(), load_default=list)
    start = Moment(data_key="from", load_default=None, allow_none=True)
    end = Moment(data_key="to", load_default=None, allow_none=True)
    controls = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_CONTROL)),
        load_default=list,
        validate=validate.Length(max=len(CONTROLS)),
    )


class AdmissionForm(Schema):
    """The form that lets an auditor in with limits; days in the reader's zone."""

    who = Sentence(required=True, validate=validate.Length(1, 200))
    until = LastDay(load_default=None)
    campaigns = fields.List(PublicIdField(), load_default=list)
    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)
    controls = fields.List(
        fields.String(validate=validate.Length(max=LONGEST_CONTROL)), load_default=list
    )


class HeadSchema(Schema):
    """The signed head of the log."""

    size = fields.Integer()
    root = Base64()
    note = fields.String()
    cosignatures = fields.String()


class WitnessSchema(Schema):
    """Somebody outside who cosigns each head."""

    id = fields.String()
    name = fields.String()
    vkey = fields.String()
    url = fields.String()
    added_at = Moment()
    size = fields.Integer(allow_none=True)


class PastKeySchema(Schema):
    """A key of the history."""

    id = fields.String()
    purpose = fields.Enum(KeyPurpose, by_value=True)
    name = fields.String()
    public = fields.String()
    created_at = Moment()
    retired_at = Moment(allow_none=True)


class KeySchema(Schema):
    """The key that signs, its fingerprint, the anchor of documents, and the history."""

    vkey = fields.String()
    fingerprint = fields.String()
    ca = fields.String()
    history = fields.List(fields.Nested(PastKeySchema))


class EntrySchema(Schema):
    """A ledger entry; `body` is the exact text that is hashed."""

    index = fields.Integer()
    id = fields.String()
    kind = fields.String()
    leaf = Base64()
    body = fields.String()


class EntryArgs(PageArgs):
    """Which entries."""

    kind = fields.String(load_default=None, validate=validate.Length(max=60))
    subject = fields.String(load_default=None, validate=validate.Length(max=36))


class InclusionArgs(Schema):
    """Which entry, and in the log of which size."""

    entry = PublicIdField(required=True)
    size = fields.Integer(load_default=None, validate=validate.Range(1, LARGEST_TREE))


class InclusionSchema(Schema):
    """A proof that an entry is in the log (RFC 6962, 2.1.1)."""

    index = fields.Integer()
    size = fields.Integer()
    leaf = Base64()
    root = Base64()
    hashes = fields.List(Base64())


class ConsistencyArgs(Schema):
    """Between which sizes."""

    old = fields.Integer(required=True, validate=validate.Range(1, LARGEST_TREE))
    new = fields.Integer(load_default=None, validate=validate.Range(1, LARGEST_TREE))


class ConsistencySchema(Schema):
    """A proof that the log only grew (RFC 6962, 2.1.2)."""

    old = fields.Integer()
    new = fields.Integer()
    old_root = Base64()
    new_root = Base64()
    hashes = fields.List(Base64())


BundlePage = page_of(BundleSchema)
SamplePage = page_of(SampleSchema)
EntryPage = page_of(EntrySchema)
