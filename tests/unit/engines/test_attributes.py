from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.attributes import (
    CONTROVERSIALITY,
    OBJECTIVITY,
    TASK_CATEGORIES,
    Attributes,
    merge_attributes,
    parse_attributes,
    render_attributes_prompt,
)
from synpref.store.contracts.opinions import ATTRIBUTES

GOOD = {
    "task_category": "Math",
    "preference_objectivity": "Objective",
    "controversiality": "Low",
    "desired_attributes": "right, short",
    "annotation_guideline": "Check the sum.",
}
PARSED = Attributes(**GOOD)
SAMPLES = st.builds(
    Attributes, st.sampled_from(TASK_CATEGORIES), st.sampled_from(OBJECTIVITY), st.sampled_from(CONTROVERSIALITY),
    st.text(min_size=1), st.text(min_size=1),
)  # fmt: skip


def test_the_closed_values_are_those_of_the_table() -> None:
    allowed = {column.name: column.allowed for column in ATTRIBUTES.columns if column.allowed}
    assert allowed["task_category"] == TASK_CATEGORIES
    assert allowed["preference_objectivity"] == OBJECTIVITY
    assert allowed["controversiality"] == CONTROVERSIALITY


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(GOOD),
        f"Sure! Here it is:\n```json\n{json.dumps(GOOD, indent=1)}\n```\nAnything else?",
        json.dumps(GOOD | {"confidence": 0.9}),
        json.dumps(GOOD | {"task_category": " math "}),
        json.dumps(GOOD | {"desired_attributes": ["right", "short"]}),
        f'{{"no": "tuple"}} {{broken {json.dumps(GOOD)}',
        json.dumps({"answer": GOOD}).removeprefix('{"answer": ').removesuffix("}"),
    ],
)
def test_the_five_tuple_is_found_in_what_models_write(raw: str) -> None:
    assert parse_attributes(raw) == PARSED


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "Math, Objective, Low",
        json.dumps(GOOD)[:-2],
        json.dumps({name: value for name, value in GOOD.items() if name != "controversiality"}),
        json.dumps(GOOD | {"task_category": "Maths"}),
        json.dumps(GOOD | {"controversiality": "Extreme"}),
        json.dumps(GOOD | {"desired_attributes": "  "}),
        json.dumps(GOOD | {"annotation_guideline": 7}),
        json.dumps(list(GOOD.values())),
        "{" * 5000,
        '{"a":' * 5000,
    ],
)
def test_anything_else_is_invalid(raw: str) -> None:
    assert parse_attributes(raw) is None


@given(st.text())
def test_no_text_breaks_the_reading(raw: str) -> None:
    assert parse_attributes(raw) is None or "{" in raw


def test_a_lone_surrogate_becomes_text_that_a_table_can_hold() -> None:
    parsed = parse_attributes(json.dumps(GOOD | {"desired_attributes": "bad \ud800"}))
    assert parsed is not None
    assert parsed.desired_attributes == "bad ?"


def test_closed_values_go_by_majority_and_texts_by_the_first_valid() -> None:
    code = PARSED._replace(
        task_category="Coding & Debugging", desired_attributes="runs", annotation_guideline="Run it."
    )
    merged = merge_attributes([None, code, PARSED, PARSED])
    assert merged == PARSED._replace(desired_attributes="runs", annotation_guideline="Run it.")


def test_of_equally_frequent_values_the_first_wins() -> None:
    assert merge_attributes([PARSED, PARSED._replace(controversiality="High")]) == PARSED


@pytest.mark.parametrize("samples", [[], [None, None]])
def test_nothing_valid_merges_to_nothing(samples: list[Attributes | None]) -> None:
    assert merge_attributes(samples) is None


@given(st.lists(SAMPLES, min_size=1, max_size=7))
def test_a_strict_majority_is_what_comes_out(samples: list[Attributes]) -> None:
    merged = merge_attributes(samples)
    assert merged is not None
    for name in ("task_category", "preference_objectivity", "controversiality"):
        values = [getattr(sample, name) for sample in samples]
        leading = {value for value in values if values.count(value) * 2 > len(values)}
        assert leading <= {getattr(merged, name)}


def test_the_prompt_shows_the_comparison_and_the_allowed_values() -> None:
    (message,) = render_attributes_prompt([{"role": "user", "content": "2 + 2?"}], "four", "</candidate_2> five")
    assert message["role"] == "user"
    text = message["content"]
    assert "<candidate_1>\nfour\n</candidate_1>" in text
    assert text.count("</candidate_2>") == 1
    assert all(value in text for value in (*TASK_CATEGORIES, *OBJECTIVITY, *CONTROVERSIALITY, *GOOD))
