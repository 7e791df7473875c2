"""What is still to be done: the inputs whose key the output does not hold."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame


def pending(inputs: DataFrame, done: DataFrame, key: Sequence[str]) -> DataFrame:
    """Return the rows of `inputs` whose `key` stands in no row of `done`. Null keys match nothing, so they stay.

    Select the engine from `done` before: the key alone decides.
    """
    # Both sides may be large (40 million rows): an anti-join by hash of the key, columns of `done` pruned to the key.
    return inputs.join(done.select(*key), list(key), "left_anti")
