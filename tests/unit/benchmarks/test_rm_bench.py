"""RM-Bench: the matrix of styles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import rm_bench
from synpref.benchmarks.items import Item, Response, make_item
from synpref.benchmarks.rm_bench import PUBLISHED, STYLES
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, perfect, user


def item(name: str, domain: str) -> Item:
    """An item as the reader builds it: three styles right, three wrong, nine pairs."""
    sides = (("chosen", 1.0), ("rejected", 0.0))
    responses = [
        Response(f"{side}/{style}", f"{side} {style} {name}", truth) for side, truth in sides for style in STYLES
    ]
    pairs = [(better, 3 + worse) for better in range(3) for worse in range(3)]
    return make_item(name, user(name), responses, part=domain, pairs=pairs)


def scores(of: Item, chosen: list[float], rejected: list[float]) -> dict[str, float]:
    return dict(zip((each.name for each in of.candidates), [*chosen, *rejected], strict=True))


FULL = [item(f"{domain}/{number}", domain) for domain, size in PUBLISHED.items() for number in range(size)]
SMALL = [item("chat/1", "chat"), item("code/1", "code")]
FANCY = {style: float(place) for place, style in enumerate(STYLES)}


def by_style(items: list[Item]) -> dict[str, float]:
    """A scorer that sees nothing but style."""
    return {each.name: FANCY[each.name.rpartition("/")[2]] for one in items for each in one.candidates}


def row(number: int, **changed: object) -> Row:
    texts = {side: [f"{side} {style}" for style in STYLES] for side in ("chosen", "rejected")}
    return {"id": number, "prompt": f"p{number}", **texts, "domain": "chat", **changed}


def test_the_published_sizes_sum_to_1327() -> None:
    assert len(FULL) == 1327


def test_the_matrix_by_hand() -> None:
    one = item("chat/1", "chat")
    # right answers 3, 5, 1 (plain to fancy), wrong ones 2, 4, 0
    figures = rm_bench.score([one], scores(one, [3, 5, 1], [2, 4, 0])).figures
    # concise: beats 2 and 0; plain: beats 2, 4, 0; markdown: beats 0 only
    assert figures["covered/normal"].value == pytest.approx(1.0)  # 3>2, 5>4, 1>0
    assert figures["covered/hard"].value == pytest.approx(2 / 3)  # 3>4 no, 3>0, 5>0
    assert figures["covered/easy"].value == pytest.approx(1 / 3)  # 5>2, 1>2 no, 1>4 no
    assert figures["covered/style_bias"].value == pytest.approx(1 / 3)
    assert figures["covered/matrix/concise over plain"].value == 0.0
    assert figures["covered/matrix/plain over concise"].value == 1.0


def test_safety_is_one_domain_of_both_kinds() -> None:
    items = [item("a", "safety-refuse"), item("b", "safety-response"), item("c", "safety-response"), item("d", "chat")]
    result = rm_bench.score(items, perfect(items) | inverted(items[:1]))
    assert result.figures["domain/safety"].value == pytest.approx(2 / 3)
    # the plain mean of two domains, not of four items
    assert result.figures["covered/hard"].value == pytest.approx((2 / 3 + 1) / 2)


def test_overall_is_the_mean_over_domains_and_difficulties_by_hand() -> None:
    result = rm_bench.score(FULL, perfect(FULL) | by_style([one for one in FULL if one.part == "math"]))
    # style alone: easy 1, normal 0 (equal scores are wrong), hard 0
    assert result.overall is not None
    assert result.figures["easy"].value == pytest.approx(1.0)
    assert result.figures["normal"].value == pytest.approx(3 / 4)
    assert result.figures["domain/math"].value == pytest.approx(1 / 3)
    assert result.overall.value == pytest.approx((1 + 3 / 4 + 3 / 4) / 3)


def test_the_published_rows_of_the_paper_are_the_mean_of_three() -> None:
    # paper.md §5.2: V2-Llama-3.1-8B, 92.8
    assert sum([97.0, 95.0, 86.5]) / 3 == pytest.approx(92.8, abs=0.05)


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = rm_bench.score(FULL, scorer(FULL))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)
    assert result.figures["style_bias"].value == pytest.approx(0.0)
    assert result.ties == (9 * 1327 if scorer is constant else 0)


def test_a_missing_domain_leaves_no_overall_and_names_what_is_covered() -> None:
    items = [one for one in FULL if one.part != "math"]
    result = rm_bench.score(items, perfect(items))
    assert (result.overall, result.coverage.missing) == (None, ("math",))
    assert "hard" not in result.figures
    assert result.figures["covered/hard"].value == pytest.approx(1.0)
    assert "domain/math" not in result.figures


def test_an_interval_resamples_prompts() -> None:
    few = FULL[::20]
    result = rm_bench.score(few, perfect(few) | inverted(few[::2]), seed=7)
    figure = result.figures["covered/hard"]
    assert result.figures["covered/matrix/plain over concise"].interval is None
    assert figure.interval is not None
    assert figure.interval.low < figure.value < figure.interval.high


@settings(deadline=None, max_examples=25)
@given(any_scores(SMALL))
def test_an_inverted_scorer_has_the_rest_but_for_ties(own: dict[str, float]) -> None:
    first = rm_bench.score(SMALL, own)
    second = rm_bench.score(SMALL, {name: -score for name, score in own.items()})
    names = ("covered/easy", "covered/normal", "covered/hard")
    assert sum(each.figures[name].value for each in (first, second) for name in names) <= 3 + 1e-9
    if first.ties == 0:
        for name in names:
            assert first.figures[name].value + second.figures[name].value == pytest.approx(1.0)


@settings(deadline=None, max_examples=25)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], own: dict[str, float]) -> None:
    assert rm_bench.score(shuffled, own) == rm_bench.score(SMALL, own)


@pytest.mark.parametrize("name", ["total_dataset.json", "total.parquet"])
def test_published_rows_are_read(write_rows: WriteRows, name: str) -> None:
    (first, _) = rm_bench.read([write_rows(name, [row(1), row(2)])])
    assert (first.id, first.part, len(first.pairs), first.right) == ("chat/1", "chat", 9, (0, 1, 2))


def test_code_may_share_an_id_over_languages(write_rows: WriteRows) -> None:
    rows = [row(8, domain="code", language=language) for language in ("cpp", "go")]
    assert [one.id for one in rm_bench.read([write_rows("a.json", rows)])] == ["code/cpp/8", "code/go/8"]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(2, domain="chess"), "column 'domain': unknown value 'chess'"),
        (row(1), "the id 'chat/1' stands already"),
        (row(2, chosen=["a", "b"]), "column 'chosen' holds 2 texts, fewer than 3"),
        (row(2, rejected=["a"] * 4), "column 'rejected' holds 4 responses, not one in each of"),
        (row(2, chosen=["a", "b", None]), r"'chosen\[2\]' must be text, not null"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"row 1: .*{told}"):
        rm_bench.read([write_rows("a.json", [row(1), bad])])
