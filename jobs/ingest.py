"""Read preference files of any known shape into occurrences, prompts, responses and comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from synpref.cli import submit
from synpref.config import inputs_hash
from synpref.demo.estimate import forward_pass, texts_per_second, warning
from synpref.demo.files import write_pool
from synpref.errors import InputError
from synpref.pairs.ingest import read_input
from synpref.pairs.write import write_ingested
from synpref.settings_inputs import Input
from synpref.stage import Outcome, Stage


def run(stage: Stage) -> Outcome:
    """Write the generated pool where one is asked for, then read every input."""
    settings, warehouse = stage.settings, stage.warehouse
    inputs, pool = list(settings.inputs), None
    if settings.generated.prompts:
        raw = stage.folder / "raw"
        if not raw.exists():
            _estimate(stage)
        pool = write_pool(
            raw,
            seed=settings.seed,
            prompts=settings.generated.prompts,
            test_prompts=settings.generated.test_prompts,
        )
        inputs += [Input(path=str(one.path), source=one.source, shape=one.shape) for one in pool.pool]
        inputs.append(Input(path=str(pool.test.path), source=pool.test.source, shape=pool.test.shape, use="test"))
        stage.say(f"generated pool with known truth in {raw}")
    read = []
    for one in inputs:
        stage.say(f"reading {one.path}")
        read.append(
            read_input(
                warehouse.spark,
                path=one.path,
                source=one.source,
                format=one.format,
                shape=one.shape,
                use=one.use,
                sample_prompts=settings.sample.prompts,
                sample_comparisons=settings.sample.comparisons_per_prompt,
                seed=settings.seed,
                group_column=settings.groups.column,
                group_pattern=settings.groups.pattern,
                label_origin=one.label_origin or "unknown",
            )
        )
        stage.say(f"{one.path}: {read[-1].told}")
    once_only([(one.path, [file.path for file in found.read]) for one, found in zip(inputs, read, strict=True)])
    counts = write_ingested(warehouse, *read)
    if pool is not None and settings.truth == "generated":
        warehouse.insert("truth", warehouse.spark.read.parquet(str(pool.truth)), unique=True)
    quarantined: Counter[str] = Counter()
    for one, count in zip(inputs, counts, strict=True):
        quarantined.update(count.quarantined)
        told = count.fallback(settings.groups.column)
        if told is not None:
            stage.say(f"{one.path}: {told}")
    return Outcome(
        rows_in=sum(count.rows_in for count in counts),
        rows_out=sum(count.comparisons + count.duplicates for count in counts),
        quarantined=quarantined,
        detail={
            "inputs_hash": inputs_hash(settings),
            "file_ids": sorted(file_id for one in read for file_id in one.file_ids),
            "benchmarks": [] if pool is None else [str(pool.benchmarks)],
            "shapes": {one.path: found.shape for one, found in zip(inputs, read, strict=True)},
            "versions": {
                one.path: found.version for one, found in zip(inputs, read, strict=True) if found.version is not None
            },
        },
    )


def once_only(files: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise InputError where two inputs hold one file: its rows would count twice. files: setting and files of each."""
    first: dict[str, str] = {}
    for path, held in files:
        for file in held:
            if file in first:
                raise InputError(f"inputs {first[file]} and {path} hold the same file {file}; name it once")
        first.update(dict.fromkeys(held, path))


def _estimate(stage: Stage) -> None:
    """Say how long the demo will take where this machine is slower than it is planned for."""
    told = warning(texts_per_second(forward_pass(stage.settings.embedder.model)))
    if told is not None:
        stage.say(told)


if __name__ == "__main__":
    submit("ingest")
