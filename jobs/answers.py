"""Who answers: a model through the bridge, or a simulator where the settings say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.demo import attributes as simulated_attributes
from synpref.demo import judges as simulated_judges
from synpref.demo import people
from synpref.engines.identity import EngineCard
from synpref.inference.fill import Filled, fill
from synpref.inference.record import record_engine
from synpref.inference.spec import EngineSpec
from synpref.jobs import specs
from synpref.settings import AttributeEngine, Judge
from synpref.stage import Stage, tell_progress
from synpref.stage1.roster import REQUEST_KEY, RosterJudge, answered
from synpref.store.pending import pending


@dataclass
class Calls:
    """What engines did in a stage, summed over its fills."""

    computed: int = 0
    saved: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    judges: dict[str, str] = field(default_factory=dict)  # name to engine_id of those that were asked

    def add(self, computed: int, saved: int, quarantined: Mapping[str, int] | None = None) -> None:
        """Count one fill."""
        self.computed += computed
        self.saved += saved
        self.quarantined.update(quarantined or {})


def filled(stage: Stage, calls: Calls, table: str, inputs: DataFrame, spec: EngineSpec) -> Filled:
    """Fill an inference table by a model, and count its calls."""
    done = fill(
        stage.warehouse,
        table=table,
        inputs=inputs,
        spec=spec,
        stage=stage.name,
        shard_rows=stage.settings.store.shard_rows,
        progress=tell_progress(stage),
        slots=stage.settings.spark.slots,
        max_error_share=stage.settings.gate.max_error_share,
        staging=str(stage.folder / "staging") if stage.settings.store.path is None else None,
    )
    calls.add(done.computed, done.saved, done.quarantined)
    return done


def scored(stage: Stage, calls: Calls, wanted: DataFrame, spec: EngineSpec) -> str:
    """Score both responses of the wanted comparisons (column comparison_id), each once; returns the engine_id."""
    read = stage.warehouse.read
    pairs = read("comparisons").join(wanted.select("comparison_id"), "comparison_id", "left_semi")
    needed = pairs.select(F.explode(F.array("response_a", "response_b")).alias("response_id")).distinct()
    # large with large on ids, text last
    texts = read("responses").select("response_id", "prompt_id", "text").join(needed, "response_id")
    inputs = texts.join(read("prompts").select("prompt_id", "messages"), "prompt_id").drop("prompt_id")
    return filled(stage, calls, "rewards", inputs, spec).engine_id


def described(stage: Stage, calls: Calls, engine: AttributeEngine, wanted: DataFrame, prompts: DataFrame) -> str:
    """Ask an attributes engine; returns its engine_id. wanted: comparison_id; prompts: rendered for a model."""
    if engine.kind == "transformers":
        return filled(stage, calls, "attributes", prompts, specs.describer(engine, stage.settings.seed)).engine_id
    card = EngineCard("attributes", engine.name, True, None, {"source": "the task family of a generated pool"})
    record_engine(stage.warehouse, card)
    rows = simulated_attributes.describe(wanted, stage.warehouse.read("truth"), engine_id=card.engine_id)
    inserted = stage.warehouse.insert("attributes", rows, unique=True)
    calls.add(inserted, 0)
    return card.engine_id


def roster_judge(stage: Stage, calls: Calls, judge: Judge, canaries: DataFrame) -> RosterJudge:
    """A judge of the settings as Stage 1 sees it."""

    def ask(requests: DataFrame) -> DataFrame:
        kept = requests.cache()
        engine_id = calls.judges[judge.name] = _asked(stage, calls, judge, kept)
        return answered(kept, stage.warehouse.read("verdicts"), engine_id)

    few_shots = stage.settings.stage1.few_shots if judge.few_shots is None else judge.few_shots
    return RosterJudge(
        name=judge.name,
        samples=judge.samples,
        few_shots=few_shots,
        ask=ask,
        canaries=canaries
        if judge.kind == "transformers"
        else None,  # a simulator has no answer for what it has no truth
    )


def judge_card(stage: Stage, judge: Judge) -> EngineCard:
    """The identity of a simulated judge."""
    details = {"seed": stage.settings.seed, "accuracy": judge.accuracy, "position_bias": judge.position_bias}
    return EngineCard("judge", judge.name, True, None, details)


def people_label(stage: Stage, wanted: DataFrame, batch: str) -> DataFrame:
    """Answers of people about the wanted comparisons (column comparison_id), as rows of human_labels.

    simulated: answered now. source, table: what stands in the table already.
    """
    settings, warehouse = stage.settings, stage.warehouse
    warehouse.create("human_labels")
    prefix = {"simulated": "simulated:", "source": "source:", "table": ""}[settings.humans.provider]
    if settings.humans.provider == "simulated":
        answers = people.label_comparisons(
            wanted,
            warehouse.read("truth"),
            seed=settings.seed,
            annotators=settings.humans.annotators,
            error_rate=settings.humans.error_rate,
            batch=batch,
        )
        warehouse.insert("human_labels", answers, unique=True)
    known = warehouse.read("human_labels").where(F.col("annotator").startswith(prefix))
    return known.join(wanted.select("comparison_id"), "comparison_id", "left_semi")  # gold is the small side


def _asked(stage: Stage, calls: Calls, judge: Judge, requests: DataFrame) -> str:
    if judge.kind == "transformers":
        return filled(stage, calls, "verdicts", requests, specs.judge(judge)).engine_id
    card = judge_card(stage, judge)
    warehouse = stage.warehouse
    record_engine(warehouse, card)
    warehouse.create("verdicts")
    known = warehouse.read("verdicts").where(F.col("engine_id") == card.engine_id)
    todo = pending(requests, known, REQUEST_KEY).withColumn("engine_id", F.lit(card.engine_id))
    answers = simulated_judges.answer(
        todo,
        warehouse.read("truth"),
        seed=stage.settings.seed,
        name=judge.name,
        accuracy=judge.accuracy or 0.0,
        position_bias=judge.position_bias or 0.0,
    )
    total, inserted = requests.count(), warehouse.insert("verdicts", answers, unique=True)
    calls.add(inserted, total - inserted)
    return card.engine_id
