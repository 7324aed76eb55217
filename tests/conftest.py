"""Fixtures of every test."""

from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("attestry", deadline=None)
settings.load_profile("attestry")

pytest_plugins = [
    "support.stores",
    "support.servers.postgres",
    "support.servers.samba_ad",
    "support.servers.okta",
]
