"""Shapes of a sheet on the wire: what is sent, what it would do, and what is wrong with it."""

from marshmallow import Schema, fields


class SheetBody(Schema):
    """A sheet, as CSV: to be looked at, or to be stored."""

    sheet = fields.String(
        required=True,
        metadata={
            "description": "CSV with a header; the columns are those that the call names, and what "
            "else the list has as a file is passed over"
        },
    )


class ConfirmedSheetBody(SheetBody):
    """The same, and which preview was looked at."""

    digest = fields.String(required=True, metadata={"description": "of the preview"})


class SheetChangeAnswer(Schema):
    """What one field becomes."""

    field = fields.String()
    before = fields.String()
    after = fields.String()


class SheetErrorAnswer(Schema):
    """What is wrong with one field of a row, and the way out."""

    field = fields.String()
    message = fields.String()


class SheetRowAnswer(Schema):
    """What one row would do."""

    line = fields.Integer()
    id = fields.String(allow_none=True)
    name = fields.String()
    source = fields.String()
    changes = fields.List(fields.Nested(SheetChangeAnswer))
    errors = fields.List(fields.Nested(SheetErrorAnswer))


class SheetAnswer(Schema):
    """What a sheet would do, or did; rows that change nothing are counted only."""

    digest = fields.String()
    changed = fields.Integer()
    unchanged = fields.Integer()
    wrong = fields.Integer()
    rows = fields.List(fields.Nested(SheetRowAnswer), attribute="telling")
