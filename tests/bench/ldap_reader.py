"""Reads a directory by the product's own client and keeps nothing; a process of its own.

It is apart so that its memory is that of the read, and not of everything that measures it.
"""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from connectors.ldap.client import LdapClient
from connectors.ldap.config import read_config
from connectors.ldap.entries import Search
from connectors.openldap import mapping
from connectors.openldap.reading import ACCOUNTS, GROUPS, GROUPS_A_PAGE

PER_GROUP = (*mapping.GROUP_ATTRIBUTES, *mapping.MEMBERS.values())
Asked = Sequence[tuple[str, Sequence[str], int]]
OF_LDAP: Asked = ((ACCOUNTS, mapping.ACCOUNT_ATTRIBUTES, 1000), (GROUPS, PER_GROUP, GROUPS_A_PAGE))


def read(settings: dict[str, str], password: str) -> tuple[int, int]:
    """Read every page; return how many entries and values came."""
    made = LdapClient(read_config(settings, {"password": password}))
    entries = values = 0
    for where, attributes, page in OF_LDAP:
        query = Search(where)
        base = made.config.base_dn
        for each in made.search(query, base, where, attributes, page_size=page, is_ahead=True):
            entries += 1
            values += sum(map(len, each.values.values()))
    made.close()
    return entries, values


def peak() -> float:
    """Return the most memory this process has held, in MB.

    Not by `getrusage`, which tells that of the process it was started from, if that was more.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(each.split()[1]) / 1024 for each in lines if each.startswith("VmHWM:"))


if __name__ == "__main__":
    entries, values = read(dict(ast.literal_eval(sys.argv[1])), sys.stdin.read())
    print(f"{peak():.1f} {entries} entries, {values} values")
