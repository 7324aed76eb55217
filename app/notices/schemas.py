"""Notices as they cross the wire."""

from marshmallow import Schema, fields

from app.web.shapes import Moment, page_of


class NoticeSchema(Schema):
    """What somebody was told, and whether it arrived."""

    id = fields.String()
    kind = fields.String()
    about = fields.String()
    subject = fields.String()
    body = fields.String()
    channel = fields.String()
    state = fields.String()
    created_at = Moment()
    read_at = Moment(allow_none=True)


NoticePage = page_of(NoticeSchema)
