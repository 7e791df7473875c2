from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.serialise import serialise
from synpref.engines.transcript import transcript

ASK = [{"role": "user", "content": "2 + 2?"}]
ATTRIBUTES = {
    "task_category": "Math",
    "preference_objectivity": "Objective",
    "controversiality": "Low",
    "desired_attributes": "right, short",
    "annotation_guideline": "Check the sum.",
}


def test_attributes_stand_before_the_conversation_the_closed_ones_nearest() -> None:
    text = serialise(ASK, ATTRIBUTES)
    assert text == "Guideline: Check the sum.\nA good answer: right, short\nTask: Math, Objective, Low\n2 + 2?"


def test_without_attributes_the_conversation_stands_alone() -> None:
    assert serialise(ASK, None) == "2 + 2?"
    assert serialise(ASK, dict.fromkeys(ATTRIBUTES)) == "2 + 2?"


def test_a_null_attribute_is_left_out() -> None:
    text = serialise(ASK, ATTRIBUTES | {"desired_attributes": None, "controversiality": None})
    assert text == "Guideline: Check the sum.\nTask: Math, Objective\n2 + 2?"


def test_several_turns_carry_their_roles() -> None:
    turns = [{"role": "system", "content": "Be brief."}, *ASK]
    assert transcript(turns) == "system: Be brief.\nuser: 2 + 2?"
    assert transcript([{"role": "assistant", "content": "4"}]) == "assistant: 4"


@given(st.text(), st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), st.none() | st.text()))
def test_the_conversation_always_ends_the_text(content: str, attributes: dict[str, str | None]) -> None:
    assert serialise([{"role": "user", "content": content}], attributes).endswith(content)
