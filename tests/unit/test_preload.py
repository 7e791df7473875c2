"""Heavy libraries: loaded beside other work, and a missing one is left to who uses it."""

from __future__ import annotations

import sys
import threading

import pytest

from synpref import preload


def test_libraries_load_in_the_background_and_a_missing_one_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.setattr(preload, "HEAVY", ("no_such_library", "colorsys"))
    preload.preload()
    for thread in threading.enumerate():
        if thread.name == "preload":
            thread.join(30)
    assert "colorsys" in sys.modules
