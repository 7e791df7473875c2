"""What a stage hands to the stages after it in the same run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from pyspark.sql import SparkSession

from synpref.config import campaign_id, load_settings
from synpref.quality.gate import Gate
from synpref.session import part
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse


def _stage(folder: Path) -> Stage:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))  # reading a table would fail
    return Stage("ingest", "run", load_settings(["demo"], []), nothing, Gate())


def test_a_later_stage_of_the_run_reads_no_table_for_what_an_earlier_one_left(tmp_path: Path) -> None:
    ingest = _stage(tmp_path)
    ingest.leave({"file_ids": ["f"]}, None)
    score = part(ingest, "score")
    campaign = campaign_id(ingest.settings, ["f"])
    assert score.campaign() == campaign
    score.leave({"gold_engine": "e"}, campaign)
    assert part(ingest, "stage2").left_by("score", campaign) == {"gold_engine": "e"}


def test_a_repeated_stage_hands_on_its_last_detail(tmp_path: Path) -> None:
    stage = part(_stage(tmp_path), "train")
    stage.leave({"sizes": 1}, "c")
    stage.leave({"sizes": 2}, "c")
    assert stage.left_by("train", "c") == {"sizes": 2}


def test_a_stage_knows_whether_another_has_run_for_its_campaign(tmp_path: Path) -> None:
    ingest = _stage(tmp_path)
    ingest.leave({"file_ids": ["f"]}, None)
    train, campaign = part(ingest, "train"), ingest.campaign()
    train.leave({"models": {}}, campaign)
    assert part(ingest, "evaluate").has_left("train")
    # other inputs than those of ingest have no campaign
    other = load_settings(["demo"], ["generated.prompts=9"])
    nowhere = replace(ingest, settings=other, warehouse=_NoTables())
    assert not nowhere.has_left("train")
    assert not replace(ingest, warehouse=_NoTables()).has_left("stage2")


def test_a_model_is_found_in_the_run_s_folder_wherever_that_lay_when_it_was_trained(tmp_path: Path) -> None:
    noted = {"name": "gold", "model_id": "m1", "path": "runs/before it was moved/models/m1"}
    stage = replace(_stage(tmp_path), settings=load_settings(["demo"], [f"run.dir={tmp_path}"]))
    assert stage.model_folder(noted) == tmp_path / "models" / "m1"


class _NoTables(Warehouse):
    """A warehouse in which nothing was made yet; it needs no session."""

    def __init__(self) -> None:
        super().__init__(cast("SparkSession", None), Location(path="nowhere"))

    def exists(self, table: str) -> bool:
        return False
