"""Scores made elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.benchmarks import user_pairs
from synpref.benchmarks.scores import read_scores, score_of
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, WriteRows, pair

ITEMS = [pair("one"), pair("two")]
NAMES = ["one/chosen", "one/rejected", "two/chosen", "two/rejected"]
ROWS = [{"id": name, "score": float(place)} for place, name in enumerate(NAMES)]


@pytest.mark.parametrize("name", ["s.parquet", "s.jsonl", "s.json"])
def test_scores_are_read_by_name(write_rows: WriteRows, name: str) -> None:
    assert read_scores(write_rows(name, ROWS), ITEMS) == {name: float(place) for place, name in enumerate(NAMES)}


def test_scores_are_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("id,score\n" + "".join(f"{row['id']},{row['score']}\n" for row in ROWS), encoding="utf-8")
    assert read_scores(path, ITEMS)["two/rejected"] == 3.0


def test_a_response_id_counts_for_every_place_of_the_response(write_rows: WriteRows) -> None:
    rows: list[Row] = [
        {"id": response, "score": score}
        for response, score in {
            each.response_id: float(each.name.endswith("chosen")) for item in ITEMS for each in item.candidates
        }.items()
    ]
    scores = read_scores(write_rows("s.jsonl", rows), ITEMS)
    overall = user_pairs.score(ITEMS, scores).overall
    assert overall is not None
    assert overall.value == 1.0


def test_a_name_comes_before_a_response_id() -> None:
    (first, _) = ITEMS[0].candidates
    assert score_of({first.name: 2.0, first.response_id: 1.0}, first) == 2.0


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [*ROWS, {"id": "three/chosen", "score": 1.0}],
            "line 5: no candidate of the benchmark has the id 'three/chosen'",
        ),
        ([*ROWS, ROWS[1]], "line 5: the id 'one/rejected' has a score already"),
        (ROWS[:-1], "1 of 4 candidates have no score; the first: two/rejected"),
        ([*ROWS[:3], {"id": NAMES[3], "score": "high"}], "line 4: column 'score' must be a finite number"),
        ([*ROWS[:3], {"id": NAMES[3], "score": None}], "line 4: column 'score' must be a finite number"),
        ([*ROWS[:3], {"id": NAMES[3]}], "line 4: no column 'score'"),
        ([{"name": "x"}], "line 1: no column 'id'"),
    ],
)
def test_a_file_of_scores_that_does_not_fit_is_refused(write_rows: WriteRows, rows: list[Row], told: str) -> None:
    path = write_rows("s.jsonl", rows)
    with pytest.raises(InputError, match=told) as refused:
        read_scores(path, ITEMS)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("score", ["", "much", "nan", "inf"])
def test_a_csv_value_that_is_no_number_is_refused(tmp_path: Path, score: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"id,score\none/chosen,{score}\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2: column 'score' must be a finite number"):
        read_scores(path, ITEMS)


def test_a_csv_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_scores(tmp_path / "s.csv", ITEMS)


def test_a_candidate_without_a_finite_score_is_named() -> None:
    with pytest.raises(InputError, match=r"candidate one/chosen .* has no score"):
        score_of({}, ITEMS[0].candidates[0])
    with pytest.raises(InputError, match="nan is no score"):
        score_of({"one/chosen": float("nan")}, ITEMS[0].candidates[0])
