"""What an engine is, small enough to travel to every worker: hashable, picklable, and the key of the loaded engines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synpref.errors import InputError
from synpref.inference.cards import DEFAULTS, ELSEWHERE, Option, card_of

if TYPE_CHECKING:
    from synpref.engines.identity import EngineCard


@dataclass(frozen=True)
class EngineSpec:
    """One engine: its kind (see kinds.KINDS), its name for people, the folder of its model, and its options.

    Build it with `of`, which sorts the options. `model_path` must be a path that all workers see, the file of records
    for a judge that is replayed; None only where a server holds the model, or where the option `factory`
    ("module:function", called with the spec) makes an engine without one. Options that do not
    change the output (cards.RUNTIME_OPTIONS) are no part of the engine's identity. dtype None is chosen by measurement.
    """

    kind: str
    name: str
    model_path: str | None = None
    options: tuple[tuple[str, Option], ...] = ()

    @classmethod
    def of(cls, kind: str, name: str, model_path: str | None = None, **options: Option) -> EngineSpec:
        """A spec with its options sorted by name; equal options make equal specs."""
        return cls(kind, name, model_path, tuple(sorted(options.items())))

    def having(self, **options: Option) -> EngineSpec:
        """The same engine with these options set."""
        return replace(self, options=tuple(sorted({**dict(self.options), **options}.items())))

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text option; where absent the kind's default, else `default`. InputError where it is no text."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise InputError(f"engine {self.name}: option {name} is {value!r}; give text")
        return value

    def integer(self, name: str, default: int) -> int:
        """A whole number; where absent the kind's default, else `default`. InputError where it is none."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"engine {self.name}: option {name} is {value!r}; give a whole number")
        return value

    def number(self, name: str, default: float) -> float:
        """A number; where absent the kind's default, else `default`. InputError where it is none."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"engine {self.name}: option {name} is {value!r}; give a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """A yes or no; where absent the kind's default, else `default`. InputError where it is neither."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InputError(f"engine {self.name}: option {name} is {value!r}; give true or false")
        return value

    @property
    def open_dtype(self) -> bool:
        """Whether its number format is still to be chosen: it computes here, and no option names one."""
        return self.text("dtype") is None and self.text("factory") is None and self.kind not in ELSEWHERE

    @property
    def takes_gpu(self) -> bool:
        """Whether it computes on a GPU of the worker where there is one: not behind a server, and not on processors."""
        elsewhere = self.kind in ELSEWHERE or self.text("backend") in ("http", "openvino")
        return not elsewhere and self.text("device") != "cpu"

    @property
    def card(self) -> EngineCard:
        """The engine's identity, read from the model's files. InputError where the folder cannot be read."""
        return card_of(self.kind, self.name, self.model_path, dict(self.options))

    def _given(self, name: str) -> Option:
        value = dict(self.options).get(name)
        return DEFAULTS.get(self.kind, {}).get(name) if value is None else value
