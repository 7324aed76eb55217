"""Names are equal if the directory says so, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.dn import escape_rdn

from connectors.ldap.names import is_within, normal

VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"CN=Semi\3Bcolon,DC=x", r"cn=Semi\;colon,dc=X"),
        (r"cn=new\2C one,dc=x", r"cn=new\, one,dc=x"),
        ("cn=a  b , dc=x", "CN=A B,DC=x"),
        ("cn=a+uid=b,dc=x", "UID=b+cn=A,dc=x"),
        (r'cn="Doe, Jane",dc=x', r"cn=Doe\, Jane,dc=x"),
        (r"cn=Z\C3\B6e,dc=x", "cn=Zöe,dc=x"),
        (r"cn=\20lead,dc=x", r"cn=\ lead,dc=x"),
    ],
)
def test_one_name_written_in_two_ways_is_one(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"cn=a\,dc=x", "cn=a,dc=x"),
        (r"cn=a\\2Cb,dc=x", r"cn=a\2Cb,dc=x"),
        (r"cn=a\+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ("cn=a,dc=x", "cn=a,dc=y"),
        ("cn=a", "uid=a"),
    ],
)
def test_two_names_stay_two(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@given(VALUES, VALUES)
def test_a_value_with_anything_in_it_is_one_part_and_below_its_base(value: str, above: str) -> None:
    base = f"OU={escape_rdn(above)},DC=x"
    name = f"CN={escape_rdn(value)},{base}"
    assert len(normal(name)) == 3
    assert is_within(name, base)
    assert not is_within(base, name)
