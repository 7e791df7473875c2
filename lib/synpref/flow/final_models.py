"""The final models of a campaign on its test prompts, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.analysis.blocks import with_blocks
from synpref.analysis.length import length_sums
from synpref.analysis.reward_models import comparisons_with_winner, model_accuracies, reward_sums
from synpref.benchmarks.score_rows import ScoreRow
from synpref.engines.tokenise import encode_conversations
from synpref.errors import InputError
from synpref.flow.models import snapshot
from synpref.flow.policies import of_other_policies
from synpref.flow.pool import source_labels
from synpref.flow.specs import of_final_models, scorer
from synpref.flow.truth import known_truth
from synpref.inference.record import record_engines
from synpref.inference.spec import EngineSpec
from synpref.reward.refused import reason_of
from synpref.reward.rows import read_responses
from synpref.stage import Stage
from synpref.stage1.label_rows import latest_labels
from synpref.stage1.roles import current_roles

BENCHMARK = "test prompts"
CHUNK = 100_000  # rewards that the driver holds until they are inserted
_REWARDS = "response_id string, engine_id string, reward double, tokens int, truncated boolean"
_WHOSE = {"table": "people's", "source": "the files' own", "simulated": "simulated people's"}  # by humans.provider

# By training set, the final models as `flow.models.noted` left them.
Models = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Tested:
    """What was measured. comparisons: those with a winner and both rewards; unscored: those without.

    engines: engine_ids by training set. rows: of benchmark_scores, by engine_id. detail: of the stage.
    """

    comparisons: DataFrame
    count: int
    unscored: int
    computed: int
    saved: int
    engines: Mapping[str, Sequence[str]]
    rows: Mapping[str, list[ScoreRow]]
    detail: Mapping[str, Any] = field(default_factory=dict)


def trained_campaign(stage: Stage) -> str | None:
    """The campaign of these settings. None where something else is named to be measured and nothing was trained.

    Raises InputError where Stage 2 decided otherwise since its final models were trained, and no model is named.
    """
    asked = stage.settings.evaluate
    if asked.named and not stage.has_left("train"):
        stage.say("no models were trained under these settings: only what evaluate names is measured")
        return None
    campaign = stage.campaign()
    if stage.has_left("train"):
        for policy in of_other_policies(stage, campaign, ["train"]).values():
            told = (
                f"the final models were trained under policy {policy}, Stage 2 last decided under "
                f"{stage.left_by('stage2', campaign)['policy']}: run `synpref train` first"
            )
            if not asked.models:
                raise InputError(told)
            stage.say(f"{told}; only what evaluate names is measured")
            return None
    return campaign


def measured_tests(stage: Stage, campaign: str, models: Models) -> Tested:
    """Score the test comparisons with every final model. Raises InputError where none has a known winner."""
    warehouse = stage.warehouse
    tested = _tested(stage, campaign).cache()
    count = tested.count()
    if not count:
        raise InputError("evaluate: no test comparison has a known winner; give an input with use: test, or more gold")
    stage.say(f"{count} test comparisons in {tested.select('block').distinct().count()} groups")
    folder = snapshot(stage, tested.select("comparison_id", "winner"))
    tokens, refused = tokens_of(stage, models, folder)
    unscored = 0
    if refused:
        whole, tested = tested, scorable(tested, refused).cache()
        warehouse.insert("quarantine", unscored_rows(whole, tested, campaign), unique=True)
        unscored = count - tested.count()
        why = ", ".join(f"{reason} {number}" for reason, number in sorted(Counter(refused.values()).items()))
        stage.say(f"test responses that are refused: {why}; {unscored} comparisons are left out")
    engines, computed, saved = scored(stage, models, folder, tokens)
    every = [engine_id for of_mix in engines.values() for engine_id in of_mix]
    # one row a model and block
    sums = [row.asDict() for row in reward_sums(warehouse.read("rewards"), tested, every).collect()]
    found = model_accuracies(sums, engines, baseline="original", seed=stage.settings.seed)
    length = _length(tested, warehouse.read("responses"))
    for mix, accuracy in found.accuracy.items():
        stage.say(f"{mix}: {accuracy:.3f} (mean of {len(engines[mix])} seeds; longer text {length:.3f})")
    detail = {
        "reward_models": found.accuracy,
        "per_seed": found.per_seed,
        "intervals": {name: interval.as_dict() for name, interval in found.intervals.items()},
        "length": length,
        "winners_of": stage.settings.truth,
        "policy": stage.left_by("train", campaign)["policy"],
        "engines": engines,
    }
    rows = _score_rows(found.per_seed, engines, count - unscored)
    return Tested(tested, count, unscored, computed, saved, engines, rows, detail)


def _tested(stage: Stage, campaign: str) -> DataFrame:
    """Comparisons of test groups with a known winner: truth where there is one, else the human label of gold-test."""
    warehouse = stage.warehouse
    roles = current_roles(warehouse.read("roles"), campaign).where(
        "side = 'test' AND role IN ('gold-test', 'held_out')"
    )
    groups = source_labels(stage, campaign).select("comparison_id", "group")
    known = labelled_winners(stage, campaign) if stage.settings.truth == "none" else known_truth(stage)
    tests = roles.join(groups, "comparison_id")  # tests are the small side
    return comparisons_with_winner(with_blocks(tests), warehouse.read("comparisons"), known)


def labelled_winners(stage: Stage, campaign: str) -> DataFrame:
    """Winners where no truth is known: the labels of gold-test, and the labels of inputs with `use: test`."""
    human = latest_labels(stage.warehouse.read("labels"), campaign, "human", 0)
    labels = source_labels(stage, campaign).where("use = 'test' AND label IN ('a', 'b')")
    stage.say(
        f"no truth is known: {_WHOSE[stage.settings.humans.provider]} labels of gold-test, and the labels of "
        f"{labels.count()} tests of the inputs"
    )
    ours, theirs = (each.select("comparison_id", F.col("label").alias("winner")) for each in (human, labels))
    # what people labelled is small; they were not asked about tests
    return ours.unionByName(theirs.join(ours, "comparison_id", "left_anti"))


def scorable(tested: DataFrame, refused: Iterable[str]) -> DataFrame:
    """The tested comparisons without a response that the scorer refuses. Raises InputError where none is left."""
    ids = F.broadcast(tested.sparkSession.createDataFrame([(one,) for one in refused], "refused string"))
    for side in ("response_a", "response_b"):
        tested = tested.join(ids, F.col(side) == F.col("refused"), "left_anti")
    if tested.isEmpty():
        raise InputError(
            "evaluate: every test comparison has a response above train.max_tokens (raise it), or roles that the "
            "model's chat template refuses"
        )
    return tested


def unscored_rows(tested: DataFrame, scorable: DataFrame, campaign: str) -> DataFrame:
    """Rows of quarantine: the tested comparisons that are not scorable."""
    gone = tested.join(scorable.select("comparison_id"), "comparison_id", "left_anti")
    return gone.select(
        F.lit(campaign).alias("campaign"),
        F.lit("evaluate").alias("stage"),
        F.col("comparison_id").alias("row_key"),
        F.lit("unscored").alias("reason"),
        F.lit("a response is above train.max_tokens, or of roles that the chat template refuses").alias("detail"),
        F.to_json(F.struct("comparison_id", "response_a", "response_b", "winner")).alias("original"),
    )


def scored(
    stage: Stage,
    models: Models,
    folder: Path,
    tokens: Mapping[str, tuple[int, bool]],
) -> tuple[dict[str, list[str]], int, int]:
    """Rewards of the test responses by every model, CHUNK a commit: engine_ids by set, scored now, stood already.

    tokens: of the responses that can be scored, and whether they were cut.
    """
    warehouse = stage.warehouse
    warehouse.create("rewards")
    wanted = warehouse.spark.createDataFrame([(one,) for one in tokens], "response_id string")
    specs = {model["model_id"]: _spec(stage, model) for of_mix in models.values() for model in of_mix}
    ids = {model_id: spec.card.engine_id for model_id, spec in specs.items()}
    known = warehouse.read("rewards").where(F.col("engine_id").isin(list(ids.values())))
    stood = known.join(wanted, "response_id", "left_semi")  # tests are the small side
    counts = {row["engine_id"]: row["count"] for row in stood.groupBy("engine_id").count().collect()}  # one row a model
    asked = len(tokens)
    todo = [model_id for model_id, engine_id in ids.items() if counts.get(engine_id, 0) < asked]
    record_engines(warehouse, *(specs[model_id].card for model_id in todo))
    rows = (row for model_id in todo for row in _rows(stage, ids[model_id], model_id, folder, tokens))
    inserted = 0
    while chunk := list(islice(rows, CHUNK)):
        inserted += warehouse.insert("rewards", warehouse.spark.createDataFrame(chunk, _REWARDS), unique=True)
    engines = {mix: [ids[model["model_id"]] for model in of_mix] for mix, of_mix in models.items()}
    return engines, inserted, asked * len(ids) - inserted


def _spec(stage: Stage, model: Mapping[str, Any]) -> EngineSpec:
    """What scores here: the trained model as it was trained, in float32 and at its own length (reward/scoring.py)."""
    settings = of_final_models(stage.settings)
    return scorer(settings, model["name"], str(stage.model_folder(model))).having(
        backend="transformers", dtype="float32", max_tokens=settings.train.max_tokens
    )


def _rows(
    stage: Stage, engine_id: str, model_id: str, folder: Path, tokens: Mapping[str, tuple[int, bool]]
) -> Iterator[tuple[Any, ...]]:
    """Rows of rewards by one model, scored some thousand at a time."""
    from synpref.reward.scoring import stream_rewards  # torch: only once there is something to score

    for ids, rewards in stream_rewards(stage.models / model_id, folder, stage.folder / "features"):
        for one, reward in zip(ids, rewards, strict=True):
            if one in tokens:
                yield one, engine_id, float(reward), *tokens[one]


def tokens_of(stage: Stage, models: Models, folder: Path) -> tuple[dict[str, tuple[int, bool]], dict[str, str]]:
    """Tokens scored of each test response, and whether it was cut; and why those are refused that are.

    All models of a run have one tokenizer and one limit.
    """
    from synpref.reward.backbones import load_tokenizer  # torch: only once there is something to score

    model = next(stage.model_folder(one) for of_mix in models.values() for one in of_mix)
    tokenizer, limit = load_tokenizer(model), of_final_models(stage.settings).train.max_tokens
    overlong = stage.settings.scorer.overlong
    found, refused = dict[str, tuple[int, bool]](), dict[str, str]()
    for ids, conversations in read_responses(folder):
        encoded = encode_conversations(tokenizer, conversations, limit, overlong, refuse_roles=True)
        for one, code in zip(ids, encoded, strict=True):
            reason = reason_of(code)
            if reason is not None:
                refused[one] = reason
            else:
                found[one] = (len(code.input_ids), code.truncated)
    return found, refused


def _length(tested: DataFrame, responses: DataFrame) -> float:
    sums = length_sums(tested, responses).agg(F.sum("right").alias("right"), F.sum("rows").alias("rows")).first()
    return float(sums["right"]) / float(sums["rows"]) if sums and sums["rows"] else 0.5


def _score_rows(
    per_seed: Mapping[str, Sequence[float]], engines: Mapping[str, Sequence[str]], items: int
) -> dict[str, list[ScoreRow]]:
    return {
        engine_id: [ScoreRow(BENCHMARK, mix, "accuracy", accuracy, None, None, items)]
        for mix, accuracies in per_seed.items()
        for engine_id, accuracy in zip(engines[mix], accuracies, strict=True)
    }
