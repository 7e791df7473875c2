"""How many answers of attributes engines are the five-tuple that they were asked for."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.stage import Stage


def valid_answers(stage: Stage, wanted: DataFrame, engines: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """By engine's name, answers about these comparisons (comparison_id) that were `parsed` and that were `invalid`.

    engines: engine_id by name. All that stands in `attributes` counts, whichever run asked for it.
    """
    given = stage.warehouse.read("attributes").where(F.col("engine_id").isin(list(engines.values())))
    # both are as large as the pool, joined on the key
    of_wanted = given.join(wanted.select("comparison_id"), "comparison_id", "left_semi")
    rows = of_wanted.groupBy("engine_id", "status").count().collect()  # two rows an engine
    counts = {(row["engine_id"], row["status"]): row["count"] for row in rows}
    found = {
        name: {status: counts.get((engine_id, status), 0) for status in ("parsed", "invalid")}
        for name, engine_id in engines.items()
    }
    for name, one in found.items():
        stage.say(f"{name}: {one['parsed']} of {sum(one.values())} answers are valid attributes")
    return found
