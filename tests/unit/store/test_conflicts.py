from __future__ import annotations

import pytest

from synpref.store import conflicts
from synpref.store.conflicts import ATTEMPTS, is_half_created, settled


class Commit:
    """Fails with these errors in turn, then succeeds."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        if self.errors:
            raise RuntimeError(self.errors.pop(0))
        return "committed"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_LONGEST_PAUSE", 0.0)


@pytest.mark.parametrize("code", ["CONCURRENT_APPEND.WITHOUT_HINT", "METADATA_CHANGED", "PROTOCOL_CHANGED"])
def test_a_commit_that_another_crossed_goes_again(code: str) -> None:
    commit = Commit(f"[DELTA_{code}] Transaction conflict", f"io.delta: [DELTA_{code}]")
    assert settled(commit) == "committed"
    assert commit.times == 3


def test_any_other_error_is_raised_at_once() -> None:
    commit = Commit("[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] tokens")
    with pytest.raises(RuntimeError, match="tokens"):
        settled(commit)
    assert commit.times == 1


def test_a_conflict_that_lasts_is_raised_in_the_end() -> None:
    commit = Commit(*["DELTA_CONCURRENT_WRITE"] * 2 * ATTEMPTS)
    with pytest.raises(RuntimeError, match="CONCURRENT"):
        settled(commit)
    assert commit.times == ATTEMPTS


@pytest.mark.parametrize("code", ["CREATE_TABLE_WITH_NON_EMPTY_LOCATION", "TABLE_NOT_FOUND", "CONCURRENT_WRITE"])
def test_a_table_that_another_job_is_just_creating_is_asked_for_again(code: str) -> None:
    commit = Commit(f"[DELTA_{code}] rewards")
    assert settled(commit, is_half_created) == "committed"
    assert commit.times == 2
    with pytest.raises(RuntimeError, match="another folder"):
        settled(Commit("another folder"), is_half_created)
