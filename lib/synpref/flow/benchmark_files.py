"""What the settings name to measure on: benchmarks, lists with true scores, and the canaries drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from synpref.benchmarks import best_of_n
from synpref.benchmarks.attacks import Vocabulary
from synpref.benchmarks.canaries import Canary, canaries, distinct_canary_responses, of_vocabulary
from synpref.benchmarks.items import Item, distinct_responses
from synpref.benchmarks.refused import check_refused, refused_text
from synpref.benchmarks.rows import BadRowError, Messages
from synpref.benchmarks.selection import Given, given
from synpref.benchmarks.suite import benchmark
from synpref.benchmarks.user_pairs import NAME as USER_PAIRS
from synpref.benchmarks.user_pairs import UserPairs, check_decided, read_usable
from synpref.stage import Stage
from synpref.store.named_table import export_table, find_table

NEEDED, WANTED = ["prompt", "chosen", "rejected"], ["id", "pair_id", "category", "margin"]
Texts = Mapping[str, tuple[Messages, str]]


class Material(NamedTuple):
    """benchmarks, and lists for curves: as they are measured.

    files: every item of a benchmark's files, by its name, and of the lists' under theirs. refused: rows of user_pairs
    that are no comparison.
    """

    benchmarks: tuple[Given, ...]
    lists: Given
    canaries: tuple[Canary, ...]
    files: Mapping[str, Sequence[Item]]
    refused: tuple[BadRowError, ...] = ()

    @property
    def texts(self) -> Texts:
        """What a reward model has to score: (messages, text) by response_id, each once for all that holds it."""
        items = [item for one in (*self.benchmarks, self.lists) for item in one.items]
        return distinct_responses(items) | distinct_canary_responses(self.canaries)

    def before(self, own: Vocabulary) -> Material:
        """The same for one model, whose random tokens come from its own vocabulary."""
        return self._replace(canaries=of_vocabulary(self.canaries, own))

    @property
    def items(self) -> int:
        """How many items are measured, lists included."""
        return sum(len(one.items) for one in (*self.benchmarks, self.lists))


def read_material(stage: Stage) -> Material:
    """Read the files of evaluate.benchmarks and evaluate.best_of_n, and evaluate.table as the benchmark user_pairs.

    Rows of user_pairs that are no comparison are said and left out. InputError names the file and the row, or the
    table, and what was refused where that is all, or more than evaluate.max_refused_share.
    """
    asked, seed = stage.settings.evaluate, stage.settings.seed
    named = {**asked.benchmarks, **({} if asked.table is None else {USER_PAIRS: [_exported(stage, asked.table)]})}
    pairs = _usable_pairs(stage, named.get(USER_PAIRS, []))
    files = {name: pairs.items if name == USER_PAIRS else benchmark(name).read(paths) for name, paths in named.items()}
    chosen = tuple(
        given(name, items, asked.sample, seed)._replace(
            whole=name in asked.whole, refused=len(pairs.refused) if name == USER_PAIRS else 0
        )
        for name, items in files.items()
    )
    lists = best_of_n.read(asked.best_of_n) if asked.best_of_n else ()
    drawn = given(best_of_n.NAME, lists, asked.sample, seed)
    for one in (*chosen, drawn):
        if one.held:
            stage.say(f"{one.name}: {len(one.items):,}{f' of {one.held:,}' if one.sampled else ''} items")
        undecided = sum(not item.needed for item in one.items)
        if undecided:
            stage.say(f"{one.name}: {undecided:,} of them say tie, or have no label: they count in no figure")
    attacked = canaries([item for one in (*chosen, drawn) for item in one.items], asked.robustness, seed)
    if asked.robustness and not attacked and any(one.held for one in (*chosen, drawn)):
        stage.say("robustness: no item has a better and a worse answer, so no attack is measured on these files")
    return Material(chosen, drawn, attacked, {**files, best_of_n.NAME: lists}, pairs.refused)


def _usable_pairs(stage: Stage, paths: Sequence[str]) -> UserPairs:
    """What evaluate.benchmarks.user_pairs, or the table, holds; nothing where neither is named."""
    if not paths:
        return UserPairs((), ())
    asked = stage.settings.evaluate
    found = read_usable(paths, by_content=asked.table is not None)
    check_refused(USER_PAIRS, found.refused, len(found.items), asked.max_refused_share, "evaluate.max_refused_share")
    if found.refused:
        stage.say(f"{USER_PAIRS}: {len(found.refused):,} rows are refused: {refused_text(found.refused)}")
    check_decided(found.items, ", ".join(paths))
    return found


def _exported(stage: Stage, name: str) -> str:
    """The folder of evaluate.table's rows at its last version, on this machine."""
    spark, where = stage.warehouse.spark, stage.settings.evaluate.where
    table = find_table(spark, stage.warehouse.location, name)
    stage.say(f"{USER_PAIRS}: table {name}, version {table.version}")
    folder = stage.folder.absolute() / "tables"
    return str(export_table(spark, table, folder, needed=NEEDED, wanted=WANTED, where=where, setting="evaluate.where"))
