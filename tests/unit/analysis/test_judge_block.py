"""One judge of the summary from its counts."""

from __future__ import annotations

from synpref.analysis.judges import judge_block, judge_interval

SUMS = {
    "verdicts_a": 60, "verdicts_b": 30, "verdicts_no_preference": 5, "verdicts_unparsed": 5, "ordered": 40,
    "changed": 10, "gold_asked": 20, "gold_right": 15,
}  # fmt: skip


def test_rates_and_verdicts() -> None:
    assert judge_block(SUMS, simulated=True, admitted=False) == {
        "simulated": True,
        "admitted": False,
        "gold_agreement": 0.75,
        "position_flip_rate": 0.25,
        "verdicts": {"a": 60, "b": 30, "no_preference": 5, "unparsed": 5},
    }


def test_a_judge_that_was_never_asked_both_ways_has_no_rates() -> None:
    block = judge_block({**SUMS, "ordered": 0, "gold_asked": 0}, simulated=False, admitted=None)
    assert (block["gold_agreement"], block["position_flip_rate"], block["admitted"]) == (None, None, None)


def test_the_interval_of_agreement_is_wilsons() -> None:
    found = judge_interval(SUMS, z=1.96)
    assert found["comparisons"] == 20
    assert 0.53 < found["low"] < found["estimate"] == 0.75 < found["high"] < 0.9
