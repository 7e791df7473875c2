"""What each seed kills, and when; no Spark here, so that a unit test can look at the whole plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, get_args

ROWS, SHARD_ROWS = 60, 20  # of a fill
SHARDS = ROWS // SHARD_ROWS

# driver: the process that a user started, and no other. job: it and all that it started, at once.
Victim = Literal["driver", "job", "executor", "worker", "engine"]
# computing: some items of a shard are asked; computed: its last one is, it is not committed; committed: a shard is.
Moment = Literal["computing", "computed", "committed"]
# few: those of `make test`; rest: the others, which CI runs after it; all: both, `make faults` by itself.
Which = Literal["few", "rest", "all"]

# By seed. A driver and its executors take half a minute to start again: they are struck less often than an engine.
_PLAN: tuple[tuple[Victim, Moment], ...] = (
    ("driver", "computed"), ("executor", "computing"), ("engine", "committed"), ("worker", "computing"),
    ("job", "computing"), ("engine", "computing"), ("worker", "committed"), ("executor", "committed"),
    ("driver", "computing"), ("engine", "computed"), ("worker", "computed"), ("job", "committed"),
    ("executor", "computed"), ("engine", "computing"), ("worker", "committed"), ("driver", "committed"),
    ("executor", "computing"), ("job", "computed"), ("engine", "computed"), ("worker", "computing"),
)  # fmt: skip
_FEW = 3


@dataclass(frozen=True)
class Kill:
    """SIGKILL of the victim once that many items are asked, or, at the moment `committed`, shards are committed."""

    seed: int
    victim: Victim
    moment: Moment
    count: int

    def __str__(self) -> str:
        """What tells it from the others in a test's name."""
        return f"{self.seed}-{self.victim}-{self.moment}-{self.count}"


def kills(which: Which) -> list[Kill]:
    """The kills in the order of their seeds."""
    first, last = {"few": (0, _FEW), "rest": (_FEW, len(_PLAN)), "all": (0, len(_PLAN))}[which]
    return [_kill(seed) for seed in range(first, last)]


def choices() -> tuple[str, ...]:
    """What `--faults` takes."""
    return get_args(Which)


def _kill(seed: int) -> Kill:
    draw = random.Random(seed)
    victim, moment = _PLAN[seed]
    if moment == "committed":
        return Kill(seed, victim, moment, draw.randint(1, SHARDS - 1))
    shard = draw.randrange(SHARDS)
    within = SHARD_ROWS if moment == "computed" else draw.randint(1, SHARD_ROWS - 1)
    return Kill(seed, victim, moment, shard * SHARD_ROWS + within)
