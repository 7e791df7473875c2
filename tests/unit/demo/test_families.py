"""Each family asks many different things, and what it calls wrong is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from synpref.demo.draw import Draw
from synpref.demo.families import FAMILIES, arithmetic, conversation, facts, instructions, rewriting, safety
from synpref.demo.families.facts import TABLES
from synpref.demo.task import FLAWS, Task
from synpref.pairs.normalise import normalise, prompt_group

Make = Callable[[Draw], Task]
FAMILY = pytest.mark.parametrize("make", FAMILIES, ids=lambda make: make.__module__.rsplit(".", 1)[1])


def tasks(make: Make, count: int = 200) -> list[Task]:
    return [make(Draw("test", index)) for index in range(count)]


@FAMILY
def test_a_task_depends_on_its_draw_alone(make: Make) -> None:
    assert make(Draw("x", 3)) == make(Draw("x", 3))


@FAMILY
def test_conversations_alternate_and_end_with_the_user(make: Make) -> None:
    for task in tasks(make, 50):
        roles = [message.role for message in task.messages]
        assert roles == ["user", "assistant", "user"][-len(roles) :]
        assert all(message.content.strip() == message.content != "" for message in task.messages)


@FAMILY
def test_family_is_named_after_its_file(make: Make) -> None:
    assert {task.family for task in tasks(make, 20)} == {make.__module__.rsplit(".", 1)[1]}


@FAMILY
def test_prompts_are_many(make: Make) -> None:
    groups = {prompt_group([message._asdict() for message in task.messages]) for task in tasks(make)}
    assert len(groups) > 130


@FAMILY
def test_flawed_answers_have_known_flaws_and_are_no_good_answers(make: Make) -> None:
    for task in tasks(make):
        good = {normalise(text) for text in task.good}
        assert task.good
        assert task.flawed
        for answer in task.flawed:
            assert answer.flaw in FLAWS
            assert answer.flaw == "format" or normalise(answer.text) not in good


@FAMILY
def test_no_template_is_left_unfilled(make: Make) -> None:
    for task in tasks(make):
        texts = [message.content for message in task.messages] + [*task.good, *(answer.text for answer in task.flawed)]
        assert not [text for text in texts if "{" in text or "}" in text]


def test_sums_are_right_where_good_and_wrong_where_wrong() -> None:
    operations = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
    seen = 0
    for task in tasks(arithmetic.make):
        for text, right in [*((text, True) for text in task.good), *((a.text, False) for a in task.flawed)]:
            if match := re.search(r"makes (\d+), because (\d+) ([-+*]) (\d+) = (\d+)", text):
                result, a, sign, b, again = match.groups()
                assert result == again
                assert (operations[sign](int(a), int(b)) == int(result)) == right
                seen += 1
    assert seen > 30


def test_results_are_never_negative() -> None:
    numbers = [text for task in tasks(arithmetic.make) for text in (*task.good, task.flawed[0].text)]
    assert not [text for text in numbers if re.search(r"(is|makes|gives) -\d", text)]


def test_a_wrong_fact_is_another_rows_answer() -> None:
    answers = {table.what: {answer for _, answer in table.rows} for table in TABLES}
    for task in tasks(facts.make):
        wrong = task.flawed[0].text.lower()
        what = max((name for name in answers if name in task.messages[0].content), key=len)
        named = [a for a in answers[what] if re.search(rf"\b{re.escape(a.lower())}\b", wrong)]
        assert named
        assert wrong not in {text.lower() for text in task.good}


def test_each_table_asks_a_name_once() -> None:
    for table in TABLES:
        assert len({name for name, _ in table.rows}) == len(table.rows)


def test_good_lists_keep_the_asked_form_and_bad_ones_do_not() -> None:
    asked = [task for task in tasks(instructions.make, 400) if "separated by semicolons" in task.messages[0].content]
    sizes = {"two": 2, "three": 3, "four": 4}
    assert asked
    for task in asked:
        match = re.search(r"Name (\w+) (\w+) other than (\w+),", task.messages[0].content)
        assert match
        items = task.good[0].split("; ")
        assert len(set(items)) == sizes[match.group(1)]
        assert match.group(3) not in items
        assert ";" not in task.flawed[0].text


def test_asked_openings_are_kept_or_ignored() -> None:
    asked = [task for task in tasks(instructions.make, 400) if task.messages[0].content.startswith("Begin")]
    assert asked
    for task in asked:
        word = task.messages[0].content.split("'")[1]
        assert all(text.startswith(word) for text in task.good)
        assert not task.flawed[0].text.startswith(word)


def test_riddles_do_not_name_what_they_describe() -> None:
    asked = [task for task in tasks(instructions.make, 400) if "as a riddle" in task.messages[0].content]
    assert asked
    for task in asked:
        thing = task.messages[0].content.split("Describe ")[1].split(" without")[0]
        assert not [text for text in task.good if thing in text.lower()]
        assert thing in task.flawed[0].text.lower()


def test_rewrites_keep_the_name_and_wrong_ones_change_the_meaning() -> None:
    for task in tasks(rewriting.make):
        wrong = next(answer.text for answer in task.flawed if answer.flaw == "wrong")
        assert wrong not in task.good


def test_harm_is_refused_and_harmless_wishes_are_helped_with() -> None:
    kinds = {"harmful": 0, "over_refusal": 0}
    for task in tasks(safety.make):
        flaw = task.flawed[0].flaw
        kinds[flaw] += 1
        refuses = [re.search(r"\b(can't|won't|No) help\b", text) is not None for text in task.good]
        assert all(refuses) if flaw == "harmful" else not any(refuses)
    assert min(kinds.values()) > 40


def test_good_answers_remember_what_was_told_and_wrong_ones_name_something_else() -> None:
    for task in tasks(conversation.make):
        told = task.messages[0].content
        for text in task.good:
            assert any(word.strip(".,") in told for word in text.split() if word[0].isupper())
        wrong = task.flawed[0].text.split()[-1].strip(".")
        assert wrong not in told
