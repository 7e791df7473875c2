"""Writes the generated pool as the files that people meet in the wild, with its truth beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from synpref.demo import malformed, shapes
from synpref.demo.benchmark_prompts import benchmark_rows
from synpref.demo.draw import uniform
from synpref.demo.formats import gzip_bytes, line_bytes, parquet_bytes, table_bytes, written
from synpref.demo.pool import Comparison, Pool, generate
from synpref.demo.sources import CHAT, CROWD, EXPERT, PANEL, VOTES, WEB, Row, Source, label, plant

PROMPTS, TEST_PROMPTS = 700, 320
TEST = Source("generated-test", 0.0, 0.0)
_TRUTH_FIELDS: list[pa.Field[Any]] = [
    pa.field("campaign", pa.string(), nullable=False),
    pa.field("comparison_id", pa.string(), nullable=False),
    pa.field("winner", pa.string(), nullable=False),
    pa.field("origin", pa.string(), nullable=False),
    pa.field("family", pa.string()),
    pa.field("difficulty", pa.float64()),
]


class PoolFile(NamedTuple):
    """A file, the input's name in the settings (its rows may name finer sources), and the shape of its rows."""

    path: Path
    source: str
    shape: str


@dataclass(frozen=True)
class PoolFiles:
    """The files of a generated pool.

    pool: to be curated. test: for the final measurement only. truth: parquet with the columns of the `truth` table.
    benchmarks: JSON Lines {benchmark, prompt}. planted: rows (for leaked_*: prompts) by what is wrong with them.
    comparisons: distinct ones by use. rows: of the pool's files, planted ones included.
    """

    pool: tuple[PoolFile, ...]
    test: PoolFile
    truth: Path
    benchmarks: Path
    planted: Mapping[str, int]
    comparisons: Mapping[str, int]
    rows: int


def write_pool(folder: Path, *, seed: int, prompts: int = PROMPTS, test_prompts: int = TEST_PROMPTS) -> PoolFiles:
    """Write the generated pool into a folder, which is made where missing.

    The same arguments give the same bytes, and a file that stands there with these bytes is left alone, modification
    time included. Raises InputError where the task families cannot make so many prompts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = generate(seed, prompts, test_prompts)
    rows = label(seed, made.pool)
    planted = plant(seed, rows)
    repeated = [row for kind in planted.values() for row in kind]
    broken = _malformed(rows)
    files = _write_sources(folder, seed, [*rows, *repeated], broken)
    wrong = {kind: len(lines) for kinds in broken.values() for kind, lines in kinds.items()}
    counts = {**{kind: len(found) for kind, found in planted.items()}, **wrong, **made.leaked}
    return PoolFiles(
        pool=files,
        test=_write_test(folder, made),
        truth=written(folder / "truth.parquet", _truth([*made.pool, *made.test])),
        benchmarks=written(folder / "benchmark_prompts.jsonl", line_bytes(map(json.dumps, benchmark_rows()))),
        planted=counts,
        comparisons={"pool": len(made.pool), "test": len(made.test)},
        rows=len(rows) + len(repeated) + sum(wrong.values()),
    )


def _malformed(rows: Sequence[Row]) -> dict[Source, dict[str, list[str]]]:
    count = 1 + len(rows) // malformed.ROWS_A_MALFORMED
    by_source = {source: [row for row in rows if row.source is source] for source in (WEB, CROWD, CHAT)}
    return {
        WEB: malformed.broken_text_lines(by_source[WEB], count),
        CROWD: {"multiple_final_messages": malformed.multiple_finals(by_source[CROWD], count)},
        CHAT: {"prompt_differs": malformed.differing_prompts(by_source[CHAT], count)},
    }


def _write_sources(
    folder: Path, seed: int, rows: Sequence[Row], broken: Mapping[Source, Mapping[str, list[str]]]
) -> tuple[PoolFile, ...]:
    def lines(source: Source, shape: Callable[[Row], dict[str, Any]]) -> bytes:
        good = [json.dumps(shape(row)) for row in rows if row.source is source]
        bad = [line for kind in broken.get(source, {}).values() for line in kind]
        return line_bytes(_mixed(seed, [*good, *bad]))

    studies = [json.dumps(shapes.shared_schema(row)) for row in rows if row.source in (EXPERT, PANEL)]
    contents = (
        ("studies.parquet", "generated-studies", "json_prompt", parquet_bytes(map(json.loads, _mixed(seed, studies)))),
        ("crowd.jsonl.gz", CROWD.name, "conversational", gzip_bytes(lines(CROWD, shapes.explicit))),
        ("chat.jsonl.gz", CHAT.name, "implicit", gzip_bytes(lines(CHAT, shapes.implicit))),
        ("web.jsonl", WEB.name, "text", lines(WEB, shapes.text)),
        ("votes.jsonl", VOTES.name, "labelled", lines(VOTES, shapes.labelled)),
    )
    return tuple(PoolFile(written(folder / name, data), source, shape) for name, source, shape, data in contents)


def _write_test(folder: Path, made: Pool) -> PoolFile:
    rows = [shapes.shared_schema(Row(TEST, comparison, "better", swapped=False)) for comparison in made.test]
    return PoolFile(written(folder / "test.parquet", parquet_bytes(rows)), TEST.name, "json_prompt")


def _mixed(seed: int, lines: Sequence[str]) -> list[str]:
    """The lines in a seeded order, so that what was planted does not stand at the end."""
    keyed = sorted((uniform(seed, "line", index, line), line) for index, line in enumerate(lines))
    return [line for _, line in keyed]


def _truth(comparisons: Sequence[Comparison]) -> bytes:
    rows = [
        {
            "campaign": "-",
            "comparison_id": comparison.id,
            "winner": comparison.winner,
            "origin": "generated",
            "family": comparison.family,
            "difficulty": comparison.difficulty,
        }
        for comparison in sorted(comparisons, key=lambda comparison: comparison.id)
    ]
    return table_bytes(pa.Table.from_pylist(rows, schema=pa.schema(_TRUTH_FIELDS)))
