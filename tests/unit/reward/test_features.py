"""The cache of frozen layers' output."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synpref.engines.tokenise import Conversation, gives_segments
from synpref.errors import InputError
from synpref.reward import extraction, features
from synpref.reward.backbones import load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.features import FeatureStore


def rows(*lengths: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(4, length)).astype(np.float32).T for length in lengths]  # of any order in memory


def test_what_was_appended_is_read_back_and_nothing_stays_mapped(tmp_path: Path) -> None:
    store, other = FeatureStore(tmp_path / "f"), FeatureStore(tmp_path / "f")
    first, second = rows(3, 1), rows(2)
    store.append(["a", "b"], first, [True, False])
    store.append(["c"], second, [False])
    assert other.missing(["a", "b", "c", "d"]) == {"d"}
    for name, row in zip("abc", [*first, *second], strict=True):
        np.testing.assert_array_equal(other.read(name), row)
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()  # mapped pages count as memory of the driver
    assert other.lengths(["c", "a"]).tolist() == [2, 3]
    assert other.locate(["a", "b", "c"]).truncated.tolist() == [True, False, False]


def test_the_first_chunk_by_name_wins_for_every_reader(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    store.append(["a"], rows(2), [False])
    store.append(["a"], rows(5), [False])
    readers = [FeatureStore(tmp_path) for _ in range(2)]
    assert [reader.missing(["a"]) for reader in readers] == [set(), set()]
    assert len({int(reader.lengths(["a"])[0]) for reader in readers}) == 1


def test_own_chunks_are_known_without_a_look_and_those_of_others_with_one(tmp_path: Path) -> None:
    store, other = FeatureStore(tmp_path), FeatureStore(tmp_path)
    store.append(["a"], rows(2), [False])
    other.append(["b"], rows(3), [False])
    assert other.find(["a", "b"]).length.tolist() == [0, 3]
    assert other.locate(["a", "b"]).length.tolist() == [2, 3]


def test_a_fill_lists_the_folder_once(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chunks it writes, and in how many parts the responses come."""
    monkeypatch.setattr(extraction, "CHUNK_BYTES", 1)
    kind = FeatureKind("f", None, 32, "truncate_left")
    store = open_features(tmp_path, kind)
    source = Source(store, kind, tiny_bert, load_tokenizer(tiny_bert))
    parts = [([f"{part}"], [Conversation([{"role": "user", "content": "q"}], "a")]) for part in range(6)]
    looks: list[Path] = []
    listed = Path.glob

    def counted(folder: Path, pattern: str) -> Iterator[Path]:
        looks.append(folder)
        return listed(folder, pattern)

    monkeypatch.setattr(Path, "glob", counted)
    assert fill_features(source, [*parts, *parts]) == 6
    assert looks == [store.folder]


@pytest.mark.parametrize(
    ("backbone", "told", "width"), [("tiny_bert", ["token_type_ids"], 2), ("tiny_bert", [], 1), ("tiny_llama", [], 1)]
)
def test_token_ids_stand_alone_where_the_tokenizer_tells_no_segments(
    backbone: str, told: list[str], width: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Half the disk for a decoder; refused responses, which are empty, lie in one chunk with the others."""
    folder: Path = request.getfixturevalue(backbone)
    tokenizer = load_tokenizer(folder)
    tokenizer.model_input_names = ["input_ids", "attention_mask", *told]
    kind = FeatureKind("f", None, 16, "refuse", gives_segments(tokenizer))
    store = open_features(tmp_path, kind)
    talks = [Conversation([{"role": "user", "content": "q"}], text) for text in ("a", "b " * 40)]
    for name, talk in zip("ab", talks, strict=True):
        fill_features(Source(store, kind, folder, tokenizer), [([name], [talk])])
    fill_features(Source(store, kind, folder, tokenizer), [(["c", "d"], talks)])
    assert [store.read(name).shape[1] for name in "abcd"] == [width] * 4
    assert [len(store.read(name)) > 0 for name in "abcd"] == [True, False] * 2


def test_stores_with_and_without_segments_are_two_and_one_of_states_is_one() -> None:
    kinds = [FeatureKind("f", layers, 32, "refuse", segments) for layers in (None, 3) for segments in (True, False)]
    assert len({kind.key for kind in kinds[:2]}) == 2
    assert kinds[2].key == kinds[3].key
    assert kinds[0].key == FeatureKind("f", None, 32, "refuse").key


def test_a_chunk_without_index_does_not_count(tmp_path: Path) -> None:
    """What a kill between the two files leaves."""
    FeatureStore(tmp_path).append(["a"], rows(2), [False])
    next(tmp_path.glob("*.parquet")).unlink()
    assert FeatureStore(tmp_path).missing(["a"]) == {"a"}


def test_a_store_that_was_never_written_lacks_everything(tmp_path: Path) -> None:
    assert FeatureStore(tmp_path / "none").missing(["a"]) == {"a"}


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
def test_a_broken_chunk_is_named(tmp_path: Path, suffix: str) -> None:
    FeatureStore(tmp_path).append(["a"], rows(2), [False])
    next(tmp_path.glob(f"*.{suffix}")).write_bytes(b"\x93NUMPY broken")
    with pytest.raises(InputError, match="broken feature chunk"):
        FeatureStore(tmp_path).missing(["a"])


@pytest.mark.parametrize("writer", ["numpy.lib.format.write_array_header_1_0", "pyarrow.parquet.write_table"])
def test_a_full_disk_is_told_and_leaves_what_was_held(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FeatureStore(tmp_path / "f")
    store.append(["a"], rows(2), [False])
    before = sorted((tmp_path / "f").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(writer, full)
        with pytest.raises(InputError, match=r"f/[0-9a-f]+\.part: features could not be written .*No space left.*Make"):
            store.append(["b"], rows(3), [False])
    assert sorted((tmp_path / "f").iterdir()) == before
    assert store.missing(["a", "b"]) == {"b"}
    store.append(["b"], rows(3), [False])
    assert store.missing(["a", "b"]) == set()


def test_more_chunks_than_files_may_be_open_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "OPEN_FILES", 2)
    store = FeatureStore(tmp_path)
    made = rows(1, 2, 3, 4)
    for number, row in enumerate(made):
        store.append([str(number)], [row], [False])
    for number in (0, 1, 2, 3, 0, 2):
        np.testing.assert_array_equal(store.read(str(number)), made[number])
