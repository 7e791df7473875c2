"""A Delta table that a person names: one of ours, one of a catalog, or a folder; read at one version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import InputError
from synpref.store.contracts import TABLES
from synpref.store.names import Location, checked_name
from synpref.store.snapshot import export_parquet

_SHOWN = 5


@dataclass(frozen=True)
class NamedTable:
    """name: as it was given. version: of the last commit. Exactly one of path and identifier says where it lies."""

    name: str
    version: int
    path: str | None
    identifier: str | None

    def read(self, spark: SparkSession) -> DataFrame:
        """The table's rows at `version`."""
        if self.path is not None:
            return spark.read.format("delta").option("versionAsOf", self.version).load(self.path)
        return spark.sql(f"SELECT * FROM {self.identifier} VERSION AS OF {self.version}")  # noqa: S608 - quoted, checked


def find_table(spark: SparkSession, location: Location, name: str) -> NamedTable:
    """Find the table that `name` means: a folder (it has a slash), a table of ours, or [catalog.][schema.]table.

    Raises InputError where no Delta table is there, SettingsError where a part of the name can be no identifier.
    """
    path, identifier = _place(location, name)
    try:
        table = DeltaTable.forPath(spark, path) if path else DeltaTable.forName(spark, str(identifier))
        last = table.history(1).select("version").first()
    except PySparkException as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(f"table {name}: no Delta table at {path or identifier} ({reason})") from None
    return NamedTable(name, int(last[0]) if last else 0, path, identifier)


def _place(location: Location, name: str) -> tuple[str | None, str | None]:
    if "/" in name:
        return (name if ":/" in name else str(Path(name).absolute())), None
    if name in TABLES:
        return (location.folder(name), None) if location.path is not None else (None, location.identifier(name))
    return None, ".".join(f"`{checked_name(part, 'table')}`" for part in name.split("."))


def export_table(
    spark: SparkSession,
    table: NamedTable,
    folder: Path,
    *,
    needed: list[str],
    wanted: list[str],
    where: str | None,
    setting: str,
) -> Path:
    """Write the columns `needed`, and those of `wanted` that there are, as parquet below `folder`; give the path.

    It is named by table, version, columns and condition: what stands complete is not written again. setting: where a
    person gives the condition. Raises InputError where a needed column is missing, the condition is none, no row is
    left, or rows of several campaigns or policies would mix.
    """
    facts = [table.path, table.identifier, where, *needed, *wanted]
    told = hashlib.sha256("|".join(map(str, facts)).encode()).hexdigest()[:12]
    target = folder / f"{Path(table.name).name}@{table.version}-{told}"
    if (target / "_SUCCESS").exists():
        return target
    rows = table.read(spark)
    absent = [name for name in needed if name not in rows.columns]
    if absent:
        raise InputError(f"table {table.name}: no column {', '.join(absent)}; found {', '.join(rows.columns)}")
    if where is not None:
        try:
            rows = rows.where(where)
        except PySparkException as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise InputError(f"table {table.name}: the condition {where!r} cannot be used ({reason})") from None
    _one_policy(table.name, rows, setting)
    if rows.isEmpty():
        raise InputError(f"table {table.name}: no row" + (f" meets {where!r}" if where else ", it is empty"))
    kept = list(dict.fromkeys([*needed, *(name for name in wanted if name in rows.columns)]))
    export_parquet(rows.select(*(f"`{name}`" for name in kept)), target)
    return target


def _one_policy(name: str, rows: DataFrame, setting: str) -> None:
    keys = [column for column in ("campaign", "policy") if column in rows.columns]
    if not keys:
        return
    found = rows.select(*keys).distinct().limit(_SHOWN).collect()  # a handful
    if len(found) > 1:
        listed = "; ".join(" AND ".join(f"{key} = '{row[key]}'" for key in keys) for row in found)
        raise InputError(f"table {name}: rows of several campaigns or policies; choose one with {setting}: {listed}")
