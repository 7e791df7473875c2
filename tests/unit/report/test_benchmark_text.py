"""Benchmark results as text: the paper's layout, baselines beside it, and what is missing said."""

from __future__ import annotations

from typing import Any

from synpref.report.benchmark_plots import best_of_n_plot
from synpref.report.benchmark_text import benchmark_text

_LISTS = ("notes", "figures", "curves", "curve_notes", "breakdowns", "correlations", "robustness")


def _lines(told: dict[str, Any], start: str) -> list[list[str]]:
    return [line.split() for line in benchmark_text(told).splitlines() if line.strip().startswith(start)]


def test_ours_stand_above_the_published_rows_with_a_dash_for_what_is_missing(benchmarks: dict[str, Any]) -> None:
    lines = benchmark_text(benchmarks).splitlines()
    places = [
        next(place for place, line in enumerate(lines) if line.startswith(f"  {name}"))
        for name in ("overall figures", "mine <b>", "length only", "V2-Qwen3-0.6B", "\N{EN DASH} RM-B: a sample of 798")
    ]
    assert places == sorted(places)
    assert lines[places[1]].split() == ["mine", "<b>", "65.1", "\N{EN DASH}", "\N{EN DASH}"]
    assert lines[places[3]].split() == ["V2-Qwen3-0.6B", "published", "85.2", "74.4", "70.9"]


def test_a_figure_has_its_interval_and_says_what_it_covers(benchmarks: dict[str, Any]) -> None:
    text = benchmark_text(benchmarks)
    assert "51.2 %  48.2 to 54.2 %  790 of 1,327" in " ".join(text.split("\n"))
    first = _lines(benchmarks, "rm_bench")[0]
    assert first[-3:] == ["8", "+0.41", "+12.3"]
    assert "judge judge on rm_bench: right in one order 81.0 %; verdict changes with the order 25.0 %" in text
    assert "1,327" in _lines(benchmarks, "rm_bench")[2]  # all of them: not "of"


def test_rows_that_were_refused_have_a_column_and_are_named(benchmarks: dict[str, Any]) -> None:
    assert "refused" not in benchmark_text(benchmarks)
    text = benchmark_text({**benchmarks, "refused_rows": ["user_pairs: tie 4 (line 2 of a.jsonl)"]})
    assert "no score  refused  length r" in text
    assert "  rows refused and left out, of user_pairs: tie 4 (line 2 of a.jsonl)" in text


def test_a_mean_of_what_is_covered_is_said_to_be_none_of_the_paper_s(benchmarks: dict[str, Any]) -> None:
    assert "covered" not in benchmark_text(benchmarks)
    row = {**benchmarks["figures"][0], "benchmark": "reward_bench_2", "figure": "covered"}
    text = benchmark_text({**benchmarks, "figures": [row]})
    assert "covered: mean of the subsets there, not the paper's" in text
    assert "covered  51.2 %" in text


def test_of_lists_in_parts_the_mean_is_told_with_the_oracle(benchmarks: dict[str, Any]) -> None:
    assert _lines(benchmarks, "best_of_n/koala") == []
    mine, oracle = _lines({**benchmarks, "curve_notes": []}, "best_of_n/mean")
    assert mine[-3:] == ["0.300", "0.350", "0.410"]
    assert oracle[1:] == ["oracle", "0.300", "0.500", "0.700"]


def test_where_a_curve_ends_and_why_is_said_below_it(benchmarks: dict[str, Any]) -> None:
    text = benchmark_text(benchmarks)
    assert "\n  best_of_n/mean: ends at n = 4, since 2 of 30 lists hold no more candidates\n" in text
    assert "of 9 lists" not in text  # a part that the mean stands for
    # what a part is said to leave out is told where the part itself is
    one = {**benchmarks, "curves": benchmarks["curves"][:1]}
    assert "best_of_n/koala: ends at n = 4, since 2 of 9 lists" in benchmark_text(one)


def test_categories_and_quarters_are_told_and_many_categories_only_counted(benchmarks: dict[str, Any]) -> None:
    lines = [line.split() for line in benchmark_text(benchmarks).splitlines()]
    assert ["rm_bench", "hard", "33.3", "44.4"] in lines
    assert ["rm_bench", "mine", "<b>", "12.5", "25.0", "37.5", "50.0"] in lines
    assert ["rmb:", "49", "categories,", "see", "the", "report", "or", "benchmarks.json"] in lines
    assert not any("scenario" in line for line in lines)


def test_an_attack_that_wins_beyond_its_interval_is_marked(benchmarks: dict[str, Any]) -> None:
    text = benchmark_text(benchmarks)
    (row,) = [line for line in text.splitlines() if line.startswith("  length only") and "100" in line]
    assert row.split()[-3:] == ["20.0", "65.0*", "1.0"]


def test_what_was_left_out_and_correlations_are_told(benchmarks: dict[str, Any]) -> None:
    text = benchmark_text(benchmarks)
    assert "mine <b>: 2 lists\n" in text
    assert ["rm_bench", "rmb", "-0.50", "3"] in _lines(benchmarks, "rm_bench")


def test_control_characters_cannot_steer_the_terminal(benchmarks: dict[str, Any]) -> None:
    row = {"name": "a\x1b[2Jb", "kind": "model", "values": [None, None, None]}
    table = {**benchmarks["table"], "rows": [row]}
    assert "\x1b" not in benchmark_text({**benchmarks, "table": table, "notes": ["a\x1b"]})


def test_nothing_measured_is_nothing_told(benchmarks: dict[str, Any]) -> None:
    empty: dict[str, list[Any]] = {name: [] for name in _LISTS}
    assert benchmark_text({**benchmarks, **empty, "unscored": {}}).strip() == ""
    assert best_of_n_plot([]) is None


def test_curves_are_drawn_by_list(benchmarks: dict[str, Any]) -> None:
    image = best_of_n_plot(benchmarks["curves"])
    assert image is not None
    assert image.startswith("data:image/svg+xml;base64,")
