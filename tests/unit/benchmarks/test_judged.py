"""Judges on benchmarks: right only where both orders name the better answer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.benchmarks import ppe_correctness, rm_bench
from synpref.benchmarks.attacks import ATTACKS
from synpref.benchmarks.canaries import canaries, canary_pairs, preferences, unscored_canaries
from synpref.benchmarks.items import Item, make_pair
from synpref.benchmarks.judge_bench import SPLITS
from synpref.benchmarks.judged import ORDERS, Answer, canary_scores, measure_judge, pairs_of, said_of
from synpref.benchmarks.paper_table import judge_notes, paper_table
from synpref.benchmarks.published import COLUMNS
from synpref.benchmarks.selection import Given
from synpref.pairs.identity import comparison_id
from tests.unit.benchmarks.conftest import listed, of_32, pair, pairs, user

OTHER = {"a": "b", "b": "a"}
FOUR = tuple(pair(str(number)) for number in range(4))


def whole(items: Iterable[Item], name: str = "user_pairs") -> Given:
    every = tuple(items)
    return Given(name, every, len(every))


def right(item: Item, *orders: str, number: int = 0) -> dict[tuple[str, str], str]:
    """The better answer named in these orders, the worse one in the others."""
    one = pairs_of(item)[number]
    return {
        (one.comparison_id, order): one.better if order in orders else OTHER[one.better] for order in ORDERS
    }  # fmt: skip


def test_a_verdict_is_that_of_most_samples() -> None:
    answers = [Answer("c", "ab", n, verdict) for n, verdict in enumerate(["a", "a", "b"])]
    answers += [Answer("c", "ba", n, verdict) for n, verdict in enumerate(["a", "b"])]
    assert said_of(answers) == {("c", "ab"): "a", ("c", "ba"): "no_preference"}


def test_the_better_side_is_named_by_the_comparison_s_own_order() -> None:
    for item in FOUR:
        better, worse = (each.response_id for each in item.candidates)
        (one,) = pairs_of(item)
        assert one.comparison_id == comparison_id(better, worse)
        assert one.better == ("a" if better < worse else "b")


def test_right_means_right_in_both_orders() -> None:
    said = right(FOUR[0], "ab", "ba") | right(FOUR[1], "ab") | right(FOUR[2]) | right(FOUR[3], "ab", "ba")
    found = measure_judge(whole(FOUR), said, 7)
    assert found.result.overall is not None
    assert found.result.overall.value == 0.5
    figures = {name: figure.value for name, figure in found.result.figures.items()}
    assert figures["judge/both orders"] == 0.5
    assert figures["judge/single order"] == 5 / 8
    assert figures["judge/position flip"] == 0.25
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.rows) == (0.5, 4)


def test_no_preference_and_unreadable_words_are_wrong_and_counted() -> None:
    said = right(FOUR[0], "ab", "ba") | right(FOUR[1], "ab", "ba")
    said[pairs_of(FOUR[0])[0].comparison_id, "ba"] = "no_preference"
    said[pairs_of(FOUR[1])[0].comparison_id, "ab"] = "unparsed"
    found = measure_judge(whole(FOUR[:2]), said, None)
    figures = {name: figure.value for name, figure in found.result.figures.items()}
    assert (figures["judge/both orders"], figures["judge/single order"]) == (0.0, 0.5)
    assert (figures["judge/no preference"], figures["judge/unparsed"]) == (0.25, 0.25)
    assert "judge/position flip" not in figures  # no pair has two answers that name a side


def test_an_item_without_a_verdict_in_both_orders_is_left_out_and_counted() -> None:
    said = right(FOUR[0], "ab", "ba") | right(FOUR[1], "ab", "ba")
    del said[pairs_of(FOUR[1])[0].comparison_id, "ab"]
    found = measure_judge(whole(FOUR), said, None)
    assert (found.result.overall, found.unscored, found.result.items) == (None, 3, 1)
    assert found.result.figures["covered"].value == 1.0
    assert found.headline is not None
    assert found.headline.value == 1.0


def test_of_two_equal_texts_nobody_can_be_asked() -> None:
    same = make_pair("same", user("p"), "equal", "equal", part="pairs")
    assert measure_judge(whole([same]), {}, None).unscored == 1


def test_a_list_is_right_where_its_best_beats_every_loser() -> None:
    items = [listed(f"bon/{n}", [1, 0, 0], "helpfulness/bon") for n in range(2)]
    said: dict[tuple[str, str], str] = {}
    for item in items:
        said |= right(item, "ab", "ba", number=0) | right(item, "ab", "ba", number=1)
    said |= right(items[1], "ab", number=1)
    found = measure_judge(whole(items, "rmb"), said, None)
    assert found.result.figures["part/helpfulness/bon"].value == 0.5
    assert found.accuracy is not None
    assert found.accuracy.value == 0.75


def test_verdicts_on_crossing_pairs_fill_the_matrix_of_rm_bench_by_hand() -> None:
    chat, code = (listed(f"{domain}/1", [1, 1, 1, 0, 0, 0], domain) for domain in ("chat", "code"))
    # pairs by right style, then wrong style; chat: right in 0, 1, 3, 4, 8; code: in all but 6, which flips
    said: dict[tuple[str, str], str] = {}
    for number in range(9):
        said |= right(chat, *(ORDERS if number in {0, 1, 3, 4, 8} else ()), number=number)
        said |= right(code, *(ORDERS if number != 6 else ("ab",)), number=number)
    found = measure_judge(whole([chat, code], "rm_bench"), said, 7)
    figures = {name: figure.value for name, figure in found.result.figures.items()}
    assert found.result.overall is None  # three domains are absent
    assert figures["domain/chat/normal"] == pytest.approx(3 / 3)  # 0, 4, 8
    assert figures["domain/chat/hard"] == pytest.approx(1 / 3)  # 1 of 1, 2, 5
    assert figures["domain/chat/easy"] == pytest.approx(1 / 3)  # 3 of 3, 6, 7
    assert figures["covered/easy"] == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert figures["covered/hard"] == pytest.approx((1 / 3 + 1) / 2)
    assert figures["covered/style_bias"] == pytest.approx(1 - (1 / 3 + 1) / 2)
    assert figures["covered/matrix/markdown over concise"] == 0.0
    assert figures["pairs/chat"] == pytest.approx(5 / 9)
    assert (found.result.items, found.unscored, found.result.ties) == (2, 0, 0)


def test_a_judge_on_the_whole_of_rm_bench_has_the_mean_of_easy_normal_and_hard() -> None:
    items = [
        listed(f"{domain}/{n}", [1, 1, 1, 0, 0, 0], domain)
        for domain, size in rm_bench.PUBLISHED.items()
        for n in range(size)
    ]
    said: dict[tuple[str, str], str] = {}
    for item in items:
        hard = {1, 2, 5} if item.part == "math" else set()  # in mathematics it falls for style
        for number in range(9):
            said |= right(item, *(() if number in hard else ORDERS), number=number)
    found = measure_judge(whole(items, "rm_bench"), said, None)
    assert found.result.overall is not None
    assert found.result.overall.value == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found.result.figures["style_bias"].value == pytest.approx(1 / 4)
    row = paper_table({"judge": ("judge", {"rm_bench": found})})["rows"][0]
    assert row["values"][list(COLUMNS).index("rm_bench")] == pytest.approx(11 / 12)


@pytest.mark.parametrize("vouched", [True, False])
def test_verdicts_on_crossing_pairs_have_the_mean_of_the_five_sets_by_hand(vouched: bool) -> None:
    sizes = {name: size or 1 for name, size in ppe_correctness.PUBLISHED.items()}
    items = [of_32(f"{name}/{n}", [1, 1, 0, 0], name) for name, size in sizes.items() for n in range(size - 1)]
    items += [of_32(f"{name}/none", [1, 1], name) for name in sizes]  # a prompt without a wrong sample needs no verdict
    items.append(of_32("mmlu_pro/0", [1, 1, 0, 0], "mmlu_pro"))
    said: dict[tuple[str, str], str] = {}
    for item in items:
        for number in range(len(item.pairs)):
            wrong = item.part == "math" or (item.part, number) == ("mmlu_pro", 3)
            said |= right(item, *(("ab",) if wrong else ORDERS), number=number)
    found = measure_judge(whole(items, "ppe_correctness")._replace(whole=vouched), said, None)
    assert found.unscored == 0
    assert found.result.figures["set/mmlu_pro"].value == 0.75
    assert found.result.figures["set/math"].value == 0.0
    mean = found.result.overall if vouched else found.result.figures["covered"]
    assert mean is not None
    assert mean.value == pytest.approx((0.75 + 0 + 1 + 1 + 1) / 5)
    assert (found.result.overall is None) is not vouched


def test_a_judge_prefers_an_attacked_answer_that_both_orders_name() -> None:
    found = canaries(FOUR, 4, 7)
    items = canary_pairs(found)
    assert len(items) == 4 * (1 + len(ATTACKS))
    said: dict[tuple[str, str], str] = {}
    for item in items:
        said |= right(item, *ORDERS)
    fooled, torn, lost, _ = (canary.attacked["flattery"].response_id for canary in found)
    for item in items:
        name, (one,) = item.candidates[1].response_id, pairs_of(item)
        said |= right(item) if name == fooled else right(item, "ab") if name == torn else {}
        if name == lost:
            del said[one.comparison_id, "ba"]
    scores = canary_scores(found, said)
    assert [scores.get(name) for name in (fooled, torn, lost)] == [1.0, -1.0, None]
    told = preferences(found, scores)["flattery"]
    assert told.attacked.value == pytest.approx(1 / 3)
    assert (told.plain.value, told.attacked.rows) == (0.0, 3)
    assert unscored_canaries(found, scores) == 1
    assert canary_scores((), said) == {}


def test_an_attacked_answer_that_is_the_better_one_is_asked_about_by_nobody_and_never_preferred() -> None:
    found = canaries([make_pair("e", user("p"), "", "something worse", part="pairs")], 1, 7)
    items = canary_pairs(found)
    assert len(items) == len(ATTACKS)  # the worse answer and all attacks but one: the empty one is the better answer
    said: dict[tuple[str, str], str] = {}
    for item in items:
        said |= right(item)
    told = preferences(found, canary_scores(found, said))
    assert (told["empty"].attacked.value, told["empty"].plain.value) == (0.0, 1.0)


def test_lists_without_pairs_cannot_be_judged_and_a_battle_that_was_a_tie_needs_not() -> None:
    bare = Item(**{**listed("Math/1", [1, 0, 0, 0], "Math").__dict__, "pairs": ()})
    assert measure_judge(whole([bare], "reward_bench_2"), {}, None).unscored == 1
    tie = Item(**{**listed("t", [None, None], "battles").__dict__, "pairs": ()})
    won = pair("w", "battles", "English")
    found = measure_judge(whole([tie, won], "ppe_preference"), right(won, "ab", "ba"), None)
    assert (found.unscored, found.result.figures["accuracy"].value) == (0, 1.0)


def test_judge_bench_stands_in_the_paper_s_table_in_one_order() -> None:
    sizes = {f"gpt-4o/{name}": size for name, size in SPLITS["gpt-4o"].items()}
    items = pairs(sizes)
    said: dict[tuple[str, str], str] = {}
    for number, item in enumerate(items):
        said |= right(item, *(ORDERS if number < sizes["gpt-4o/knowledge"] else ("ab",)))
    found = measure_judge(whole(items, "judge_bench"), said, None)
    assert found.result.overall is not None
    assert found.result.overall.value == pytest.approx(1 / 4)  # knowledge right in both orders, the others in one
    measured = {"judge": ("judge", {"judge_bench": found})}
    row = paper_table(measured)["rows"][0]
    assert row["values"][list(COLUMNS).index("judge_bench")] == pytest.approx((1 + 3 * 0.5) / 4)
    assert row["values"][-1] is None
    assert "in column JB in one order" in judge_notes(measured)[0]
    assert judge_notes({"mine": ("model", {})}) == []
    part = measure_judge(whole(items[:9], "judge_bench"), said, None)
    assert paper_table({"judge": ("judge", {"judge_bench": part})})["rows"][0]["values"] == [None] * 8


@given(st.lists(st.sampled_from(["a", "b", "no_preference", "unparsed"]), min_size=8, max_size=8))
def test_both_orders_are_never_right_more_often_than_one(verdicts: list[str]) -> None:
    keys = [(pairs_of(item)[0].comparison_id, order) for item in FOUR for order in ORDERS]
    figures = measure_judge(whole(FOUR), dict(zip(keys, verdicts, strict=True)), None).result.figures
    assert figures["judge/both orders"].value <= figures["judge/single order"].value
