"""Style, scripts, fonts and icons, and the build that makes `app/web/static/` of them."""
