from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.pairs.labels import canonical_label, preference


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("a", "first"), ("A", "first"), ("0", "first"), ("0.0", "first"), ("A>B", "first"), (" a>b ", "first"),
        ("b", "second"), ("1", "second"), ("B>A", "second"), ("model_b", "second"),
        ("tie", "tie"), ("A=B", "tie"), ("none", "none"), ("", "none"), (None, "none"),
    ],
)  # fmt: skip
def test_spellings_of_a_verdict(label: str | None, meant: str) -> None:
    assert preference(label) == meant


@pytest.mark.parametrize("label", ["c", "2", "-1", "better", "AB", "0.5"])
def test_other_spellings_are_unknown_not_guessed(label: str) -> None:
    assert preference(label) is None


@given(st.sampled_from(["first", "second", "tie", "none"]), st.text(), st.text())
def test_the_canonical_label_does_not_depend_on_the_order_shown(preferred: str, one: str, other: str) -> None:
    swapped = {"first": "second", "second": "first"}.get(preferred, preferred)
    if one != other:
        assert canonical_label(preferred, one, other) == canonical_label(swapped, other, one)


def test_the_smaller_id_is_a() -> None:
    assert canonical_label("first", "1", "2") == "a"
    assert canonical_label("first", "2", "1") == "b"
    assert canonical_label("second", "2", "1") == "a"
    assert canonical_label("tie", "2", "1") == "tie"
