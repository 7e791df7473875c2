"""A file that two inputs hold would count twice."""

from __future__ import annotations

import pytest

from synpref.errors import InputError
from synpref.jobs.ingest import once_only


def test_two_inputs_with_one_file_are_named() -> None:
    with pytest.raises(InputError, match=r"inputs d/ and d/a\.jsonl hold the same file f1; name it once"):
        once_only([("d/", ["f1", "f2"]), ("d/a.jsonl", ["f1"])])


def test_one_input_that_is_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"inputs a\.jsonl and a\.jsonl hold the same file /a\.jsonl"):
        once_only([("a.jsonl", ["/a.jsonl"]), ("a.jsonl", ["/a.jsonl"])])


def test_different_files_pass() -> None:
    once_only([("a", ["f1"]), ("b", ["f2", "f3"]), ("c", [])])
