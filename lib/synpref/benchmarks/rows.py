"""What a reader may ask of a row of a benchmark file; each refusal names the file, the row and the column."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from synpref.errors import InputError
from synpref.pairs.roles import standard_role

Messages = tuple[Mapping[str, str], ...]


class BadRowError(InputError):
    """A row that cannot be used; the message names file and row.

    reason: code of `pairs.reasons` where one fits. original: the row as JSON, or the line that is none.
    """

    def __init__(self, row: Row, problem: str, reason: str | None = None, original: str | None = None) -> None:
        super().__init__(f"{row.path}: {row.place}: {problem}")
        self.row, self.problem, self.reason = row, problem, reason
        self.original = json.dumps(row.values, default=str) if original is None else original

    def because(self, reason: str) -> BadRowError:
        """The same with a reason."""
        return BadRowError(self.row, self.problem, reason, self.original)


@dataclass(frozen=True)
class Row:
    """One row: its file, its place there ("row 3", "line 4"), and its columns.

    Every method takes the names that a column goes by, uses the first that is there, and raises InputError where none
    is or where the value is not of the kind asked for.
    """

    path: Path
    place: str
    values: Mapping[str, Any]

    def error(self, problem: str, reason: str | None = None) -> BadRowError:
        """An error to raise, with the file and the row before the problem. reason: see BadRowError."""
        return BadRowError(self, problem, reason)

    def has(self, *names: str) -> bool:
        """Tell whether one of the columns is there and not null."""
        return any(self.values.get(name) is not None for name in names)

    def text(self, *names: str) -> str:
        """A text; it may be empty."""
        name, value = self._value(names)
        return self._as_text(name, value)

    def name(self, *names: str) -> str:
        """An id, given as text or as a whole number."""
        name, value = self._value(names)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not self._as_text(name, value).strip():
            raise self.error(f"column {name!r} is empty")
        return str(value)

    def texts(self, *names: str, least: int = 1) -> list[str]:
        """A list of at least so many texts."""
        name, value = self._value(names)
        if not isinstance(value, list):
            raise self.error(f"column {name!r} must be a list of texts, not {_kind(value)}")
        if len(value) < least:
            raise self.error(f"column {name!r} holds {len(value)} texts, fewer than {least}")
        return [self._as_text(f"{name}[{place}]", each) for place, each in enumerate(value)]

    def parts(self, *names: str) -> list[Row]:
        """A list of at least one object, each as a row of its own."""
        name, value = self._value(names)
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            raise self.error(f"column {name!r} must be a list of at least one object")
        return [Row(self.path, f"{self.place}, {name}[{place}]", each) for place, each in enumerate(value)]

    def part(self, name: str) -> Row:
        """An object, as a row of its own."""
        _, value = self._value((name,))
        if not isinstance(value, dict):
            raise self.error(f"column {name!r} must be an object, not {_kind(value)}")
        return Row(self.path, f"{self.place}, {name}", value)

    def one_of(self, allowed: Collection[str], *names: str) -> str:
        """A text among those allowed."""
        value = self.text(*names)
        if value not in allowed:
            raise self.error(f"column {names[0]!r}: unknown value {value!r}; known: {', '.join(sorted(allowed))}")
        return value

    def number(self, *names: str) -> float:
        """A finite number."""
        name, value = self._value(names)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"column {name!r} must be a finite number, not {value!r}")
        try:
            number = float(value)
        except OverflowError as error:
            raise self.error(f"column {name!r} holds a number that no score can have") from error
        if not isfinite(number):
            raise self.error(f"column {name!r} must be a finite number, not {value!r}")
        return number

    def conversation(self, *names: str) -> Messages:
        """A prompt: messages, such a list as JSON text, or plain text, which is one user turn.

        A message is {role, content}, or {from, value} as ShareGPT names the two.
        """
        name, value = self._value(names)
        told = _listed(value)
        if told is None:
            return ({"role": "user", "content": self._as_text(name, value)},)
        return self._messages(name, told)

    def messages(self, *names: str) -> Messages:
        """A list of at least one message, also as JSON text."""
        name, value = self._value(names)
        told = _listed(value)
        if told is None:
            raise self.error(f"column {name!r} must be a list of messages {{role, content}}, not {_kind(value)}")
        return self._messages(name, told)

    def _messages(self, name: str, told: list[Any]) -> Messages:
        return tuple(self._message(f"{name}[{place}]", each) for place, each in enumerate(told))

    def _message(self, name: str, value: object) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise self.error(f"column {name!r} must be a message {{role, content}}, not {_kind(value)}")
        content = self._as_text(f"{name}.content", _first(value, "content", "value"))
        role = self._as_text(f"{name}.role", _first(value, "role", "from"))
        standard = standard_role(role)
        if standard is None:
            raise self.error(f"column {name!r}: unknown role {role!r}", "unknown_role")
        return {"role": standard, "content": content}

    def _value(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            if name in self.values:
                return name, self.values[name]
        raise self.error(
            f"no column {' or '.join(map(repr, names))}; found: {', '.join(map(str, self.values)) or 'none'}"
        )

    def _as_text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            parts = "content_not_text" if isinstance(value, list) and name.endswith(".content") else None
            raise self.error(f"column {name!r} must be text, not {_kind(value)}", parts)
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.error(f"column {name!r} holds half a surrogate pair, which no UTF-8 text can") from error
        return value


def _listed(value: object) -> list[Any] | None:
    """A non-empty list of messages, also out of JSON text; None for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            return None
        # a prompt may itself be a JSON list: only one of messages is a conversation
        if not (isinstance(value, list) and all(map(_is_message, value))):
            return None
    return value if isinstance(value, list) and value else None


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and bool({"role", "from"} & value.keys())


def _first(message: Mapping[str, Any], name: str, other: str) -> object:
    return message.get(other) if message.get(name) is None else message[name]


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
