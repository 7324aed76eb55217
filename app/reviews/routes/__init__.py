"""Pages of reviews: a reviewer's lists, and the campaigns for those who run them."""

from app.web import pages

blp = pages.pages("reviews", "app.reviews")

from app.reviews.routes import worklist  # noqa: E402 - it hangs its pages on the blueprint

__all__ = ["blp", "worklist"]
