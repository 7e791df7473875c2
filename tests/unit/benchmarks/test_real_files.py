"""The real benchmark files beside the checkout, where they are: each loads, and its coverage is what is known of it."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from synpref.benchmarks import best_of_n, judge_bench, llmbar, reward_bench, rm_bench, rmb
from synpref.benchmarks.items import Item, distinct_responses
from tests.unit.benchmarks.conftest import perfect

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "bench"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no real benchmark files beside the checkout")


def by_length(items: tuple[Item, ...]) -> dict[str, float]:
    return {each.name: float(len(each.text)) for item in items for each in item.candidates}


def test_reward_bench_covers_eleven_subsets() -> None:
    items = reward_bench.read([FOLDER / "rewardbench_v1_rebuilt_subsets.parquet"])
    result = reward_bench.score(items, perfect(items))
    assert (len(items), result.overall) == (1403, None)
    assert len(result.coverage.missing) == 12
    assert not any(name.startswith("section/") for name in result.figures)


def test_rm_bench_lacks_mathematics() -> None:
    items = rm_bench.read([FOLDER / "rm_bench.parquet"])
    result = rm_bench.score(items, by_length(items))
    assert (len(items), result.overall, result.coverage.missing) == (798, None, ("math",))
    # markdown is longer than plain, which is longer than concise
    assert result.figures["covered/easy"].value > 0.8
    assert result.figures["covered/hard"].value < 0.2


def test_judge_bench_is_whole() -> None:
    items = judge_bench.read([FOLDER / "judgebench.parquet"])
    result = judge_bench.score(items, perfect(items))
    assert (len(items), result.coverage.missing) == (620, ())
    assert result.overall is not None
    assert result.figures["claude/micro"].rows == 270


def test_rmb_has_all_lists_and_lacks_pairs() -> None:
    items = rmb.read([FOLDER / "rmb_pairwise.parquet", FOLDER / "rmb_bon.parquet"])
    result = rmb.score(items, by_length(items))
    assert (len(items), result.overall) == (14_543 + 3_786, None)
    assert result.coverage.missing == ("helpfulness/pairwise", "harmlessness/pairwise")
    # lists and pairs share responses, and each is scored once
    assert len(distinct_responses(items)) < sum(len(item.candidates) for item in items)


def test_llmbar_is_whole() -> None:
    items = llmbar.read([FOLDER / "llmbar.parquet"])
    result = llmbar.score(items, by_length(items))
    assert (len(items), result.coverage.missing) == (1200, ())
    assert result.overall is not None
    # adversarial pairs are made so that the better output looks worse
    assert result.figures["adversarial"].value < result.figures["subset/LLMBar/Natural"].value


def test_best_of_16_has_eleven_judged_candidates_a_prompt() -> None:
    items = best_of_n.read([FOLDER / "bon16_tulu2_alpacaeval.parquet"])
    found = best_of_n.curve(items, by_length(items))
    assert len(items) == 805
    assert found.picked[0].value == pytest.approx(found.oracle[0].value)
    assert found.picked[0].value == pytest.approx(
        fmean(fmean(truth for truth in item.truths if truth is not None) for item in items)
    )
    assert found.oracle[-1].value > found.picked[-1].value
