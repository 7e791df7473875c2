"""One input as rows of the content tables."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from synpref.pairs import content


@dataclass(frozen=True)
class Ingested:
    """What was read of one input. The tables fit their contracts, keys distinct within the input, and are lazy.

    source: the input's name. shape: the reader that understood it. rows: the parsed rows that all tables derive from;
    each table that is read parses anew, unless `write.write_ingested` writes them all. path: as Spark
    reads it. version: of the Delta table whose folder that is; None for files.
    """

    source: str
    format: str
    shape: str
    use: str
    read: tuple[content.ReadFile, ...]
    rows: DataFrame
    path: str
    version: int | None = None

    @property
    def told(self) -> str:
        """What the input turned out to be, in words."""
        table = "" if self.version is None else f"Delta table, version {self.version}, "
        return f"{table}shape {self.shape}"

    @property
    def file_ids(self) -> tuple[str, ...]:
        """Ids of the files, as many as there are."""
        return tuple(file.file_id for file in self.read)

    @property
    def files(self) -> DataFrame:
        """Rows of the table `files`."""
        return content.files(self.rows, self.described())

    @property
    def occurrences(self) -> DataFrame:
        """Rows of the table `occurrences`."""
        return content.occurrences(self.rows)

    @property
    def prompts(self) -> DataFrame:
        """Rows of the table `prompts`."""
        return content.prompts(self.rows)

    @property
    def responses(self) -> DataFrame:
        """Rows of the table `responses`."""
        return content.responses(self.rows)

    @property
    def comparisons(self) -> DataFrame:
        """Rows of the table `comparisons`."""
        return content.comparisons(self.rows)

    @property
    def quarantine(self) -> DataFrame:
        """Rows of the table `quarantine`."""
        return content.quarantine(self.rows)

    def described(self) -> list[tuple[object, ...]]:
        """One tuple a file, as `content.files` takes them."""
        return [(*file, self.source, self.format, self.shape, self.use) for file in self.read]
