"""The summary as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synpref.report.console import summary_text

Make = Callable[..., dict[str, Any]]


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


def test_counts_agreement_flip_rates_and_accuracies_are_told(summary: Make) -> None:
    text = summary_text(summary())
    assert _line(text, "hygiene").split() == ["hygiene", "7,292", "6,871", "392", "29", "0", "0", "4.2", "s"]
    assert "benchmark_prompt_13gram 21" in text
    assert "75.7 %" in _line(text, "source labels")
    assert all(figure in _line(text, "kept") for figure in ("3,012", "91.1 %", "89.9 to 92.3 %", "81.2 %"))
    assert "41.0 %" in _line(text, "flipped")
    assert all(figure in _line(text, "careful") for figure in ("simulated", "yes", "84.0 %", "5.0 %"))
    assert all(figure in _line(text, "smollm2") for figure in ("model", "no", "88.0 %"))
    assert "1,240 of 1,250 repaired, 7 unparsed" in _line(text, "smollm2")
    assert "repaired" not in _line(text, "careful")
    assert "70.2 %" in _line(text, "source labels of all")
    assert "74.4 %" in _line(text, "kept and flipped pairs")
    assert "minus original: +2.2 to +6.2 points" in text
    assert "148 expectations in 6 suites, 0 failed" in text


def test_what_engines_gave_no_answer_to_is_told(summary: Make) -> None:
    text = summary_text(summary())
    assert "stage2: no answer by engines: engine_unreachable 2" in text
    assert "stage2: no answer by engines: overlong 4" in text


def test_what_was_cut_to_an_engine_s_length_is_told(summary: Make) -> None:
    lines = [line for line in summary_text(summary()).splitlines() if "cut to" in line]
    assert lines == ["  stage2: cut to an engine's maximum length: 1,204 inputs"]


def test_how_many_answers_of_attributes_engines_are_valid_is_told(summary: Make) -> None:
    lines = [line.strip() for line in summary_text(summary()).splitlines() if "valid answers" in line]
    assert lines == ["attributes: valid answers: smollm2 2 of 6", "attributes: valid answers: second 1,400 of 1,400"]


def test_notes_stand_below_the_figures(summary: Make) -> None:
    text = summary_text(summary(), ["People are simulated.", "Judge \x1b[2J was refused: 2 of 32 right."])
    assert text.endswith(
        "Notes\n  People are simulated.\n  Judge \N{REPLACEMENT CHARACTER}[2J was refused: 2 of 32 right.\n"
    )
    assert "Notes" not in summary_text(summary())


def test_few_groups_are_said_to_be_few(summary: Make) -> None:
    assert "few groups (12)" in summary_text(summary())


def test_a_run_without_truth_judges_and_models_is_short(summary: Make) -> None:
    text = summary_text(summary(labels=None, judges={}, reward_models={}, intervals={}))
    assert "truth" not in text
    assert "Judges" not in text
    assert "Reward models" not in text
    assert "Gate" in text
    assert _line(text, "keep") == "  keep 3,012: both_agree 2,600, judges_agree 412"
    assert _line(text, "flip") == "  flip 640: both_reject 640"
    assert _line(text, "drop") == "  drop 768: judges_against 268, split 500"


def test_a_run_that_keeps_nothing_says_so(summary: Make) -> None:
    text = summary_text(summary(decisions=[{"decision": "drop", "reason": "split", "rows": 3}]))
    assert _line(text, "keep") == "  keep 0"


def test_names_cannot_steer_the_terminal(summary: Make) -> None:
    judge = summary()["judges"]["careful"]
    text = summary_text(summary(judges={"\x1b[2Jevil\n  Gate: all fine": judge}))
    assert "\x1b" not in text
    assert sum(line.startswith("Gate") or "  Gate" in line[:6] for line in text.splitlines()) == 1


def test_columns_line_up(summary: Make) -> None:
    lines = summary_text(summary()).splitlines()
    start = lines.index("Stages")
    assert len({len(line) for line in lines[start + 1 : start + 8]}) == 1
