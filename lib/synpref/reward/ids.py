"""Ids of millions of rows in 16 bytes each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synpref.errors import InputError

Keys = NDArray[np.bytes_]  # of type S16: 16 bytes an id
KEY = np.dtype("S16")

_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_NO_DIGIT = 255
_VALUES = np.full(256, _NO_DIGIT, dtype=np.uint8)
_VALUES[_DIGITS] = np.arange(16, dtype=np.uint8)
_ID = re.compile("[0-9a-f]{32}")


class Ids(Sequence[str]):
    """A sequence of ids of 32 hexadecimal digits (see synpref.pairs.identity), kept as 16 bytes each."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Ids: ...
    def __getitem__(self, index: int | slice) -> str | Ids:
        """The id at a place, or those of a slice."""
        if isinstance(index, slice):
            return Ids(self.keys[index])
        return bytes(self.keys[index]).ljust(KEY.itemsize, b"\0").hex()  # numpy strips zero bytes at the end


def pack(column: pa.Array[Any], where: str) -> Keys:
    """Ids of an Arrow column without nulls as keys. Raises InputError, saying `where`, for what is no such id."""
    if not len(column):
        return np.empty(0, dtype=KEY)
    texts = column.cast(pa.string())
    buffers: list[Any] = texts.buffers()  # validity, offsets, characters
    ends = np.frombuffer(buffers[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if (np.diff(ends) != 32).any():
        raise InputError(_no_id(texts, where))
    digits = np.frombuffer(buffers[2], dtype=np.uint8)[ends[0] : ends[-1]]
    values = _VALUES[digits].reshape(-1, 32)
    if (values == _NO_DIGIT).any():
        raise InputError(_no_id(texts, where))
    packed = np.ascontiguousarray(values[:, 0::2] << 4 | values[:, 1::2])
    return packed.view(KEY).ravel()


def hexadecimal(keys: Keys) -> NDArray[np.uint8]:
    """The 32 digits of each id as ASCII codes [ids, 32]."""
    values = np.ascontiguousarray(keys).view(np.uint8).reshape(-1, KEY.itemsize)
    digits = np.empty((len(values), 2 * KEY.itemsize), dtype=np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _DIGITS[values >> 4], _DIGITS[values & 15]
    return digits


def keys_of(ids: Sequence[str]) -> Keys:
    """A key of each id; one that is no 32 digits has a hash for a key, which does not lead back to it."""
    if isinstance(ids, Ids):
        return ids.keys
    return np.array([_key(name) for name in ids], dtype=KEY)


def number(keys: Keys) -> tuple[NDArray[np.int32], Keys]:
    """Number the distinct keys in the order in which they first come: (the number of each, the distinct keys)."""
    fixed: Any = pa.FixedSizeBinaryArray
    whole: Any = np.ascontiguousarray(keys)
    column = fixed.from_buffers(pa.binary(KEY.itemsize), len(keys), [None, pa.py_buffer(whole)])
    coded = column.dictionary_encode()
    distinct = np.frombuffer(coded.dictionary.buffers()[1], dtype=KEY)[: len(coded.dictionary)]
    return coded.indices.to_numpy(), distinct


def contains(ordered: Keys, keys: Keys) -> NDArray[np.bool_]:
    """Which of the keys stand in a sorted array of keys."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=np.bool_)
    where = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[where] == keys
    return found


def _key(name: str) -> bytes:
    if _ID.fullmatch(name):
        return bytes.fromhex(name)
    return hashlib.blake2b(name.encode(), digest_size=KEY.itemsize).digest()


def _no_id(texts: Iterable[Any], where: str) -> str:
    wrong = next(text.as_py() for text in texts if not _ID.fullmatch(text.as_py()))
    return f"{where}: {wrong!r} is no id of 32 hexadecimal digits; make ids as synpref.pairs.identity does"
