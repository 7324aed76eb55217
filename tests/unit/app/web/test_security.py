import pytest

from app.web.security import is_our_host


@pytest.mark.parametrize(
    ("host", "base", "ours"),
    [
        ("attestry.example", "https://attestry.example", True),
        ("ATTESTRY.example:443", "https://attestry.example", True),
        ("evil.example", "https://attestry.example", False),
        ("attestry.example.evil", "https://attestry.example", False),
        ("localhost:9000", "http://127.0.0.1:8000", True),
        ("127.0.0.1", "https://attestry.example", False),
        ("[::1]:8000", "http://127.0.0.1:8000", True),
        ("[", "https://attestry.example", False),
        ("", "https://attestry.example", False),
    ],
)
def test_a_host_is_ours_by_name_and_loopback_names_are_one(
    host: str, base: str, *, ours: bool
) -> None:
    assert is_our_host(host, base) is ours
