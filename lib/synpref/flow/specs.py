"""From settings to what the library takes: engine specs, training plans."""

from __future__ import annotations

from dataclasses import replace

from synpref.errors import InputError
from synpref.inference.spec import EngineSpec
from synpref.reward.plan import Layout, TrainingPlan
from synpref.settings import SCORER_TOKENS, AttributeEngine, Judge, Settings
from synpref.settings_train import CAMPAIGN_DTYPE


def embedder(settings: Settings) -> EngineSpec:
    """The embedder of comparisons."""
    return EngineSpec.of(
        "embedder",
        "embedder",
        settings.embedder.model,
        backend=settings.embedder.backend,
        prompt=settings.embedder.prompt,
        prompt_name=settings.embedder.prompt_name,
        max_tokens=settings.embedder.max_tokens,
        overlong=settings.embedder.overlong,
        token_budget=settings.embedder.token_budget,
        dimensions=settings.embedder.dimensions,
        dtype=settings.embedder.dtype,
    )


def scorer(settings: Settings, name: str, model: str) -> EngineSpec:
    """A reward model as an engine; see flow.evaluated_models for the length of one that was trained here."""
    scorer = settings.scorer
    server = scorer.http.model_dump() if scorer.backend == "http" else {}
    memory = {"gpu_memory": scorer.gpu_memory} if scorer.backend == "vllm" else {}
    return EngineSpec.of(
        "reward",
        name,
        model,
        backend=scorer.backend,
        max_tokens=scorer.max_tokens or SCORER_TOKENS,
        overlong=scorer.overlong,
        token_budget=scorer.token_budget,
        shared_prompt=scorer.shared_prompt,
        dtype=scorer.dtype,
        **server,
        **memory,
    )


def campaign_scorer(settings: Settings, name: str, model: str) -> EngineSpec:
    """As scorer, for one of the several reward models of a campaign, at the length that they are trained with.

    Raises InputError where the server holds only one.
    """
    if settings.scorer.backend == "http" and settings.scorer.http.server == "sglang":
        raise InputError(
            "scorer.http.server: sglang holds one model and is asked for none by name, and a campaign scores with "
            "several; use vllm, or scorer.backend: transformers"
        )
    made = scorer(settings, name, model)
    return made if settings.scorer.max_tokens else made.having(max_tokens=settings.train.max_tokens)


def judge(one: Judge, seed: int) -> EngineSpec:
    """A judge that is not simulated. seed: of its first sample, where its answers are drawn."""
    if one.kind == "replay":
        return EngineSpec.of("replay-judge", one.name, one.path)
    if one.kind == "http":
        return _http_judge(one, seed)
    made = EngineSpec.of(
        "vllm-judge" if one.kind == "vllm" else "chat-judge",
        one.name,
        one.model,
        max_tokens=one.max_tokens,
        dtype=one.dtype,
        rationale=one.rationale,
        rationale_tokens=one.rationale_tokens,
    )
    if one.kind != "vllm":
        return made
    return made.having(gpu_memory=one.gpu_memory, logprobs=one.logprobs, temperature=one.temperature, seed=seed)


def _http_judge(one: Judge, seed: int) -> EngineSpec:
    return EngineSpec.of(
        "http-judge",
        one.name,
        model=one.model,
        url=one.url,
        key_variable=one.key_variable,
        concurrency=one.concurrency,
        timeout=one.timeout,
        retries=one.retries,
        structured=one.structured,
        logprobs=one.logprobs,
        rationale=one.rationale,
        rationale_tokens=one.rationale_tokens,
        temperature=one.temperature,
        seed=seed,
    )


def describer(one: AttributeEngine, seed: int) -> EngineSpec:
    """An engine of preference attributes that a model answers."""
    return EngineSpec.of(
        "chat-attributes",
        one.name,
        one.model,
        max_tokens=one.max_tokens,
        dtype=one.dtype,
        max_new_tokens=one.max_new_tokens,
        temperature=one.temperature,
        top_p=one.top_p,
        seed=seed,
    )


def training_plan(settings: Settings, seed: int) -> TrainingPlan:
    """How one reward model is trained. dtype: None where it is to be measured."""
    train = settings.train
    return TrainingPlan(
        steps=train.steps,
        epochs=train.epochs,
        responses_per_step=train.responses_per_step,
        tokens_per_step=train.tokens_per_step,
        pairs_per_step=train.pairs_per_step,
        learning_rate=train.learning_rate,
        schedule=train.schedule,
        warmup_share=train.warmup_share,
        weight_decay=train.weight_decay,
        dropout=train.dropout,
        trainable_layers=train.trainable_layers,
        max_tokens=train.max_tokens,
        overlong=settings.scorer.overlong,
        evaluate_every=train.evaluate_every,
        dtype=train.dtype,
        gradient_checkpointing=train.gradient_checkpointing,
        checkpoint_every=train.checkpoint_every,
        seed=seed,
    )


def campaign_plan(settings: Settings, seed: int) -> TrainingPlan:
    """The same for a model of a campaign, which is compared with others and found again on other machines.

    Where train.dtype is null it computes in CAMPAIGN_DTYPE: what it becomes must not depend on a measurement.
    """
    plan = training_plan(settings, seed)
    return replace(plan, dtype=plan.dtype or CAMPAIGN_DTYPE)


def data_plan(settings: Settings) -> TrainingPlan:
    """The same for the model of train.data, which may have a seed of its own: groups are held out by the settings'."""
    own = settings.train.seed
    return training_plan(settings, settings.seed if own is None else own)


def of_final_models(settings: Settings) -> Settings:
    """The settings with what `train.final` says in the places of what it differs from: those of `synpref train`.

    They name another campaign than the settings do: ask for its id before.
    """
    return settings.model_copy(update={"train": settings.train.of_final_models()})


def training_layout(settings: Settings) -> Layout:
    """Where reward models are trained."""
    train = settings.train
    return Layout(processes=train.processes, strategy=train.strategy, on_cluster=train.on_cluster)
