"""A fill reads its input in batches that are no longer than a window of its engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from synpref.inference import answering, work
from synpref.inference.arrow_batches import BYTES, RECORDS
from synpref.inference.fill import fill
from synpref.inference.spec import EngineSpec
from synpref.store.warehouse import Warehouse
from tests.spark.inference.test_fill import many

if TYPE_CHECKING:
    from pathlib import Path

    from synpref.inference.answering import Batches
    from tests.spark.inference.conftest import Asked


def test_no_batch_is_longer_than_a_window_and_the_session_keeps_its_settings(
    spark: SparkSession, warehouse: Warehouse, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, plain = tmp_path / "sizes", answering.answering

    def noting(spec: EngineSpec, count_folder: str | None = None) -> Batches:
        answer = plain(spec, count_folder)

        def noted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            def read() -> Iterator[pa.RecordBatch]:
                for batch in batches:
                    with log.open("a") as file:
                        file.write(f"{batch.num_rows}\n")
                    yield batch

            return answer(read())

        return noted

    monkeypatch.setattr(work, "answering", noting)
    before = [spark.conf.get(name) for name in (RECORDS, BYTES)]
    spec = asked.spec("embedder", window=8)
    fill(warehouse, table="embeddings", inputs=many(spark, 50), spec=spec, stage="embed", shard_rows=100, slots=1)
    sizes = [int(line) for line in log.read_text().split()]
    assert (sum(sizes), max(sizes)) == (50, 8)
    assert [spark.conf.get(name) for name in (RECORDS, BYTES)] == before
