"""Libraries that take seconds to load, loaded while the driver would only wait for the JVM."""

from __future__ import annotations

import contextlib
import importlib
import threading

HEAVY = ("torch", "transformers.models.auto.modeling_auto", "great_expectations")


def preload() -> None:
    """Begin to import what the stages need later; whoever imports one of them meanwhile waits for it as usual."""
    threading.Thread(target=_load, name="preload", daemon=True).start()


def _load() -> None:
    for name in HEAVY:
        with contextlib.suppress(ImportError):  # told where it is used
            importlib.import_module(name)
