"""What a training will take, before anything is loaded: steps, tokens, memory, GPU-hours, by published formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from synpref.reward.architecture import Architecture

Strategy = Literal["ddp", "zero1", "fsdp"]
STRATEGIES: tuple[Strategy, ...] = ("ddp", "zero1", "fsdp")
# Weights, gradients and AdamW's two moments are float32; matrix products are computed in `dtype` (autocast).
WEIGHT_BYTES, GRADIENT_BYTES, MOMENT_BYTES = 4, 4, 8
FLOAT32 = 4  # bytes; of a narrower dtype, autocast keeps copies of the weights
RECOMPUTED = 1 / 3  # of the 6 operations a parameter and token, checkpointing runs the 2 of the forward pass again


@dataclass(frozen=True)
class Amount:
    """steps: optimiser steps. tokens: that pass through the model, forward and back, in all of them.

    squares: sum over those responses of their squared tokens, for attention.
    """

    steps: int
    tokens: float
    squares: float


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU at the peak of a step. weights: with the copies that products in bfloat16 take."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All four; what CUDA, kernels and fragmentation take beside them is not in it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def amount(
    pairs: int, mean_tokens: float, mean_square: float, *,
    steps: int | None, epochs: float | None, pairs_per_step: int | None, responses_per_step: int,
) -> Amount:  # fmt: skip
    """How much is computed. mean_tokens, mean_square: of prompt and response, over responses.

    Each pair is two responses, as if none stood in two pairs: where many do, it is less. Without pairs_per_step a step
    takes responses_per_step responses. epochs: passes over the pairs, else `steps` steps.
    """
    responses = 2.0 * pairs_per_step if pairs_per_step is not None else float(responses_per_step)
    if epochs is not None or steps is None:
        passed = 2.0 * pairs * (1.0 if epochs is None else epochs)
        return Amount(math.ceil(passed / responses), passed * mean_tokens, passed * mean_square)
    return Amount(steps, steps * responses * mean_tokens, steps * responses * mean_square)


def trained_parameters(shape: Architecture, trainable_layers: int | None) -> int:
    """Parameters that are trained: all, or those of the top layers (head and last norm are too few to count)."""
    if trainable_layers is None:
        return shape.parameters
    return round((shape.parameters - shape.embedding_parameters) * trainable_layers / shape.layers)


def memory(
    shape: Architecture, *,
    trainable_layers: int | None, tokens: int, dtype_bytes: int, checkpointing: bool, gpus: int, strategy: Strategy,
) -> Memory:  # fmt: skip
    """Memory of one of `gpus` GPUs while it holds a micro-batch of `tokens` tokens.

    States as in ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054, §3 and figure 1): ddp copies all, zero1 shares out
    the optimiser's moments by whole parameters, fsdp (stage 3) weights and gradients too. Of several GPUs under ddp and
    zero1, each holds its gradients twice: added up over micro-batches, and in the buckets in which torch's
    DistributedDataParallel exchanges them. Autocast casts each weight of a matrix product once and keeps the copy until
    the forward pass ends, the gathered weights of fsdp as well. Frozen layers run once before the training and are not
    held in it.
    """
    trained = trained_parameters(shape, trainable_layers)
    layers = shape.layers if trainable_layers is None else trainable_layers
    sharded = strategy == "fsdp"
    whole = gpus if sharded else 1
    held = 1 if sharded or gpus == 1 else 2
    cast = trained - (shape.embedding_parameters if trainable_layers is None else 0)
    return Memory(
        weights=WEIGHT_BYTES * trained / whole + (dtype_bytes * cast if dtype_bytes < FLOAT32 else 0),
        gradients=GRADIENT_BYTES * trained / whole * held,
        optimizer=MOMENT_BYTES * _moments_of(shape, trainable_layers, trained, gpus, strategy),
        activations=dtype_bytes * tokens * activation_values(shape, layers, checkpointing),
    )


def _moments_of(
    shape: Architecture, trainable_layers: int | None, trained: int, gpus: int, strategy: Strategy
) -> float:
    """Parameters whose moments the fullest GPU holds; zero1 (torch's ZeroRedundancyOptimizer) cuts no parameter."""
    if strategy == "ddp":
        return trained
    if strategy == "fsdp":
        return trained / gpus
    table = shape.largest_table if trainable_layers is None else 0
    return max(trained / gpus, table, shape.largest_matrix)


def activation_values(shape: Architecture, layers: int, checkpointing: bool) -> int:
    """Numbers kept for the backward pass, for each token of the micro-batch.

    What a layer keeps, counted as in Korthikanti et al. 2022 (arXiv 2205.05198, §4.1) for this layer's shapes, with
    attention that keeps no scores (flash or memory-efficient). With checkpointing (§5) every layer keeps its input,
    and one layer at a time is computed again.
    """
    own = layer_values(shape)
    return layers * shape.hidden + own if checkpointing else layers * own


def layer_values(shape: Architecture) -> int:
    """Of one layer: the inputs of its two norms, of attention and of the feed-forward part; queries, keys, values;
    attention's output; and of the feed-forward part gate, up, activation and product, or (without gate) two of these.
    """
    attention = 2 * shape.attention_width + 2 * shape.key_width
    return 4 * shape.hidden + attention + (4 if shape.gated else 2) * shape.intermediate


def feature_bytes(shape: Architecture, trainable_layers: int | None, tokens: float) -> float:
    """Bytes that the feature store takes on disk for so many tokens: of each its float32 hidden state behind the frozen
    layers, or, where all layers are trained, its int32 id, and for an encoder its segment too.
    """
    values = shape.hidden if trainable_layers is not None else 1 if shape.decoder else 2
    return 4.0 * values * tokens


def operations(
    shape: Architecture, work: Amount, *, trainable_layers: int | None, checkpointing: bool, frozen_tokens: float
) -> float:
    """Floating-point operations: 6 N a token, forward 2 and back 4 (Kaplan et al. 2020, arXiv 2001.08361, §2.1), and
    12 a layer, width and squared length for attention's scores (Chowdhery et al. 2022, arXiv 2204.02311, appendix B),
    half of it where attention looks back only. Checkpointing adds a third. N: trained parameters but embeddings.

    frozen_tokens: tokens that pass through frozen layers, once and forward only.
    """
    body = shape.parameters - shape.embedding_parameters
    top = body if trainable_layers is None else trained_parameters(shape, trainable_layers)
    layers = shape.layers if trainable_layers is None else trainable_layers
    scores = 12.0 * layers * shape.attention_width * work.squares * (0.5 if shape.decoder else 1.0)
    again = 1 + (RECOMPUTED if checkpointing else 0)
    return (6.0 * top * work.tokens + scores) * again + 2.0 * (body - top) * frozen_tokens


def gpu_hours(done: float, peak_tflops: float, mfu: float) -> float:
    """Hours of one GPU for so many operations at a share `mfu` of its peak."""
    return done / (peak_tflops * 1e12 * mfu) / 3600
