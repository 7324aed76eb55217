"""Pages of sign-in: coming in and leaving, one's own account, and for administrators the rest."""

from urllib.parse import urlsplit

from app.web import pages

blp = pages.pages("signin", "app.signin")


@blp.app_template_filter("host")
def host(address: str) -> str:
    """Return the host of an address, for people."""
    return urlsplit(address).hostname or address


from app.signin.routes import own, provider  # noqa: E402 - they hang pages on it

__all__ = ["blp", "own", "provider"]
