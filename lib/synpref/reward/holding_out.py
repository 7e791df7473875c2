"""Which groups of training data are held out to measure on: whole groups, in the order of a seeded hash."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.pairs.draw import draw, draw_column

COUNTED_GROUPS = 20_000  # more are not looked at one by one: their shares even out
_PURPOSE = "training hold-out"


def chosen_groups(sizes: Mapping[str, int], share: float, limit: int, seed: int) -> set[str]:
    """Take `share` of the groups, at least one, while they hold at most `limit` comparisons together.

    sizes: group to its comparisons. The first group is taken however large. Raises InputError where there is one group
    only: held out it leaves nothing to train on.
    """
    if len(sizes) < 2:
        raise InputError(
            f"train.data: all pairs lie in one group ({next(iter(sizes), 'none')}), so none can be held out whole; "
            "name train.data.validation, another groups.column, or set train.data.validation_share=0"
        )
    order = sorted(sizes, key=lambda group: (draw(seed, _PURPOSE, group), group))
    wanted = min(max(1, round(share * len(sizes))), len(sizes) - 1)
    taken, held = set[str](), 0
    for group in order:
        if len(taken) == wanted:
            break
        if not taken or held + sizes[group] <= limit:
            taken.add(group)
            held += sizes[group]
    return taken


def held_out(rows: DataFrame, share: float, limit: int, seed: int) -> Column:
    """Whether a row, by its `group`, is held out; see `chosen_groups`.

    rows: comparison_id, group. Of more than COUNTED_GROUPS groups each is drawn for itself, with the share that keeps
    `limit` on average.
    """
    sizes = rows.groupBy("group").count()
    found = sizes.limit(COUNTED_GROUPS + 1).collect()  # bounded
    if len(found) <= COUNTED_GROUPS:
        taken = chosen_groups({row["group"]: row["count"] for row in found}, share, limit, seed)
        return F.col("group").isin(sorted(taken))
    return draw_column(seed, _PURPOSE, F.col("group")) < min(share, limit / rows.count())
