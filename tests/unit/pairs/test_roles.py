from __future__ import annotations

import pytest

from synpref.pairs.roles import ALIASES, ROLES, standard_role


@pytest.mark.parametrize(
    ("name", "role"),
    [("human", "user"), ("GPT", "assistant"), (" bot ", "assistant"), ("model", "assistant"), ("tool", "tool")],
)
def test_known_names_become_standard_roles(name: str, role: str) -> None:
    assert standard_role(name) == role


@pytest.mark.parametrize("name", ["", "narrator", "users", "\tuser"])
def test_unknown_names_have_no_role(name: str) -> None:
    assert standard_role(name) is None


def test_aliases_lead_to_standard_roles_only_and_standard_roles_to_themselves() -> None:
    assert set(ALIASES.values()) == set(ROLES)
    assert all(ALIASES[role] == role for role in ROLES)
