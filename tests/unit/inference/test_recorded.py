"""Verdicts recorded by their texts become records by our ids; also for the real verdicts of LLM judges."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.replay import Key, Replay
from synpref.inference.recorded import Shown, records, write_records
from synpref.pairs.identity import comparison_id, orient, prompt_id, response_id

QUESTION = [{"role": "user", "content": "2 + 2?"}]
BENCH = Path(__file__).parents[4] / "shared" / "data" / "bench"


@given(first=st.text("xy", min_size=1), second=st.text("xy", min_size=1))
def test_whoever_stood_first_the_winner_is_the_same_response(first: str, second: str) -> None:
    shown = [
        Shown(QUESTION, first, second, "first", p_first=0.75),
        Shown(QUESTION, second, first, "second", p_first=0.25),
    ]
    found = list(records(shown))
    if first == second:
        assert found == []
        return
    prompt = prompt_id(QUESTION)
    ids = [response_id(prompt, text) for text in (first, second)]
    winner = "ab"[orient(*ids).index(ids[0])]
    assert {row["order"] for row in found} == {"ab", "ba"}
    assert {(row["comparison_id"], row["verdict"], row["p_a"]) for row in found} == {
        (comparison_id(*ids), winner, 0.75 if winner == "a" else 0.25)
    }


def test_a_tie_and_no_verdict_are_told_apart_and_the_first_of_two_counts(tmp_path: Path) -> None:
    shown = [
        Shown(QUESTION, "4", "5", "tie", raw="Both."),
        Shown(QUESTION, "4", "5", "first"),
        Shown(QUESTION, "4", "5", None, sample=1),
    ]
    assert write_records(shown, tmp_path / "r.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(row["sample"], row["verdict"], row["raw"]) for row in rows] == [
        (0, "no_preference", "Both."),
        (1, "unparsed", ""),
    ]


@pytest.mark.skipif(not BENCH.is_dir(), reason="the recorded verdicts of LLM judges are not on this machine")
@pytest.mark.parametrize("judge", ["GPT-4", "PaLM2"])  # the latter at times named no winner
def test_real_verdicts_are_replayed_by_our_ids(tmp_path: Path, judge: str) -> None:
    items = {row["id"]: row for row in pq.read_table(BENCH / "llmbar.parquet").to_pylist()}
    said = [
        row
        for row in pq.read_table(BENCH / "llmbar_verdicts.parquet").to_pylist()
        if (row["judge"], row["strategy"]) == (judge, "Vanilla")
    ]
    # `winner` names an output of the item, whichever was shown first
    shown = [
        Shown(
            [{"role": "user", "content": items[row["id"]]["input"]}],
            items[row["id"]]["output_2" if row["swapped"] else "output_1"],
            items[row["id"]]["output_1" if row["swapped"] else "output_2"],
            {"None": None, "1": "second" if row["swapped"] else "first", "2": "first" if row["swapped"] else "second"}[
                row["winner"]
            ],
        )
        for row in said
    ]
    assert write_records(shown, tmp_path / "llmbar.jsonl") > 0.99 * len(said)
    replay = Replay.load(str(tmp_path / "llmbar.jsonl"))

    right = 0
    for row in said:
        item = items[row["id"]]
        prompt = prompt_id([{"role": "user", "content": item["input"]}])
        ids = [response_id(prompt, item[name]) for name in ("output_1", "output_2")]
        order = "ab" if (orient(*ids)[0] == ids[0]) != row["swapped"] else "ba"
        (found,) = replay.recorded([Key(comparison_id(*ids), order, 0)])
        assert found is not None
        expected = {"1": "ab"[orient(*ids).index(ids[0])], "2": "ab"[orient(*ids).index(ids[1])]}.get(row["winner"])
        right += found.verdict == (expected or "unparsed")
    assert right > 0.99 * len(said)  # seven comparisons stand in the file twice
