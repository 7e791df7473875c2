from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.demo.estimate import forward_pass, texts_per_second, warning
from synpref.jobs import ingest
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

MODEL = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"


@pytest.mark.parametrize("rate", [70.0, 135.0])
def test_a_machine_as_fast_as_planned_is_told_nothing(rate: float) -> None:
    assert warning(rate) is None


def test_a_slower_machine_is_told_the_minutes_in_proportion() -> None:
    told = warning(35.0)
    assert told is not None
    assert "embeds 35 short texts" in told
    assert "about 20 minutes" in told


def test_the_rate_counts_distinct_texts_after_the_first_batch() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> None:
        time.sleep(0.05 if seen else 0.5)
        seen.extend(texts)

    rate = texts_per_second(embed)
    assert len(set(seen)) == len(seen)
    assert 200 < rate <= 32 / 0.05


@pytest.mark.parametrize(("rate", "lines"), [(20.0, 1), (90.0, 0)])
def test_ingest_tells_the_estimate_before_it_begins_and_only_where_it_is_longer(
    rate: float, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(ingest, "forward_pass", lambda model: len)
    monkeypatch.setattr(ingest, "texts_per_second", lambda embed: rate)
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    ingest._estimate(Stage("ingest", "run", load_settings(["demo"], []), nothing, Gate()))
    told = capsys.readouterr().err
    assert told.count("expect about 35 minutes") == lines
    assert told.count("\n") == lines


def test_a_pass_takes_texts_of_different_lengths() -> None:
    if not MODEL.is_dir():
        pytest.skip("the small model is absent: run `make setup`")
    found: Any = forward_pass(str(MODEL))(["short", "a longer text of some words"])
    assert found.last_hidden_state.shape[0] == 2
