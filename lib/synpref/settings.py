"""The typed settings: one class a section of conf/base.yaml, where each field is explained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from synpref.section import AutoOrOff, Count, GpuAddress, NumberFormat, Positive, Seconds, Section, Seed, Share, Url
from synpref.settings_evaluate import Evaluate, nearest
from synpref.settings_inputs import Generated, Groups, Input, Sample
from synpref.settings_train import Train

# engines.judge_prompt knows it too, and may not be imported here; a test holds the two together.
MAX_FEW_SHOTS = 8
FewShots = Annotated[int, Field(ge=0, le=MAX_FEW_SHOTS)]
# How a judge is reached, not what it answers.
JUDGE_RUNTIME = ("url", "key_variable", "concurrency", "timeout", "retries", "gpu_memory")
SCORER_TOKENS = 16_384  # paper.md §4, where neither scorer.max_tokens nor the model's own record says another number


class Run(Section):
    """Where a run leaves its files."""

    dir: str


class StoreSettings(Section):
    """Where the tables are."""

    path: str | None
    catalog: str | None
    schema_: str | None = Field(alias="schema")
    buckets: Positive
    shard_rows: Positive
    optimize_every: Positive

    @model_validator(mode="after")
    def _one_place(self) -> StoreSettings:
        if (self.path is None) == (self.schema_ is None):
            raise ValueError("set either store.path (a folder) or store.schema (with store.catalog on Unity Catalog)")
        return self


class SparkSettings(Section):
    """The laptop's own session; unused where a cluster made one."""

    master: str
    driver_memory: str
    slots: Positive | None
    gpus: list[GpuAddress]
    conf: dict[str, str]

    @model_validator(mode="after")
    def _each_gpu_once(self) -> SparkSettings:
        if len(set(self.gpus)) < len(self.gpus):
            raise ValueError(f"spark.gpus names one twice: {', '.join(self.gpus)}")
        return self


class MlflowSettings(Section):
    """Where runs are recorded."""

    tracking_uri: str
    experiment: str
    log_models: bool
    register_as: str | None
    alias: str

    @model_validator(mode="after")
    def _something_to_register(self) -> MlflowSettings:
        if self.register_as is not None and not self.log_models:
            raise ValueError("mlflow.register_as registers a logged model, which mlflow.log_models: false leaves out")
        return self


class Hygiene(Section):
    """Duplicates, conflicts, noise, contamination."""

    duplicates: Literal["exact", "normalised"]
    conflicts: Literal["majority", "drop"]
    source_priority: list[str]
    noise: Share
    ngram: Positive
    benchmarks: list[str]


class HoldOut(Section):
    """How much of gold is kept for validation and test."""

    validation_share: Share
    test_share: Share
    min_groups: Positive
    min_comparisons: Positive


class Humans(Section):
    """Where human labels come from."""

    provider: Literal["simulated", "source", "table"]
    annotators: Positive
    error_rate: Share
    share: Share


class Stage1(Section):
    """Seed, retrieval and labelling loop."""

    pool_sources: list[str]
    pool_share: Share
    seed_human: Count
    seed_judge: Count
    iterations: Count
    human_per_iteration: Count
    k_max: Positive
    max_per_prompt: Positive
    max_retrieved: Positive | None
    few_shots: FewShots
    min_silver: Positive
    hold_out: HoldOut


class AttributeEngine(Section):
    """One source of preference attributes; the first that has a valid answer counts."""

    name: str
    kind: Literal["transformers", "simulated"]
    model: str | None = None
    limit: Positive | None = None
    max_new_tokens: Positive = 160
    max_tokens: Positive = 2048
    dtype: NumberFormat | None = None
    samples: Positive = 1
    temperature: Annotated[float, Field(ge=0)] = 0.6
    top_p: Share = 0.9

    @model_validator(mode="after")
    def _has_model(self) -> AttributeEngine:
        if (self.kind == "simulated") == (self.model is not None):
            raise ValueError(f"attributes engine {self.name}: transformers needs a model, simulated has none")
        if self.kind == "transformers" and self.samples > 1 and self.temperature == 0:
            raise ValueError(f"attributes engine {self.name}: at temperature 0 every sample is the same; set it")
        return self

    def answers(self) -> str:
        """What one answer depends on, as JSON."""
        return self.model_dump_json(exclude={"name", "limit", "samples"})


class Judge(Section):
    """One judge of the roster."""

    name: str
    kind: Literal["transformers", "vllm", "http", "replay", "simulated"]
    model: str | None = None
    samples: Positive = 1
    few_shots: FewShots | None = None
    max_tokens: Positive = 2048
    dtype: NumberFormat | None = None
    gpu_memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    url: Url | None = None
    key_variable: str | None = None
    concurrency: Positive = 8
    timeout: Seconds = 120.0
    retries: Count = 5
    structured: Literal["choice", "json_schema", "none"] = "choice"
    logprobs: bool = True
    rationale: bool = False
    rationale_tokens: Positive = 128
    temperature: Annotated[float, Field(ge=0)] = 0.0
    path: str | None = None
    accuracy: Share | None = None
    position_bias: Share | None = None

    @model_validator(mode="after")
    def _complete(self) -> Judge:
        needs, takes = _JUDGES[self.kind]
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if not needs <= given:
            raise ValueError(f"judge {self.name}: a {self.kind} judge needs {' and '.join(sorted(needs))}")
        foreign = given - needs - takes - {"name", "kind", "samples"}
        if foreign:
            raise ValueError(f"judge {self.name}: a {self.kind} judge has no {', '.join(sorted(foreign))}")
        if "rationale_tokens" in given and not self.rationale:
            raise ValueError(f"judge {self.name}: rationale_tokens without rationale: true has no effect")
        if self.kind == "http" and self.rationale and self.structured == "choice":
            raise ValueError(f"judge {self.name}: structured: choice leaves no room for a rationale; use json_schema")
        if self.kind in {"vllm", "http"} and self.samples > 1 and self.temperature == 0:
            raise ValueError(f"judge {self.name}: at temperature 0 every sample is the same; set temperature")
        if self.kind == "transformers" and self.samples > 1:
            raise ValueError(
                f"judge {self.name}: a transformers judge always answers alike, so that samples above 1 would repeat "
                "one vote; take samples: 1, or kind vllm with a temperature"
            )
        return self

    def answers(self, few_shots: int) -> str:
        """What one answer depends on, as JSON. few_shots: examples shown where the judge does not say how many."""
        shown = few_shots if self.few_shots is None else self.few_shots
        plain = self.model_copy(update={"few_shots": shown})
        return plain.model_dump_json(exclude={"name", "samples", *JUDGE_RUNTIME})


# By kind, what a judge must have and what it may have beside name, kind and samples.
_JUDGES: dict[str, tuple[set[str], set[str]]] = {
    "transformers": ({"model"}, {"few_shots", "max_tokens", "dtype", "rationale", "rationale_tokens"}),
    "vllm": (
        {"model"},
        {
            "few_shots", "max_tokens", "dtype", "gpu_memory", "logprobs", "rationale", "rationale_tokens",
            "temperature",
        },
    ),
    "http": (
        {"model", "url"},
        {
            "few_shots", "key_variable", "concurrency", "timeout", "retries", "structured", "logprobs", "rationale",
            "rationale_tokens", "temperature",
        },
    ),
    "replay": ({"path"}, set()),
    "simulated": ({"accuracy", "position_bias"}, {"few_shots"}),
}  # fmt: skip


class Admission(Section):
    """What a judge must show before it labels."""

    min_agreement: Share
    min_comparisons: Positive
    z: Seconds
    first_batch: Positive
    max_comparisons: Positive

    @model_validator(mode="after")
    def _reachable(self) -> Admission:
        if self.max_comparisons < self.min_comparisons:
            raise ValueError(
                f"no judge could be admitted: max_comparisons is {self.max_comparisons}, below min_comparisons "
                f"{self.min_comparisons}"
            )
        return self


class Embedder(Section):
    """The text embedder."""

    model: str
    backend: Literal["torch", "openvino"]
    prompt: str | None
    prompt_name: str | None
    max_tokens: Positive
    overlong: Literal["truncate_left", "refuse"]
    token_budget: Positive | None
    dimensions: Positive | None
    dtype: Literal["float32", "bfloat16", "float16", "int8"] | None

    @model_validator(mode="after")
    def _possible(self) -> Embedder:
        if self.prompt is not None and self.prompt_name is not None:
            raise ValueError("embedder: set prompt (a text) or prompt_name (one of the model's own), not both")
        if self.dtype == "int8" and self.backend != "openvino":
            raise ValueError("embedder.dtype: int8 needs embedder.backend: openvino")
        return self


class ScorerHttp(Section):
    """The server that holds the reward model, for the backend http."""

    server: Literal["vllm", "sglang"]
    url: Url | None
    concurrency: Positive
    timeout: Seconds
    retries: Count
    key_variable: str | None


class Scorer(Section):
    """How reward models score."""

    backend: Literal["transformers", "vllm", "http"]
    max_tokens: Positive | None
    overlong: Literal["truncate_left", "refuse"]
    token_budget: Positive | None
    shared_prompt: AutoOrOff
    gpu_memory: Annotated[float, Field(gt=0, le=1)]
    dtype: NumberFormat | None
    http: ScorerHttp

    @model_validator(mode="after")
    def _server_known(self) -> Scorer:
        if self.backend == "http" and (self.http.url is None or self.dtype is None):
            raise ValueError("scorer.backend: http needs scorer.http.url, and scorer.dtype, in which it computes")
        return self


class Stage2(Section):
    """The dual reward-model gate."""

    epsilon: Annotated[float, Field(ge=0, lt=0.5)]
    fold_min_groups: Positive
    allow_weak_models: bool
    mix: Literal["filtered", "filtered_corrected"]


class Gate(Section):
    """Bounds a published table must keep."""

    min_keep_share: Share
    max_flip_share: Share
    max_source_drop: Share
    min_source_rows: Positive
    max_error_share: Share


class Settings(Section):
    """All settings of a run, validated. Below the jobs nobody sees this object."""

    seed: Seed
    run: Run
    store: StoreSettings
    spark: SparkSettings
    mlflow: MlflowSettings
    inputs: list[Input]
    sample: Sample
    generated: Generated
    truth: Literal["none", "generated", "unflipped"]
    groups: Groups
    hygiene: Hygiene
    humans: Humans
    stage1: Stage1
    attributes: list[AttributeEngine]
    embedder: Embedder
    judges: list[Judge]
    admission: Admission
    scorer: Scorer
    train: Train
    evaluate: Evaluate
    stage2: Stage2
    gate: Gate

    def reads_nothing(self, stage: str) -> bool:
        """Whether the stage, or the pipeline, needs inputs and none are named.

        Training on train.data needs none, and neither does measuring what is named in evaluate.
        """
        alone = {"train": self.train.data.given or self.train.dry_run, "evaluate": self.evaluate.named}
        return not (self.inputs or self.generated.prompts) and not alone.get(stage, False)

    @property
    def simulators(self) -> list[str]:
        """The settings that name somebody who answers by known truth."""
        people = ["humans.provider: simulated"] if self.humans.provider == "simulated" else []
        judges = [f"judges: {one.name}" for one in self.judges if one.kind == "simulated"]
        return [*people, *judges, *(f"attributes: {one.name}" for one in self.attributes if one.kind == "simulated")]

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.truth == "generated" and not self.generated.prompts:
            raise ValueError("truth: generated needs generated.prompts > 0")
        if self.truth == "none" and self.simulators:
            raise ValueError(
                f"truth: none, from which {', '.join(self.simulators)} would take their answers; "
                "set truth to generated or unflipped, or let others answer"
            )
        names = [judge.name for judge in self.judges]
        if len(set(names)) != len(names):
            raise ValueError(f"judges: two have one name: {names}")
        asked = [one.name for one in self.judges if one.kind != "simulated"]  # those know no benchmark
        for name in self.evaluate.judges:
            if name not in asked:
                raise ValueError(f"evaluate.judges: no model or record is called {name!r}; {nearest(name, asked)}")
        # simulated ones answer by their names
        models = [one for one in self.judges if one.kind != "simulated"]
        _refuse_twins("judges", [(one.name, one.answers(self.stage1.few_shots)) for one in models])
        describers = [one for one in self.attributes if one.kind != "simulated"]
        _refuse_twins("attributes", [(one.name, one.answers()) for one in describers])
        if self.humans.provider == "source" and self.stage1.human_per_iteration:
            raise ValueError(
                "stage1.human_per_iteration: nobody labels further comparisons with humans.provider: source; set it to "
                "0 and humans.share higher, or humans.provider: table"
            )
        by_share = not self.stage1.pool_sources
        if self.humans.provider == "source" and by_share and self.humans.share > self.stage1.pool_share:
            raise ValueError("humans.share exceeds stage1.pool_share: gold is drawn from the Stage 1 pool")
        return self


def _refuse_twins(section: str, answers: Iterable[tuple[str, str]]) -> None:
    """answers: name, and all that the answers depend on. ValueError where two are alike."""
    named: dict[str, str] = {}
    for name, depends_on in answers:
        other = named.setdefault(depends_on, name)
        if other != name:
            raise ValueError(
                f"{section}: {other} and {name} are one engine, whose answers would count twice; remove one, or give "
                "the one more samples"
            )
