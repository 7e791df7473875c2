"""Finds the page's templates: in the installed package, or in the checkout's conf/."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import jinja2

from synpref.report import figures_text

_FOLDER = "report"


def _folder() -> Traversable:
    try:
        packaged = files("synpref.conf") / _FOLDER
        if packaged.is_dir():
            return packaged
    except ModuleNotFoundError:
        pass  # a checkout on the path, not installed
    return Path(__file__).parents[3] / "conf" / _FOLDER


def environment() -> jinja2.Environment:
    """Templates of conf/report by name, every value escaped, an unknown name an error; numbers by filters."""
    folder = _folder()
    loader = jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8"))
    made = jinja2.Environment(
        autoescape=True, loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    for name in ("count", "percent", "error", "points", "duration", "interval", "share", "repairs_told"):
        made.filters[name] = getattr(figures_text, name)
    return made
