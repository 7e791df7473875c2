"""Real preference files, where they are at hand: every row of every file is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.pairs.ingest import read_input
from synpref.pairs.write import count_rows

PAIRS = Path(__file__).parents[4] / "shared" / "data" / "pairs"
ROWS = {
    "alpaca_eval_llm_judged": 103_378,
    "copilot_arena_examples": 112,
    "dpo_demo_en_zh": 1_100,
    "dsp_domain_test": 10_576,
    "dsp_webgpt_test": 656,
    "finegrained_rlhf_dev": 2_616,
    "hh_harmless_base_test": 2_312,
    "llmbar_processed_human": 466,
    "pandalm_test": 894,
    "ukp_convarg1": 12_792,
    "ultrafeedback_clean_1200": 1_200,
    "xstest_derived_pairs": 976,
}


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the real preference files are not on this machine")
@pytest.mark.parametrize("name", ROWS)
def test_a_real_file_is_read_and_its_rows_add_up(spark: SparkSession, name: str) -> None:
    ingested = read_input(spark, path=str(PAIRS / f"{name}.parquet"), source=name)
    (counts,) = count_rows(ingested.files, ingested.occurrences, [ingested.file_ids])
    assert ingested.shape == "json_prompt"
    assert counts.rows_in == ROWS[name]
    assert counts.reconcile()
    assert counts.comparisons + counts.duplicates > 0.9 * counts.rows_in
