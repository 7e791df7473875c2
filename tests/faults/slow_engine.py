"""A deterministic reward engine that takes its time and writes down every item it is asked for, and by whom."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from synpref.engines.reward_rows import Reward
from synpref.engines.tokenise import Conversation
from synpref.inference.spec import EngineSpec

SECONDS = 0.02  # an item; a whole shard is long enough to be hit


def number(text: str) -> float:
    """The reward of a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


class SlowEngine:
    """What `make` gives. log: appended to by all processes, one short line an item, which none tears."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def score(self, conversations: Sequence[Conversation]) -> list[Reward]:
        """A number for each text."""
        return [self._reward(conversation.response) for conversation in conversations]

    def _reward(self, text: str) -> Reward:
        with self._log.open("a") as file:
            file.write(f"{os.getpid()} {text}\n")
        time.sleep(SECONDS)
        return Reward(number(text), len(text), False)


def make(spec: EngineSpec) -> SlowEngine:
    """The engine of a spec whose option `log` names a file."""
    log = spec.text("log")
    assert log is not None
    return SlowEngine(Path(log))
