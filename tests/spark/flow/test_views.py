"""Hygiene leaves what people read in a catalog's schema, and does not fail where the catalog has no views."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from synpref.config import inputs_hash, load_settings
from synpref.flow import views
from synpref.jobs import hygiene, ingest
from synpref.quality.gate import Gate
from synpref.session import part
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse


@pytest.fixture
def stage(spark: SparkSession, tmp_path: Path) -> Iterator[Stage]:
    """Over a schema of the session's catalog, with three pairs to read."""
    rows = [{"prompt": f"question {n}?", "chosen": f"right {n}", "rejected": f"wrong {n}"} for n in range(3)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [f"run.dir={tmp_path / 'run'}", f"inputs=[{{path: '{tmp_path}/pairs.jsonl', source: mine}}]"]
    spark.sql("CREATE SCHEMA `synpref_pairs`")
    warehouse = Warehouse(spark, Location(schema="synpref_pairs"))
    yield Stage("ingest", "run", load_settings(["local"], words), warehouse, Gate())
    spark.sql("DROP SCHEMA `synpref_pairs` CASCADE")


def test_pairs_stand_in_the_schema_after_hygiene(spark: SparkSession, stage: Stage) -> None:
    stage.left["ingest", inputs_hash(stage.settings)] = dict(ingest.run(stage).detail)
    hygiene.run(part(stage, "hygiene"))
    read = spark.sql("SELECT chosen, rejected FROM spark_catalog.synpref_pairs.pairs ORDER BY chosen").collect()
    assert [tuple(row) for row in read] == [(f"right {n}", f"wrong {n}") for n in range(3)]


def test_a_catalog_without_views_is_told_of_and_stops_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: Warehouse) -> list[str]:
        raise AnalysisException("Catalog other does not support views.\nand more")

    monkeypatch.setattr(views, "create_views", refuse)
    views.make_views(stage)
    told = capsys.readouterr().err
    assert "refuses the views pairs and current_roles" in told
    assert "Catalog other does not support views." in told
    assert "and more" not in told
