"""The counting engine on every worker, and what it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.inference.cards import Option
from synpref.inference.spec import EngineSpec

ENGINE = Path(__file__).parent / "counting_engine.py"


@dataclass(frozen=True)
class Asked:
    """The log of a counting engine."""

    path: Path

    def spec(self, kind: str, name: str = "counting", **options: Option) -> EngineSpec:
        return EngineSpec.of(kind, name, None, factory="counting_engine:make", log=str(self.path), **options)

    def mend(self, text: str) -> None:
        """What was lost is answered from now on."""
        with self.path.open("a") as log:
            log.write(f"mended {text}\n")

    def texts(self) -> list[str]:
        return [line.removeprefix("ask ") for line in self._lines() if line.startswith("ask ")]

    def loads(self) -> list[str]:
        return [line.removeprefix("load ") for line in self._lines() if line.startswith("load ")]

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "asked.log")


@pytest.fixture(scope="session", autouse=True)
def _engine_on_workers(spark: SparkSession) -> None:
    spark.sparkContext.addPyFile(str(ENGINE))
