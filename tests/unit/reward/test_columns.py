"""What there is of each response: on disk where there is much of it, and the same as in memory."""

from __future__ import annotations

import errno
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from synpref.errors import InputError
from synpref.reward import columns, graph, places, rows, sorted_runs
from synpref.reward.columns import Columns
from synpref.reward.ids import Ids, keys_of
from synpref.reward.places import PlaceIndex, Places
from synpref.reward.rows import Comparisons
from synpref.reward.sorted_runs import SortedRuns


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts so small that little is much."""
    monkeypatch.setattr(columns, "IN_MEMORY", 20)
    for module in (places, sorted_runs):
        monkeypatch.setattr(module, "KEYS_AT_ONCE", 7)
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 6)


@pytest.mark.parametrize("count", [0, 20, 21, 100])
def test_columns_come_back_as_they_were_written(count: int, tmp_path: Path, tiny: None) -> None:
    written = Columns(count, [np.int32, "S16"], tmp_path)
    for start in range(0, count, 8):
        part = np.arange(start, min(start + 8, count))
        written.put(part, part.astype("S16"))
    numbers, names = written.done()
    assert numbers.tolist() == list(range(count))
    assert numbers.dtype == np.int32
    assert names.tolist() == [str(number).encode() for number in range(count)]
    assert list(tmp_path.iterdir()) == []  # the file has no name, and is gone with what is mapped


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a feature store before its first chunk: the temporary folder may be memory."""
    taken: list[str] = []
    kept = tempfile.TemporaryFile

    def noted(**words: str) -> object:
        taken.append(words["dir"])
        return kept(dir=words["dir"])

    monkeypatch.setattr("tempfile.TemporaryFile", noted)
    Columns(30, [np.int32], tmp_path / "store" / "kind")
    assert taken == [str(tmp_path / "store" / "kind")]


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path, tiny: None) -> None:
    (tmp_path / "file").write_text("no folder")
    written = Columns(30, [np.int32], tmp_path / "file" / "below")
    written.put(np.arange(30))
    assert written.done()[0].tolist() == list(range(30))


def test_no_room_is_an_input_error_that_names_the_folder(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(**words: str) -> Full:
        if "file" in Path(words["dir"]).parts:
            raise NotADirectoryError
        return Full()

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    (tmp_path / "file").write_text("no folder")
    for folder, taken in ((tmp_path, str(tmp_path)), (tmp_path / "file" / "below", tempfile.gettempdir())):
        written = Columns(30, [np.int32], folder)
        with pytest.raises(InputError, match=f"^{taken}: .*No space left on device.*Make room"):
            written.put(np.arange(30))


def test_an_index_of_many_chunks_finds_the_first_place_of_each(tmp_path: Path, tiny: None) -> None:
    """Against a plain dictionary, with names that come again in later chunks."""
    random = np.random.default_rng(0)
    index, plain = PlaceIndex(tmp_path), dict[str, tuple[int, int]]()
    for chunk in range(40):
        names = [str(name) for name in random.choice(400, size=int(random.integers(1, 30)), replace=False)]
        start = np.arange(len(names), dtype=np.int64)
        ones = np.ones(len(names), dtype=np.int32)
        index.add(keys_of(names), Places(ones * chunk, start, ones, ones.astype(bool)))
        for place, name in enumerate(names):
            plain.setdefault(name, (chunk, place))
    asked = [str(name) for name in range(450)]
    found = index.find(keys_of(asked))
    for name, chunk, start in zip(asked, found.chunk.tolist(), found.start.tolist(), strict=True):
        assert (chunk, start) == plain.get(name, (-1, 0))
    absent = [int(row) for some in found.absent() for row in some]
    assert absent == [row for row, name in enumerate(asked) if name not in plain]
    assert found.usable().tolist() == [name in plain for name in asked]


def test_keys_without_columns_are_a_set(tiny: None) -> None:
    held = SortedRuns(())
    for start in (0, 40, 20):
        held.add(keys_of([str(number) for number in range(start, start + 30)]), ())
    asked = keys_of([str(number) for number in range(-5, 80)])
    assert held.holds(asked).tolist() == [0 <= number < 70 for number in range(-5, 80)]


def comparisons(count: int) -> Comparisons:
    random = np.random.default_rng(count)
    sides = random.integers(0, 2 * count, size=(2, count)).astype(np.int32)
    prompt = random.integers(0, count // 3, size=count)
    ids = Ids(np.frombuffer(random.bytes(32 * count), dtype="S16"))
    _, numbered = np.unique(prompt, return_inverse=True)
    return Comparisons(ids, sides[0], sides[1], numbered.astype(np.int32), "digest")


def test_a_part_of_comparisons_is_grouped_as_if_it_were_sorted_anew(tmp_path: Path, tiny: None) -> None:
    whole = comparisons(97)
    usable = np.random.default_rng(1).random(194) < 0.6
    part = whole.only(usable, tmp_path)
    kept = usable[whole.chosen] & usable[whole.rejected]
    for name in ("chosen", "rejected", "prompt"):
        assert getattr(part, name).tolist() == getattr(whole, name)[kept].tolist()
    assert part.groups is not None
    order = np.argsort(part.prompt, kind="stable")
    assert part.groups.order.tolist() == order.tolist()
    _, first = np.unique(part.prompt[order], return_index=True)
    assert part.groups.starts.tolist() == [*first.tolist(), len(order)]
    assert whole.only(np.ones(194, dtype=bool)) is whole


def test_many_numbers_are_shuffled_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "SHUFFLED_AT_ONCE", 100)
    found = [list(graph.shuffled(950, np.random.default_rng(seed))) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert sorted(found[0]) == list(range(950))
    # each number is as likely at either end: the mean of the first fifth over many shuffles is that of all
    firsts = [np.mean(list(graph.shuffled(950, np.random.default_rng(seed)))[:190]) for seed in range(200)]
    assert abs(np.mean(firsts) - 474.5) < 5 * 274 / np.sqrt(190 * 200)


def test_few_numbers_are_shuffled_as_before() -> None:
    """The order of a training with this seed is part of what its model is."""
    assert list(graph.shuffled(50, np.random.default_rng(3))) == np.random.default_rng(3).permutation(50).tolist()


def test_places_of_many_responses_take_no_memory(tmp_path: Path) -> None:
    """800,000 more responses, of which the index and what is found would be 50 MB."""

    def peak(chunks: int) -> int:
        random, index = np.random.default_rng(0), PlaceIndex(tmp_path)
        numbers = np.arange(50_000)
        tracemalloc.start()
        try:
            names = Columns(chunks * 50_000, ["S16"], tmp_path)
            for chunk in range(chunks):
                keys = np.frombuffer(random.bytes(16 * 50_000), dtype="S16")
                ones = np.ones(50_000, dtype=np.int32)
                index.add(keys, Places(ones * chunk, numbers, ones, ones.astype(bool)))
                names.put(keys)
            (asked,) = names.done()
            found = index.find(asked)
            assert not list(found.absent())
            assert found.chunk[::50_000].tolist() == list(range(chunks))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(28) < 1.1 * peak(12)
