"""Why an item has no answer: the one form in which engines and the bridge speak of it."""

from __future__ import annotations

from dataclasses import dataclass

MISSING_INPUT = "missing_input"
ENGINE_ERROR = "engine_error"
ENGINE_UNREACHABLE = "engine_unreachable"  # a server, or the way to it: nothing is known about the row
OUT_OF_MEMORY = "out_of_memory"  # by itself the row takes more memory than the device had
ENGINE_DIED = "engine_died"  # the engine's process ended, or its device broke, over this row
SERVER_REFUSED = "server_refused"  # a server called this item's request wrong
OVERLONG = "overlong"
NOT_RECORDED = "not_recorded"  # a replayed judge was never asked this
ROW_REFUSED = "row_refused"  # the model takes no such row: its chat template refuses the conversation's roles
STOPPED = "engine_stopped"  # no row's: why a task gave up, for the driver; nothing stores it
REFUSALS = frozenset({OVERLONG, NOT_RECORDED, ROW_REFUSED})  # by policy: no fault of the engine
PASSING = frozenset({ENGINE_UNREACHABLE, OUT_OF_MEMORY, ENGINE_DIED})  # may fare better later: such a row stays pending
DETAIL_CHARACTERS = 500


@dataclass(frozen=True)
class Failure:
    """A reason code and a detail for people."""

    reason: str
    detail: str
