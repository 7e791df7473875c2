"""All known shapes, and which of them a file has."""

from __future__ import annotations

from synpref.errors import InputError, SettingsError
from synpref.pairs.readers.conversational import CONVERSATIONAL
from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.implicit import IMPLICIT
from synpref.pairs.readers.json_prompt import JSON_PROMPT
from synpref.pairs.readers.labelled import LABELLED
from synpref.pairs.readers.shape import Shape
from synpref.pairs.readers.text import TEXT

SHAPES: dict[str, Shape] = {shape.name: shape for shape in (CONVERSATIONAL, JSON_PROMPT, IMPLICIT, TEXT, LABELLED)}


def _known() -> str:
    return "\n".join(f"  {shape.name}: {shape.needs}" for shape in SHAPES.values())


def _found(fields: Fields) -> str:
    return ", ".join(f"{name} ({fields.kinds[name]})" if name in fields.kinds else name for name in fields.names)


def choose_shape(fields: Fields, forced: str, path: str) -> Shape:
    """Choose the reader for a file: the forced one, or with "auto" the first that its columns match.

    Raises InputError with the columns found and the shapes known where none matches or a forced one lacks columns;
    SettingsError where the forced name is unknown.
    """
    if forced == "auto":
        shape = next((shape for shape in SHAPES.values() if shape.matches(fields.kinds)), None)
        if shape is None:
            raise InputError(
                f"{path}: no known shape of preference data.\nColumns found: {_found(fields)}\n"
                f"Shapes known:\n{_known()}\n"
                "Rename the columns, or set `shape` of this input to one of them."
            )
        return shape
    if forced not in SHAPES:
        raise SettingsError(f"shape: {forced!r} is none of auto, {', '.join(SHAPES)}")
    missing = [" or ".join(names) for names in SHAPES[forced].columns if not set(names) & set(fields.names)]
    if missing:
        raise InputError(
            f"{path}: shape {forced} needs {SHAPES[forced].needs}; missing: {', '.join(missing)}. "
            f"Columns found: {_found(fields)}"
        )
    return SHAPES[forced]
