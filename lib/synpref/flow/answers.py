"""Who answers: a model through the bridge, or a simulator where the settings say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.demo import attributes as simulated_attributes
from synpref.demo import judges as simulated_judges
from synpref.demo import people
from synpref.engines.failure import OVERLONG, PASSING
from synpref.engines.identity import EngineCard
from synpref.engines.passed import Repairs
from synpref.errors import InputError
from synpref.flow import specs
from synpref.flow.truth import known_truth
from synpref.hygiene.file_gold import batch_of
from synpref.inference.fill import Filled, fill
from synpref.inference.placing import visible_gpus
from synpref.inference.record import record_engines
from synpref.inference.spec import EngineSpec
from synpref.report.figures_text import repairs_told
from synpref.settings import AttributeEngine, Judge
from synpref.stage import Outcome, Stage, tell_progress
from synpref.stage1.hand_off import RESERVED
from synpref.stage1.roster import answered


@dataclass
class Calls:
    """What engines did in a stage, summed over its fills. rows_timed, tokens, seconds: of fills by models.

    cut_by: by engine_id of each model that was asked, inputs that a maximum length took tokens from now, 0 included.
    missing: rows of engine tables that are neither answered nor in quarantine. repairs: by judge's name, of those whose
    answers had to be asked for again. canaries: engine_id of each reward model that was loaded to its name and what it
    said of comparisons with a known better answer (KnownOrder).
    """

    computed: int = 0
    saved: int = 0
    rows_timed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    missing: int = 0
    cut_by: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    repairs: dict[str, Repairs] = field(default_factory=dict)
    judges: dict[str, str] = field(default_factory=dict)  # name to engine_id of those that were asked
    canaries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, computed: int, saved: int, quarantined: Mapping[str, int] | None = None) -> None:
        """Count one fill."""
        self.computed += computed
        self.saved += saved
        self.quarantined.update(quarantined or {})

    def outcome(
        self,
        campaign: str,
        rows_in: int,
        *,
        rows_out: int | None = None,
        quarantined: Mapping[str, int] | None = None,
        **detail: object,
    ) -> Outcome:
        """The outcome of a stage, in comparisons. rows_out: null where all pass but those quarantined, by reason.

        It reconciles only where the stage's fills do: rows that they miss are missing from rows_out. In detail, what
        engines refused is `refused`, in rows of their tables, inputs that a maximum length took tokens from now are
        `cut` (by engine: `cut_by`), and what models computed is `engine`: tokens, inputs cut, seconds, and rows and
        tokens a second, start-up and commits included; null where nothing was computed by a model. `repairs`: by judge,
        answers asked for again now, repaired, and unparsed all the same. canaries: as of Calls. What former runs told
        is added when the stage is recorded (record.with_former).
        """
        lost = dict(quarantined or {})
        passed = rows_in - sum(lost.values()) if rows_out is None else rows_out
        return Outcome(
            rows_in=rows_in,
            rows_out=passed - self.missing,
            quarantined=lost,
            engine_calls=self.computed,
            engine_calls_saved=self.saved,
            campaign=campaign,
            detail={**detail, **self.facts()},
        )

    def facts(self) -> dict[str, Any]:
        """Of a stage's detail: `refused`, `cut`, `cut_by`, `engine`, `repairs` and `canaries`."""
        return {
            "refused": dict(self.quarantined),
            "cut": self.cut_by.total(),
            "cut_by": dict(self.cut_by),
            "engine": self._throughput(),
            "repairs": {name: asdict(one) for name, one in self.repairs.items()},
            "canaries": dict(self.canaries),
        }

    def repaired(self, name: str, repairs: Repairs) -> None:
        """Count what became of a judge's answers that named no verdict."""
        if repairs.asked:
            self.repairs[name] = self.repairs.get(name, Repairs()) + repairs

    def timed(self, done: Filled) -> None:
        """Count what a model computed, and how long it took."""
        self.tokens += done.tokens
        self.cut_by[done.engine_id] += done.cut
        if done.computed:
            self.rows_timed += done.computed
            self.seconds += done.seconds

    def _throughput(self) -> dict[str, float] | None:
        if not self.rows_timed:
            return None
        return {
            "rows": self.rows_timed,
            "tokens": self.tokens,
            "cut": self.cut_by.total(),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_timed / self.seconds, 3),
            "tokens_per_second": round(self.tokens / self.seconds, 3),
        }


def filled(stage: Stage, calls: Calls, table: str, inputs: DataFrame, spec: EngineSpec) -> Filled:
    """Fill an inference table by a model, and count its calls."""
    spark = stage.settings.spark
    gpus = _gpus(stage) if spec.takes_gpu else []
    done = fill(
        stage.warehouse,
        table=table,
        inputs=inputs,
        spec=spec.having(gpus=",".join(gpus)) if gpus else spec,
        stage=stage.name,
        shard_rows=stage.settings.store.shard_rows,
        progress=tell_progress(stage),
        slots=spark.slots or len(gpus) or None,
        max_error_share=stage.settings.gate.max_error_share,
        staging=str(stage.folder / "staging") if stage.settings.store.path is None else None,
        optimize_every=stage.settings.store.optimize_every,
    )
    calls.add(done.computed, done.saved, done.quarantined)
    calls.timed(done)
    calls.repaired(spec.name, done.repairs)
    _note_order(stage, calls, spec, done)
    if done.missing:
        calls.missing += abs(done.missing)
        stage.say(f"{table}: {done.rows_in} rows asked for, {done.answered} answered, {done.quarantined} in quarantine")
    if done.cut:
        stage.say(f"{table}: {done.cut} inputs are longer than engine {spec.name} takes and lost their beginning")
    if OVERLONG in done.quarantined:
        refused = done.quarantined[OVERLONG]
        stage.say(f"{table}: {refused} inputs are longer than engine {spec.name} takes and stand in quarantine")
    lost = {reason: rows for reason, rows in sorted(done.quarantined.items()) if reason in PASSING}
    if lost:
        why = ", ".join(f"{reason} {rows}" for reason, rows in lost.items())
        rows_lost = sum(lost.values())
        stage.say(f"{table}: engine {spec.name} lost {rows_lost} rows ({why}); the next run asks for them again")
    if done.repairs.asked:
        told = repairs_told(asdict(done.repairs))
        stage.say(f"{table}: judge {spec.name} answered without a verdict and was asked again: {told}")
    return done


def _note_order(stage: Stage, calls: Calls, spec: EngineSpec, done: Filled) -> None:
    """Keep what a reward model said of comparisons with a known better answer, and warn, once a stage and engine."""
    if done.order is None or done.engine_id in calls.canaries:
        return
    calls.canaries[done.engine_id] = {"name": spec.name, **done.order._asdict()}
    if done.order.by_chance:
        right, pairs, margin = done.order
        stage.say(
            f"warning: engine {spec.name} ({done.engine_id[:12]}) prefers the better answer in {right} of {pairs} easy "
            f"comparisons (mean margin {margin:+.3g}), no more than chance. A small or young model may; otherwise look "
            "whether its rewards are meant the other way round"
        )


def _gpus(stage: Stage) -> list[str]:
    """The GPUs that Spark does not deal out: those of the settings, else on one machine those that are there."""
    named = stage.settings.spark.gpus
    local = str(stage.warehouse.spark.sparkContext.master).startswith("local")
    return named if named or not local else visible_gpus()


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
    record_engines(stage.warehouse, card)
    rows = simulated_attributes.describe(wanted, known_truth(stage), engine_id=card.engine_id)
    asked, inserted = wanted.count(), stage.warehouse.insert("attributes", rows, unique=True)
    calls.add(inserted, asked - inserted)
    return card.engine_id


def ask_judges(stage: Stage, calls: Calls, requests: DataFrame, names: Sequence[str]) -> DataFrame:
    """Ask these judges of the settings all requests (roster.Ask): engines through the bridge, simulators together."""
    judges = [one for one in stage.settings.judges if one.name in names]
    engines = {
        one.name: filled(stage, calls, "verdicts", requests, specs.judge(one, stage.settings.seed)).engine_id
        for one in judges
        if one.kind != "simulated"
    }
    simulated = [one for one in judges if one.kind == "simulated"]
    if simulated:
        engines.update(_simulate(stage, calls, requests, simulated))
    check_apart(engines)
    calls.judges.update(engines)
    return answered(requests, stage.warehouse.read("verdicts"), engines)


def check_apart(engines: Mapping[str, str]) -> None:
    """Raise InputError where two judges (name to engine_id) are one engine: its votes would count twice."""
    named: dict[str, str] = {}
    for name, engine_id in engines.items():
        other = named.setdefault(engine_id, name)
        if other != name:
            raise InputError(f"judges: {other} and {name} are one engine ({engine_id[:12]}: same weights); remove one")


def people_label(stage: Stage, wanted: DataFrame, batch: str) -> DataFrame:
    """Answers of people about the wanted comparisons (column comparison_id), as rows of human_labels.

    simulated: answered now. source, table: what stands in the table already.
    """
    settings, warehouse = stage.settings, stage.warehouse
    warehouse.create("human_labels")
    if settings.humans.provider == "simulated":
        answers = people.label_comparisons(
            wanted,
            known_truth(stage),
            seed=settings.seed,
            annotators=settings.humans.annotators,
            error_rate=settings.humans.error_rate,
            batch=batch,
        )
        warehouse.insert("human_labels", answers, unique=True)
    known = of_provider(stage, warehouse.read("human_labels"))
    return known.join(wanted.select("comparison_id"), "comparison_id", "left_semi")  # gold is the small side


def of_provider(stage: Stage, human_labels: DataFrame) -> DataFrame:
    """The answers that count under humans.provider; file labels and simulators may stand in the same table."""
    humans, annotator = stage.settings.humans, F.col("annotator")
    if humans.provider == "simulated":
        crowd = people.crowd(stage.settings.seed, humans.annotators, humans.error_rate)
        return human_labels.where(annotator.startswith(crowd))
    if humans.provider == "source":
        return human_labels.where(annotator.startswith("source:") & (F.col("batch") == batch_of(stage.campaign())))
    for prefix in RESERVED:
        human_labels = human_labels.where(~annotator.startswith(prefix))
    return human_labels


def _simulate(stage: Stage, calls: Calls, requests: DataFrame, judges: Sequence[Judge]) -> dict[str, str]:
    """Answers of simulated judges, in one commit; returns engine_id by name."""
    warehouse = stage.warehouse
    cards = {one.name: _simulated_card(stage, one) for one in judges}
    record_engines(warehouse, *cards.values())
    roster = {
        cards[one.name].engine_id: simulated_judges.Judge(one.name, one.accuracy or 0.0, one.position_bias or 0.0)
        for one in judges
    }
    answers = simulated_judges.answer(requests, known_truth(stage), roster, seed=stage.settings.seed)
    asked, inserted = requests.count() * len(roster), warehouse.insert("verdicts", answers, unique=True)
    calls.add(inserted, asked - inserted)
    return {name: card.engine_id for name, card in cards.items()}


def _simulated_card(stage: Stage, judge: Judge) -> EngineCard:
    details = {"seed": stage.settings.seed, "accuracy": judge.accuracy, "position_bias": judge.position_bias}
    return EngineCard("judge", judge.name, True, None, details)
