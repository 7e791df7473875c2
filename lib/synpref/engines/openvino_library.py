"""OpenVINO, which is an extra: imported where it is there, told how to get it where it is not."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

from synpref.errors import InputError

# Both libraries would tell their maker how they are used, over the network, unless it cannot be imported.
_TELLS_ITS_MAKER = "openvino_telemetry"
_MISSING = "OpenVINO is not installed here: pip install synpref[openvino]"


def openvino_version(library: str = "openvino") -> str:
    """The version of `openvino` or `nncf` that is installed; InputError where there is none."""
    try:
        return version(library)
    except PackageNotFoundError:
        raise InputError(_MISSING) from None


def imported(module: str) -> ModuleType:
    """`openvino` or `nncf`, which then report nothing to their maker; InputError where it is missing or broken."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault(_TELLS_ITS_MAKER, None)  # None: as if it were not installed
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name in {"openvino", "nncf"}:
            raise InputError(_MISSING) from None
        raise InputError(f"OpenVINO cannot be imported: {error}") from error
    except ImportError as error:  # such as a build for other processors
        raise InputError(f"OpenVINO cannot be imported: {error}") from error
