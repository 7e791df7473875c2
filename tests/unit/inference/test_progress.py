"""What the driver tells of rows, rate and time left."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from synpref.inference import progress
from synpref.inference.progress import Meter, Progress, counted


def test_rows_only_grow_and_the_rate_counts_from_the_first_rows_on() -> None:
    heard: list[Progress] = []
    meter = Meter("rewards", 100, heard.append)
    for rows in (0, 10, 10, 5, 60):
        meter.tell(rows)
    assert [one.rows for one in heard] == [10, 60]
    assert heard[0].rows_per_second is None
    assert heard[0].seconds_left is None
    rate, left = heard[1].rows_per_second, heard[1].seconds_left
    assert rate is not None
    assert left is not None
    assert rate > 0
    assert abs(left * rate - 40) < 1e-6


def test_tokens_are_told_beside_the_rows_with_a_rate_of_their_own() -> None:
    heard: list[Progress] = []
    meter = Meter("rewards", 100, heard.append)
    meter.tell(10, 1000)
    meter.tell(30, 7000)
    assert [one.tokens for one in heard] == [1000, 7000]
    assert heard[0].tokens_per_second is None
    rows, tokens = heard[1].rows_per_second, heard[1].tokens_per_second
    assert rows is not None
    assert tokens == pytest.approx(300 * rows)


def test_the_tasks_counts_are_summed_and_a_count_being_written_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("12 500")
    (tmp_path / "1").write_text("30 70")
    (tmp_path / "2").write_text("")
    (tmp_path / "3").write_text("8")
    assert counted(tmp_path) == (42, 570)


def test_watching_tells_while_the_body_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", 0.01)
    told = Event()
    heard: list[tuple[int, int]] = []

    def listen(one: Progress) -> None:
        heard.append((one.rows, one.tokens))
        told.set()

    (tmp_path / "0").write_text("7 90")
    with Meter("rewards", 100, listen).watching(tmp_path, rows=20, tokens=1000):
        assert told.wait(10)
    assert heard == [(27, 1090)]
