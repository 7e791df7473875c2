from __future__ import annotations

import os
from types import ModuleType

import pytest

from synpref.engines import vllm_library


def test_vllm_is_imported_with_its_reports_to_its_maker_off(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def import_module(name: str) -> ModuleType:
        seen.update(os.environ)
        return ModuleType(name)

    for variable in ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(variable, "0")
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    monkeypatch.setattr(vllm_library, "import_module", import_module)
    assert vllm_library.imported("vllm").__name__ == "vllm"
    assert (seen["VLLM_NO_USAGE_STATS"], seen["DO_NOT_TRACK"]) == ("1", "1")
    assert seen["VLLM_ENABLE_V1_MULTIPROCESSING"] == "1"  # what somebody chose
