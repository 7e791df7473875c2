"""Sources err at their stated rates, and planted repeats are what their names say."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from synpref.demo.pool import Pool
from synpref.demo.sources import CROWD, FALSE_TIES, PLANTED, SOURCES, VOTES, WEB, Row, Source, label, plant

SEED = 11


@pytest.fixture(scope="module")
def rows(made: Pool) -> list[Row]:
    return label(SEED, made.pool)


@pytest.fixture(scope="module")
def four_times(made: Pool) -> list[Row]:
    return [row for seed in range(4) for row in label(seed, made.pool)]


@pytest.fixture(scope="module")
def planted(rows: list[Row]) -> dict[str, list[Row]]:
    return plant(SEED, rows)


def original(rows: list[Row]) -> dict[str, Row]:
    return {row.comparison.id: row for row in rows}


def test_every_comparison_has_one_source(made: Pool, rows: list[Row]) -> None:
    assert [row.comparison for row in rows] == made.pool


def test_shares_of_sources_make_a_whole() -> None:
    assert sum(source.share for source in SOURCES) == pytest.approx(1)
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    assert all(source.name.startswith("generated-") for source in SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_errs_at_its_rate(four_times: list[Row], source: Source) -> None:
    clear = [row for row in four_times if row.source is source and not row.comparison.tie() and row.preferred != "tie"]
    noise = source.noise
    wrong = sum(row.preferred == "worse" for row in clear) / len(clear)
    # three standard errors of this many labels
    assert wrong == pytest.approx(noise, abs=3 * (noise * (1 - noise) / len(clear)) ** 0.5)


def test_noise_does_not_depend_on_how_hard_a_pair_is(rows: list[Row]) -> None:
    web = [row for row in rows if row.source is WEB and not row.comparison.tie()]
    hard = [row.preferred == "worse" for row in web if row.comparison.difficulty > 0.5]
    easy = [row.preferred == "worse" for row in web if row.comparison.difficulty <= 0.5]
    assert sum(hard) / len(hard) == pytest.approx(sum(easy) / len(easy), abs=0.12)


def test_text_rows_hold_one_turn_only(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    everything = [*rows, *(row for kind in planted.values() for row in kind)]
    assert {len(row.comparison.messages) for row in everything if row.source is WEB} == {1}
    assert {len(row.comparison.messages) for row in everything if row.source is CROWD} == {1, 3}


def test_only_the_votes_say_tie(rows: list[Row]) -> None:
    ties = [row for row in rows if row.preferred == "tie"]
    assert {row.source for row in ties} == {VOTES}
    clear = [row for row in rows if row.source is VOTES and not row.comparison.tie()]
    assert sum(row.preferred == "tie" for row in clear) / len(clear) == pytest.approx(FALSE_TIES, abs=0.03)


def test_true_ties_get_either_label_elsewhere(rows: list[Row]) -> None:
    labels = Counter(row.preferred for row in rows if row.comparison.tie() and row.source is not VOTES)
    assert min(labels["better"], labels["worse"]) > 0


def test_labels_depend_on_the_comparison_not_on_its_neighbours(made: Pool, rows: list[Row]) -> None:
    assert label(SEED, made.pool[100:110]) == rows[100:110]
    assert label(SEED + 1, made.pool) != rows


def test_planted_shares_are_as_stated(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    assert {kind: len(found) for kind, found in planted.items()} == {
        kind: round(share * len(rows)) for kind, share in PLANTED.items()
    }


def test_a_comparison_is_repeated_in_one_way_at_most(planted: dict[str, list[Row]]) -> None:
    kinds = defaultdict(list)
    for kind, found in planted.items():
        for row in found:
            kinds[row.comparison.id].append(kind)
    assert all(len(found) == 1 for found in kinds.values())


def test_repeats_within_a_source_are_the_same_row(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    assert set(planted["duplicate_within"]) <= set(rows)


def test_repeats_across_sources_agree(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    for row in planted["duplicate_across"]:
        first = original(rows)[row.comparison.id]
        assert row.source is not first.source
        assert row.preferred == first.preferred


def test_swapped_repeats_show_the_other_side_first(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    for row in planted["duplicate_swapped"]:
        first = original(rows)[row.comparison.id]
        assert (row.source, row.preferred, row.swapped) == (VOTES, first.preferred, not first.swapped)


def test_conflicts_prefer_the_other_side(rows: list[Row], planted: dict[str, list[Row]]) -> None:
    for row in planted["conflict"]:
        first = original(rows)[row.comparison.id]
        assert {row.preferred, first.preferred} == {"better", "worse"}
        assert row.source is not first.source
