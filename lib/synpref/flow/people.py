"""Hand-off to people: the comparisons that they should label next go out as a file, their answers come back in."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError, SettingsError
from synpref.flow.answers import of_provider
from synpref.flow.gold import sample_of
from synpref.flow.pool import askable, content_of, embedded_items
from synpref.stage import Stage
from synpref.stage1.hand_off import Answer, as_shown, contradicted, read_answers, write_batch
from synpref.stage1.roles import current_roles
from synpref.store.contracts.opinions import HUMAN_LABELS


def export_batch(stage: Stage, path: Path) -> None:
    """Write what people should label next, if there is something."""
    if stage.settings.humans.provider != "table":
        raise SettingsError(
            f"humans.provider is {stage.settings.humans.provider}: nobody needs a batch; set humans.provider=table"
        )
    stage.warehouse.create("human_labels")
    written = write_next(stage, stage.campaign(), path)
    if written is None:
        stage.say("nothing to label: people answered all that the settings ask for; no file was written")
    else:
        stage.say(f"{written} comparisons to label in {path}; bring the answers back by `synpref import-labels`")


def import_labels(stage: Stage, path: Path) -> None:
    """Insert the answers of a file into human_labels; what stands there already is not inserted again."""
    answers = read_answers(path)
    inserted = insert_answers(stage, path, answers)
    stage.say(f"{len(answers)} answers in {path}: {inserted} inserted, {len(answers) - inserted} stood already")


def write_next(stage: Stage, campaign: str, path: Path) -> int | None:
    """Write the first batch that is not wholly answered; how many lines, or None where there is none."""
    answered = of_provider(stage, stage.warehouse.read("human_labels")).select("comparison_id").distinct()
    for iteration in range(_last_iteration(stage, campaign) + 1):
        wanted = sample_of(stage, iteration, _pool(stage, campaign, iteration))
        # what people answered is small beside the pool
        still = wanted.select("comparison_id").join(answered, "comparison_id", "left_anti").cache()
        if not still.isEmpty():
            return write_batch(as_shown(content_of(stage, still), stage.settings.seed, iteration), path)
    return None


def insert_answers(stage: Stage, path: Path, answers: dict[int, Answer]) -> int:
    """Insert answers by line number; how many were new. Raises InputError naming the line of a wrong one."""
    warehouse = stage.warehouse
    warehouse.create("human_labels")
    rows = warehouse.spark.createDataFrame([answer.row for answer in answers.values()], HUMAN_LABELS.ddl())
    known = warehouse.read("comparisons").join(F.broadcast(rows), "comparison_id", "left_semi")
    # as many as people answered in one file
    ids = {row["comparison_id"] for row in known.select("comparison_id").collect()}
    for number, answer in answers.items():
        if answer.comparison_id not in ids:
            raise InputError(
                f"{path}, line {number}: comparison_id {answer.comparison_id} does not stand in the table comparisons; "
                "give one that `synpref export-batch` wrote, and the settings of its run"
            )
    standing = warehouse.read("human_labels").join(F.broadcast(rows.select(*HUMAN_LABELS.key)), list(HUMAN_LABELS.key))
    said = {tuple(row[name] for name in HUMAN_LABELS.key): row["verdict"] for row in standing.collect()}
    for number, answer in answers.items():
        if said.get(answer.key, answer.side) != answer.side:
            raise contradicted(answer, path, number)
    return warehouse.insert("human_labels", rows, unique=True)


def _last_iteration(stage: Stage, campaign: str) -> int:
    """The last iteration for which people can be asked; 0 where Stage 1 has not run or asks them for the seed only."""
    if not stage.settings.stage1.human_per_iteration or not stage.warehouse.exists("stage_runs"):
        return 0
    runs = stage.warehouse.read("stage_runs").where((F.col("stage") == "stage1") & (F.col("campaign") == campaign))
    if runs.isEmpty():
        return 0
    return int(stage.left_by("stage1", campaign)["last_iteration"]) - 1


def _pool(stage: Stage, campaign: str, iteration: int) -> DataFrame:
    """The comparisons that flow/gold.py asks people about for this iteration."""
    if iteration == 0:
        return askable(stage, campaign)
    roles = current_roles(stage.warehouse.read("roles"), campaign, until=iteration - 1).where("role = 'stage1_pool'")
    # large with large, on the key
    return embedded_items(stage, campaign).join(roles.select("comparison_id"), "comparison_id", "left_semi")
