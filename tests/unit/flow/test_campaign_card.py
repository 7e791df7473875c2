"""What the cards of a campaign's final models say of their training sets."""

from __future__ import annotations

from synpref.flow.campaign_card import of_training_set
from synpref.report.model_card import DataFacts

FACTS = DataFacts({"table decisions": "version 3"}, {"validation": 5}, {"validation": 2}, {"tie": 1}, 4, [], "b")
DECIDED = {"keep": 70, "flip": 20, "drop": 10}


def test_each_training_set_leaves_out_what_was_decided_against() -> None:
    original = of_training_set(FACTS, "original", 95, DECIDED)
    filtered, corrected = (of_training_set(FACTS, mix, 70, DECIDED) for mix in ("filtered", "filtered_corrected"))
    assert original.refused == {"tie": 1}
    assert filtered.refused == {"tie": 1, "decision flip": 20, "decision drop": 10}
    assert corrected.refused == {"tie": 1, "decision drop": 10}
    assert original.sizes == {"validation": 5, "train": 95}
    assert corrected.data == {"table decisions": "version 3", "training set": "kept and flipped pairs"}
