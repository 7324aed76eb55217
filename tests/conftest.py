"""Fixtures of every test."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("attestry", deadline=None)
settings.load_profile("attestry")

pytest_plugins = [
    "support.servers.postgres",
    "support.stores",
    "support.servers.samba_ad",
    "support.servers.okta",
]

HERE = Path(__file__).parent
# What is dear to set up is set up by one worker, once: a browser, a directory, a filled company.
TOGETHER = {
    "browser": "browser",
    "contract": "directory",
    "integration/proof": "directory",
    "integration/real": "directory",
    "integration/directory/test_truth.py": "directory",
    "web/test_every_form.py": "forms",
    "web/test_limited_auditors.py": "limits",
    "web/test_every_hand.py": "forms",
}


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests one worker runs, one after the other."""
    for item in items:
        path = item.path.relative_to(HERE).as_posix()
        for where, group in TOGETHER.items():
            if path == where or path.startswith(f"{where}/"):
                item.add_marker(pytest.mark.xdist_group(group))
