"""Where tables live: a folder of Delta tables, or a schema of a catalog. Names are validated, then quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from synpref.errors import SettingsError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}")


def checked_name(name: str, what: str) -> str:
    """Return `name` if letters, digits, _ and - are all it holds; raises SettingsError (backticks, dots, spaces, ...)."""
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{what} {name!r} cannot be an identifier: use letters, digits, '_' and '-' only")
    return name


@dataclass(frozen=True)
class Location:
    """Either `path` (a folder, local or of an object store) or `catalog` and `schema` (catalog may be absent).

    Raises SettingsError where neither or both are given, or a name is no identifier.
    """

    path: str | None = None
    catalog: str | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.schema is None):
            raise SettingsError("warehouse: give either a path, or a schema (with or without a catalog)")
        if self.path is not None and (self.catalog is not None or not self.path.strip() or "`" in self.path):
            raise SettingsError(f"warehouse.path {self.path!r}: must not be empty, hold a backtick, or join a catalog")
        for what, name in (("warehouse.catalog", self.catalog), ("warehouse.schema", self.schema)):
            if name is not None:
                checked_name(name, what)

    def folder(self, table: str) -> str:
        """Return the folder of `table` in path mode; raises SettingsError in catalog mode or for a bad name."""
        if self.path is None:
            raise SettingsError(f"table {table!r} lives in a catalog and has no folder of ours")
        return f"{self.path.rstrip('/')}/{checked_name(table, 'table')}"

    def identifier(self, table: str) -> str:
        """Return what stands for `table` in SQL: "delta.`/path/rewards`" or "`cat`.`schema`.`rewards`"."""
        if self.path is not None:
            return f"delta.`{self.folder(table)}`"
        parts = [part for part in (self.catalog, self.schema, checked_name(table, "table")) if part is not None]
        return ".".join(f"`{part}`" for part in parts)
