"""OpenVINO, which is an extra: imported where it is there, told how to get it where it is not."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from synpref.errors import InputError

_MISSING = "OpenVINO is not installed here: pip install synpref[openvino]"


def openvino_version() -> str:
    """The version that is installed; InputError where there is none."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        raise InputError(_MISSING) from None


def imported(module: str) -> ModuleType:
    """`openvino` or `nncf`; InputError where it is missing or cannot be imported."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name in {"openvino", "nncf"}:
            raise InputError(_MISSING) from None
        raise InputError(f"OpenVINO cannot be imported: {error}") from error
    except ImportError as error:  # such as a build for other processors
        raise InputError(f"OpenVINO cannot be imported: {error}") from error
