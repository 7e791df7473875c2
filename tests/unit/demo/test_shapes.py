"""Rows say in every shape what the source said."""

from __future__ import annotations

import json

import pytest

from synpref.demo import malformed, shapes
from synpref.demo.pool import Comparison
from synpref.demo.sources import CHAT, CROWD, EXPERT, VOTES, WEB, Row, Source
from synpref.demo.task import Answer, Message

TURNS = (Message("user", "Hi, I am Bo."), Message("assistant", "Hi!"), Message("user", "Who am I?"))
GOOD, BAD = "You are Bo.", "Go away."


def row(source: Source, preferred: str = "better", *, swapped: bool = False, turns: tuple[Message, ...] = TURNS) -> Row:
    pair = Comparison("c1", turns, Answer(GOOD, "none"), Answer(BAD, "rude"), "a", "conversation", 0.1)
    return Row(source, pair, preferred, swapped)  # type: ignore[arg-type]  # the three words come as parameters here


@pytest.mark.parametrize(("preferred", "chosen"), [("better", GOOD), ("worse", BAD)])
def test_every_shape_puts_the_preferred_text_in_its_place(preferred: str, chosen: str) -> None:
    assert shapes.shared_schema(row(EXPERT, preferred))["chosen"] == chosen
    assert shapes.text(row(WEB, preferred, turns=TURNS[:1]))["chosen"] == chosen
    assert shapes.explicit(row(CROWD, preferred))["chosen"] == [{"role": "assistant", "content": chosen}]
    assert shapes.implicit(row(CHAT, preferred))["chosen"][-1]["content"] == chosen


@pytest.mark.parametrize("preferred", ["better", "worse"])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_vote_names_the_side_where_the_preferred_text_stands(preferred: str, swapped: bool) -> None:
    made = shapes.labelled(row(VOTES, preferred, swapped=swapped))
    assert made[f"response_{made['label']}"] == (GOOD if preferred == "better" else BAD)
    assert {made["response_a"], made["response_b"]} == {GOOD, BAD}


def test_a_vote_can_be_a_tie() -> None:
    assert shapes.labelled(row(VOTES, "tie"))["label"] == "tie"


def test_conversations_are_whole_in_every_shape_that_holds_them() -> None:
    told = [message._asdict() for message in TURNS]
    assert json.loads(shapes.shared_schema(row(EXPERT))["prompt"]) == told
    assert shapes.explicit(row(CROWD))["prompt"] == told
    assert shapes.implicit(row(CHAT))["rejected"][:-1] == told
    assert shapes.labelled(row(VOTES))["prompt"] == told


def test_the_shared_schema_is_all_text_and_says_simulated() -> None:
    made = shapes.shared_schema(row(EXPERT))
    assert all(isinstance(value, str) for value in made.values())
    assert made["label_origin"] == "simulated"


def test_nothing_in_a_row_tells_whether_the_label_is_right() -> None:
    for shape in (shapes.shared_schema, shapes.explicit, shapes.implicit, shapes.labelled):
        assert shape(row(EXPERT)).keys() == shape(row(EXPERT, "worse")).keys()
    right, wrong = (shapes.shared_schema(row(EXPERT, preferred)) for preferred in ("better", "worse"))
    assert {name for name in right if right[name] != wrong[name]} == {"chosen", "rejected"}


def test_broken_text_lines_are_broken_as_named() -> None:
    rows = [row(WEB, turns=TURNS[:1])] * 12
    lines = malformed.broken_text_lines(rows, 3)
    assert {kind: len(found) for kind, found in lines.items()} == dict.fromkeys(lines, 3)
    assert json.loads(lines["missing_response"][0])["rejected"] is None
    assert not json.loads(lines["empty_response"][0])["chosen"].strip()
    same = json.loads(lines["identical_responses"][0])
    assert same["chosen"] == same["rejected"]
    for line in lines["unreadable_row"]:
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)


def test_a_second_final_message_and_a_differing_prompt() -> None:
    (double,) = malformed.multiple_finals([row(CROWD)], 1)
    assert [message["role"] for message in json.loads(double)["chosen"]] == ["assistant", "assistant"]
    (differing,) = malformed.differing_prompts([row(CHAT)], 1)
    made = json.loads(differing)
    assert made["chosen"][0] != made["rejected"][0]
    assert made["chosen"][1:3] == made["rejected"][1:3]
