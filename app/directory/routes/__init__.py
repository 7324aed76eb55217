"""Pages of the directory: what the sources show, and whose accounts are whose."""

from app.web import pages

blp = pages.pages("directory", "app.directory")

import app.directory.routes.account_sheet  # noqa: E402 - they hang pages on it
import app.directory.routes.files  # noqa: E402 - the same
import app.directory.routes.looking  # noqa: E402 - the same
import app.directory.routes.people  # noqa: E402 - the same
import app.directory.routes.rules  # noqa: E402 - the same
import app.directory.routes.sources  # noqa: E402, F401 - the same

__all__ = ["blp"]
