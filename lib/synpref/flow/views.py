"""The views for people, in a catalog's schema."""

from __future__ import annotations

from pyspark.errors import PySparkException

from synpref.stage import Stage
from synpref.store.views import create_views


def make_views(stage: Stage) -> None:
    """Make the views whose tables stand. Where the catalog refuses, say so and go on: the tables hold it all."""
    try:
        create_views(stage.warehouse)
    except PySparkException as error:
        first = str(error).strip().split("\n", maxsplit=1)[0]
        stage.say(f"the catalog refuses the views pairs and current_roles, queries over the tables do as well: {first}")
