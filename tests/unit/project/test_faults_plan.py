"""The twenty kills of tests/faults: CI tries each once, and they strike everything at every moment."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import get_args

from tests.faults.plan import ROWS, SHARD_ROWS, SHARDS, Moment, Victim, kills


def test_the_kills_strike_every_kind_of_process_at_every_kind_of_moment() -> None:
    struck = {(kill.victim, kill.moment) for kill in kills("all")}
    assert struck == set(product(get_args(Victim), get_args(Moment)))


def test_the_kills_of_make_test_strike_three_kinds_at_three_kinds_of_moment() -> None:
    few = kills("few")
    assert len({kill.victim for kill in few}) == len({kill.moment for kill in few}) == len(few) == 3


def test_each_moment_lies_where_its_name_says() -> None:
    for kill in kills("all"):
        if kill.moment == "committed":
            assert 1 <= kill.count < SHARDS
        else:
            assert 1 <= kill.count <= ROWS
            assert (kill.count % SHARD_ROWS == 0) == (kill.moment == "computed")


def test_ci_tries_every_kill_once(root: Path) -> None:
    assert len(kills("all")) >= 20
    assert kills("few") + kills("rest") == kills("all")
    run = (root / ".ci/run").read_text(encoding="utf-8")
    targets = re.findall(r"^for target in (.*); do$", run, flags=re.MULTILINE)
    assert [target.count("test faults") for target in targets] == [1]
    assert 'make "$target" FAULTS=rest' in run
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert "tests/faults --faults $(FAULTS)" in makefile
    assert "--faults few" not in makefile  # what `make test` says of them is the default
