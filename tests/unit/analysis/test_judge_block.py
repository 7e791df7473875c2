"""One judge of the summary from its counts."""

from __future__ import annotations

from synpref.analysis.judges import judge_block, judge_interval, repairs_of
from synpref.engines.passed import Repairs
from synpref.stage1.agreement import Answer, agreement

SUMS = {
    "verdicts_a": 60, "verdicts_b": 30, "verdicts_no_preference": 5, "verdicts_unparsed": 5, "ordered": 40,
    "changed": 10,
}  # fmt: skip


def test_rates_and_verdicts() -> None:
    repairs = Repairs(asked=7, repaired=4, unparsed=2)
    assert judge_block(SUMS, right=15, asked=20, simulated=True, admitted=False, repairs=repairs) == {
        "simulated": True,
        "admitted": False,
        "gold_agreement": 0.75,
        "position_flip_rate": 0.25,
        "verdicts": {"a": 60, "b": 30, "no_preference": 5, "unparsed": 5},
        "repairs": {"asked": 7, "repaired": 4, "unparsed": 2},
    }


def test_an_answer_that_is_missing_is_wrong_as_it_is_for_admission() -> None:
    said = [Answer("j", one, "a") for one in ("both", "both", "once")]
    right, asked = agreement("j", said, dict.fromkeys(("both", "once", "never"), "a"), wanted=2)
    block = judge_block(SUMS, right=right, asked=asked, simulated=False, admitted=False, repairs=Repairs())
    assert block["gold_agreement"] == 1 / 3


def test_a_judge_that_was_never_asked_both_ways_has_no_rates() -> None:
    block = judge_block({**SUMS, "ordered": 0}, right=0, asked=0, simulated=False, admitted=None, repairs=Repairs())
    assert (block["gold_agreement"], block["position_flip_rate"], block["admitted"]) == (None, None, None)


def test_repairs_are_summed_over_the_runs_that_asked() -> None:
    one = {
        "repairs": {"j": {"asked": 3, "repaired": 2, "unparsed": 1}, "k": {"asked": 1, "repaired": 1, "unparsed": 0}}
    }
    other = {"repairs": {"j": {"asked": 2, "repaired": 0, "unparsed": 1}}}
    found = repairs_of([one, {"refused": {}}, other, {**one, "stands_since": "a run"}])
    assert found == {"j": Repairs(5, 2, 2), "k": Repairs(1, 1, 0)}


def test_the_interval_of_agreement_is_wilsons() -> None:
    found = judge_interval(15, 20, z=1.96)
    assert found["comparisons"] == 20
    assert 0.53 < found["low"] < found["estimate"] == 0.75 < found["high"] < 0.9
