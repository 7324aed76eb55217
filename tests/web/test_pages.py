import re
from pathlib import Path

import pytest

from app.kernel.actor import Role
from app.kernel.settings import Mode
from app.web.openapi import spoken
from web.small import Small, open_small

PAGES = ("/", "/api/docs", "/api/docs/errors")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(
    small: Small, path: str
) -> None:
    answer = small.page(path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(
        r"<script>|<script(?! src=./assets/)|style=|\son\w+=|(?:src|href)=.https?:", text
    )
    assert text.count("<h1") == 1


def test_the_documentation_shows_every_route(small: Small) -> None:
    text = small.page("/api/docs").get_data(as_text=True)
    described = small.page("/api/v1/openapi.json").json
    assert described is not None
    assert len(described["paths"]) >= 7
    for path in described["paths"]:
        assert f"<code>{path}</code>" in text


def test_every_operation_declares_how_it_refuses(small: Small) -> None:
    described = small.page("/api/v1/openapi.json").json
    assert described is not None
    for operations in described["paths"].values():
        for method in set(operations) & {"get", "post", "put", "delete"}:
            responses = operations[method]["responses"]
            assert {"401", "403"} <= set(responses)
            assert any(code.startswith("2") for code in responses)
    post = described["paths"]["/api/v1/tokens"]["post"]
    assert "Idempotency-Key" in [each["name"] for each in post["parameters"]]
    assert {"409", "413", "415", "422"} <= set(post["responses"])


def test_health_tells_that_nobody_works_without_calling_itself_dead(small: Small) -> None:
    assert small.page("/healthz").json == {"status": "alive"}
    ready = small.page("/readyz")
    assert ready.json is not None
    assert {each["name"] for each in ready.json["checks"]} >= {"database", "schema"}


def test_metrics_are_for_roles_that_may_read_them(small: Small) -> None:
    assert small.page("/metrics").status_code == 401
    assert small.page("/metrics", small.token(Role.AUDITOR)).status_code == 403
    text = small.page("/metrics", small.token(Role.OPERATOR)).get_data(as_text=True)
    assert "attestry_up 1\n" in text
    assert "# TYPE attestry_ledger_pending gauge" in text


def test_in_production_another_host_name_is_refused_but_for_probes(tmp_path: Path) -> None:
    small = open_small(tmp_path, Mode.PRODUCTION)
    wrong = small.page("/", headers={"Host": "evil.example"})
    assert wrong.status_code == 421
    assert "Use the address" in wrong.get_data(as_text=True)
    told = small.page("/api/v1/openapi.json", headers={"Host": "evil.example"}).json
    assert told is not None
    assert told["code"] == "wrong_host"
    assert small.page("/", headers={"Host": "attestry.example"}).status_code == 200
    assert small.page("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_text_between_backticks_is_shown_as_code_and_nothing_runs(small: Small) -> None:
    text = small.page("/api/docs/errors").get_data(as_text=True)
    assert "<code>Retry-After</code>" in text
    assert "`" not in text
    assert str(spoken("a `<b>` <i>")) == "a <code>&lt;b&gt;</code> &lt;i&gt;"
