"""What the memory sources of these tests show."""

from typing import Any

from connectors.memory.state import State
from connectors.records import Account, Group, Member, MemberKind

ODD = 'O\'Brien, "Zoë" #1 🦊 مدير <b>'


def account(key: str, **more: Any) -> Account:
    facts: dict[str, Any] = {
        "external_id": key,
        "login": key,
        "display_name": key.title(),
        "is_enabled": True,
        "status": "enabled",
        "mail": f"{key}@corp.example",
        "employee_number": f"E-{key}",
    }
    return Account(**{**facts, **more})


def group(key: str, **more: Any) -> Group:
    return Group(**{"external_id": key, "name": f"Group {key}", "kind": "security", **more})


def people(*keys: str) -> list[Member]:
    return [Member(key, MemberKind.ACCOUNT) for key in keys]


def nested(*keys: str) -> list[Member]:
    return [Member(key, MemberKind.GROUP) for key in keys]


def small() -> State:
    return State().add(
        [account("alice", manager_id="bob"), account("bob"), account("eve", is_enabled=False)],
        [group("staff"), group("admins", is_administrative=True)],
        {"staff": [*people("alice", "bob"), *nested("admins")], "admins": people("bob")},
    )


def crowd(count: int) -> State:
    keys = [f"p{number:04}" for number in range(count)]
    return State().add([account(key) for key in keys], [group("all")], {"all": people(*keys)})
