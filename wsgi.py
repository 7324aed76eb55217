"""For WSGI servers: `application`, made from the environment."""

from app.factory import create_app
from app.kernel.settings import Settings

application = create_app(Settings.from_env())
