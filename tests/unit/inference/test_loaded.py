"""Engines in one process: loaded once per spec, the last three kept."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from synpref.errors import InputError
from synpref.inference import loaded
from synpref.inference.spec import EngineSpec


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    module = ModuleType("engines_of_this_test")

    def make(spec: EngineSpec) -> object:
        names.append(spec.name)
        return object()

    monkeypatch.setattr(module, "make", make, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(loaded, "_loaded", type(loaded._loaded)())
    return names


def spec(name: str) -> EngineSpec:
    return EngineSpec.of("embedder", name, factory="engines_of_this_test:make")


def test_an_engine_is_loaded_once_for_equal_specs(made: list[str]) -> None:
    assert loaded.engine(spec("a")) is loaded.engine(spec("a"))
    assert loaded.engine(spec("b")) is not loaded.engine(spec("a"))
    assert made == ["a", "b"]


def test_the_engine_that_was_not_used_for_longest_makes_room(made: list[str]) -> None:
    for name in "abcad":  # b is the one not used for longest when d comes
        loaded.engine(spec(name))
    for name in "acdb":
        loaded.engine(spec(name))
    assert made == ["a", "b", "c", "d", "b"]


@pytest.mark.parametrize("factory", ["no_such_module:make", "engines_of_this_test:nothing", "engines_of_this_test", ""])
def test_a_factory_that_cannot_be_imported_is_an_input_error(factory: str, made: list[str]) -> None:
    with pytest.raises(InputError, match="cannot be imported"):
        loaded.engine(EngineSpec.of("embedder", "x", factory=factory))
