"""From settings to what the library takes: engine specs, training plans."""

from __future__ import annotations

from synpref.inference.spec import EngineSpec
from synpref.reward.plan import TrainingPlan
from synpref.settings import AttributeEngine, Judge, Settings


def embedder(settings: Settings) -> EngineSpec:
    """The embedder of comparisons."""
    return EngineSpec.of(
        "embedder",
        "embedder",
        settings.embedder.model,
        max_tokens=settings.embedder.max_tokens,
        token_budget=settings.embedder.token_budget,
        dimensions=settings.embedder.dimensions,
        dtype=settings.embedder.dtype,
    )


def scorer(settings: Settings, name: str, model: str) -> EngineSpec:
    """A trained reward model as an engine."""
    scorer = settings.scorer
    server = scorer.http.model_dump() if scorer.backend == "http" else {}
    return EngineSpec.of(
        "reward",
        name,
        model,
        backend=scorer.backend,
        max_tokens=scorer.max_tokens,
        overlong=scorer.overlong,
        token_budget=scorer.token_budget,
        shared_prompt=scorer.shared_prompt,
        dtype=scorer.dtype,
        **server,
    )


def judge(one: Judge) -> EngineSpec:
    """A judge that a model answers."""
    return EngineSpec.of("chat-judge", one.name, one.model, max_tokens=one.max_tokens, dtype=one.dtype)


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
    """How one reward model is trained."""
    train = settings.train
    return TrainingPlan(
        steps=train.steps,
        responses_per_step=train.responses_per_step,
        learning_rate=train.learning_rate,
        schedule=train.schedule,
        warmup_share=train.warmup_share,
        weight_decay=train.weight_decay,
        trainable_layers=train.trainable_layers,
        max_tokens=train.max_tokens,
        overlong=settings.scorer.overlong,
        evaluate_every=train.evaluate_every,
        seed=seed,
    )
