"""Pages of reviews: a reviewer's lists, and the campaigns for those who run them."""

from app.web import pages

blp = pages.pages("reviews", "app.reviews")

from app.reviews.routes import campaigns, following_up, worklist  # noqa: E402 - they hang pages on it

__all__ = ["blp", "campaigns", "following_up", "worklist"]
