"""What `synpref train` would take, told without loading weights or training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from synpref.config import load_preset
from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.errors import InputError
from synpref.flow.training_data import read_pairs
from synpref.report.dry_run_text import Assumed, dry_run_text
from synpref.reward.architecture import Architecture, architecture_of, config_of, folder_config
from synpref.reward.estimate import (
    STRATEGIES,
    Amount,
    Memory,
    Strategy,
    amount,
    feature_bytes,
    gpu_hours,
    memory,
    operations,
)
from synpref.settings import Settings
from synpref.settings_train import TrainData
from synpref.stage import Outcome, Stage

CHARACTERS_A_TOKEN = 4  # where the tokenizer is not at hand; of English text


@dataclass(frozen=True)
class Lengths:
    """pairs: how many are trained on. mean, mean_square: tokens of prompt and response, over responses.

    told: where they come from.
    """

    pairs: int
    mean: float
    mean_square: float
    told: str


@dataclass(frozen=True)
class DryRun:
    """outcome: for the record. text: what a person is told."""

    outcome: Outcome
    text: str


def dry_run(stage: Stage) -> DryRun:
    """Estimate the training that the settings describe: on train.data, else on the assumed pairs of train.estimate.

    Raises InputError where neither a preset nor a folder tells the architecture.
    """
    settings = stage.settings
    name, shape = _architecture(settings)
    lengths = _lengths(stage)
    work, plan = _work(settings, lengths), _plan(settings)
    checkpointing, layers = plan["gradient_checkpointing"], settings.train.trainable_layers
    done = operations(
        shape, work, trainable_layers=layers, checkpointing=checkpointing,
        frozen_tokens=2 * lengths.pairs * lengths.mean,
    )  # fmt: skip
    hours = gpu_hours(done, settings.train.estimate.peak_tflops, settings.train.estimate.mfu)
    tokens = max(plan["tokens_per_step"] or 0, 2 * settings.train.max_tokens)  # a longer pair is a batch of its own
    needs = _memory(settings, shape, tokens, checkpointing, 2 if plan["dtype"] == "bfloat16" else 4)
    assumed = Assumed(
        lengths=lengths.told,
        peak_tflops=settings.train.estimate.peak_tflops,
        mfu=settings.train.estimate.mfu,
        micro_batch_tokens=tokens,
        feature_bytes=feature_bytes(shape, layers, 2 * lengths.pairs * lengths.mean),
    )
    text = dry_run_text(name, shape, lengths.pairs, lengths.mean, work, needs, done, hours, plan, assumed)
    detail = {
        "architecture": asdict(shape),
        "pairs": lengths.pairs,
        "response_tokens": lengths.mean,
        "work": asdict(work),
        "operations": done,
        "gpu_hours": hours,
        "feature_bytes": assumed.feature_bytes,
        "memory": [{"gpus": gpus, "strategy": strategy, **asdict(need)} for (gpus, strategy), need in needs.items()],
    }
    return DryRun(Outcome(detail={"dry_run": detail}), text)


def _architecture(settings: Settings) -> tuple[str, Architecture]:
    train = settings.train
    if train.preset is not None:
        preset = load_preset(train.preset)
        return f"{preset.name}, recipe {train.recipe}", architecture_of(config_of(preset.architecture))
    return Path(train.backbone).name, architecture_of(folder_config(Path(train.backbone)))


def _plan(settings: Settings) -> dict[str, Any]:
    """The values of `train` that decide what a step takes."""
    values = settings.train.model_dump()
    names = ("steps", "epochs", "pairs_per_step", "responses_per_step", "tokens_per_step", "dtype")
    return {name: values[name] for name in (*names, "gradient_checkpointing")}


def _work(settings: Settings, lengths: Lengths) -> Amount:
    plan = _plan(settings)
    return amount(
        lengths.pairs,
        lengths.mean,
        lengths.mean_square,
        steps=plan["steps"],
        epochs=plan["epochs"],
        pairs_per_step=plan["pairs_per_step"],
        responses_per_step=settings.train.responses_per_step,
    )


def _memory(
    settings: Settings, shape: Architecture, tokens: int, checkpointing: bool, dtype_bytes: int
) -> dict[tuple[int, Strategy], Memory]:
    return {
        (gpus, strategy): memory(
            shape,
            trainable_layers=settings.train.trainable_layers,
            tokens=tokens,
            dtype_bytes=dtype_bytes,
            checkpointing=checkpointing,
            gpus=gpus,
            strategy=strategy,
        )
        for gpus in settings.train.estimate.gpus
        for strategy in (STRATEGIES if gpus > 1 else STRATEGIES[:1])
    }


def _lengths(stage: Stage) -> Lengths:
    assumed, train = stage.settings.train.estimate, stage.settings.train
    if not train.data.given:
        tokens = min(assumed.response_tokens, train.max_tokens)
        return Lengths(assumed.pairs, float(tokens), float(tokens) ** 2, "assumed, see train.estimate")
    read, _ = read_pairs(stage)
    pairs, talks = 0, list[Conversation]()
    order = F.xxhash64("comparison_id", F.lit(stage.settings.seed))
    for one in read:
        if one.use == "test":  # to measure on
            continue
        usable = one.rows.where("reason IS NULL AND label IN ('a', 'b')").dropDuplicates(["comparison_id"])
        pairs += usable.count()
        drawn = usable.orderBy(order).limit(assumed.sample_pairs).select("messages", "first_text", "second_text")
        for row in drawn.collect():  # at most sample_pairs
            messages = [message.asDict() for message in row["messages"]]
            talks += [Conversation(messages, row["first_text"]), Conversation(messages, row["second_text"])]
    if not talks:
        raise InputError("train.data: no pair says which response is better; nothing can be estimated")
    sizes, how = _tokens(Path(train.backbone), talks, train.max_tokens)
    mean, square = sum(sizes) / len(sizes), sum(size**2 for size in sizes) / len(sizes)
    held = held_out_pairs(train.data, pairs)
    told = f"{how} in {len(talks) // 2} pairs" + (f"; {held} more are held out" if held else "")
    return Lengths(pairs - held, mean, square, told)


def held_out_pairs(data: TrainData, pairs: int) -> int:
    """About how many of the pairs are not trained on but held out, where no files are named to measure on."""
    return 0 if data.validation else min(round(data.validation_share * pairs), data.max_validation)


def _tokens(backbone: Path, talks: Sequence[Conversation], limit: int) -> tuple[list[int], str]:
    """Tokens of each, at most the limit: counted where the backbone's tokenizer is at hand, and how that was done.

    Without those that its chat template refuses. Raises InputError where it refuses all.
    """
    if not (backbone / "tokenizer.json").is_file():
        sizes = [sum(len(turn["content"]) for turn in talk.messages) + len(talk.response) for talk in talks]
        how = f"no tokenizer in {backbone}: {CHARACTERS_A_TOKEN} characters a token assumed"
        return [min(limit, max(1, size // CHARACTERS_A_TOKEN)) for size in sizes], how
    from synpref.reward.backbones import load_tokenizer  # torch: only where something is counted

    encoded = encode_conversations(load_tokenizer(backbone), talks, limit, "truncate_left", refuse_roles=True)
    sizes = [len(one.input_ids) for one in encoded if not one.refused]
    if not sizes:
        raise InputError(f"train.data: the chat template of {backbone} refuses the roles of all pairs that were drawn")
    refused = len(encoded) - len(sizes)
    aside = f", without {refused} responses of roles that the chat template refuses," if refused else ""
    return sizes, f"counted{aside}"
