"""The few errors a caller can act on. Each says what was wrong, where, and what to do; `exit_code` is the command's."""

from __future__ import annotations


class SynprefError(Exception):
    """Anything this package raises on purpose."""

    exit_code = 1


class InputError(SynprefError):
    """An input file, table or model folder cannot be used as it is; the message names it."""

    exit_code = 2


class SettingsError(InputError):
    """A setting has a wrong key, type or value; the message names the file and the key."""


class RowError(InputError):
    """One row cannot be computed by this model, whatever is tried; its neighbours can."""


class GateError(SynprefError):
    """A quality gate failed: the message names the table, the suite and the expectation. Nothing was published."""

    exit_code = 3


class EngineError(SynprefError):
    """An engine failed for good while it ran; what was committed before stays."""


class DeviceError(EngineError):
    """The device or the engine behind it broke: nothing that this process asks of it will be answered any more."""
