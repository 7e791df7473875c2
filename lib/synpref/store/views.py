"""Views for people: `pairs`, `current_roles`, and every table under its own name, so that one can type SQL."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from synpref.config import conf_file
from synpref.errors import InputError
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

# View name to the tables that its SQL (conf/sql/<name>.sql) reads.
VIEWS: dict[str, Sequence[str]] = {
    "pairs": ("source_labels", "comparisons", "prompts", "responses"),
    "current_roles": ("roles",),
}


def view_sql(name: str, warehouse: Warehouse) -> str:
    """Return the SELECT of view `name` over this warehouse's tables; raises InputError for an unknown view."""
    if name not in VIEWS:
        raise InputError(f"there is no view {name!r}; there are {', '.join(VIEWS)}")
    text = conf_file(f"sql/{name}.sql").read_text(encoding="utf-8")
    return text.format(**{table: warehouse.location.identifier(table) for table in VIEWS[name]})


def view(name: str, warehouse: Warehouse) -> DataFrame:
    """Return the rows of view `name`; raises InputError where a table it reads does not stand yet."""
    for table in VIEWS.get(name, ()):
        warehouse.read(table)
    return warehouse.spark.sql(view_sql(name, warehouse))


def create_views(warehouse: Warehouse) -> list[str]:
    """Make the views of a catalog's schema whose tables stand, or make them anew; return their names.

    None in path mode, where a view ends with its session. Raises Spark's error where the catalog refuses.
    """
    if warehouse.location.path is not None:
        return []
    made = [name for name, tables in VIEWS.items() if all(map(warehouse.exists, tables))]
    for name in made:
        target = warehouse.location.identifier(name)
        warehouse.spark.sql(f"CREATE OR REPLACE VIEW {target} AS {view_sql(name, warehouse)}")
    return made


def register(warehouse: Warehouse) -> list[str]:
    """Make what stands in the warehouse queryable by bare names in this session, and nothing else; return those names.

    In path mode tables and views become temporary views. A catalog's schema, where the stages made tables and views,
    becomes the current one; a view that is missing there becomes a temporary one.
    """
    spark, location = warehouse.spark, warehouse.location
    standing = [table for table in TABLES if warehouse.exists(table)]
    views = [name for name, tables in VIEWS.items() if set(tables) <= set(standing)]
    for name in views:
        if location.path is not None or not spark.catalog.tableExists(location.identifier(name)):
            view(name, warehouse).createOrReplaceTempView(name)
    if location.path is None:
        spark.sql(f"USE {location.namespace()}")
    else:
        for table in standing:
            warehouse.read(table).createOrReplaceTempView(table)
    return [*standing, *views]
