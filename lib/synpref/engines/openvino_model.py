"""An embedder's transformer compiled by OpenVINO for this processor; what stands behind it (pooling) stays torch's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synpref.engines.openvino_library import imported
from synpref.errors import EngineError, InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

# Of a vector with that of torch in float32: below, the conversion is refused.
LEAST_COSINE = 0.99
# Numbers that are rounded to 8 bits together. MiniLM on 64 real texts: least cosine 0.996 at 32, 0.995 at 64 and 0.992
# at 128, the speed of 64 and 128 being 1.2 times that of 32 (docs/embedding.md).
_GROUP = 64
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "f32"}
_HIDDEN = "last_hidden_state"
# The model is traced with the first texts and checked with the others, as a batch of another size.
_TRACED = ("a", "The capital of France is Paris.")
_PROBES = ("a", "", "The capital of France is Paris, and it has been so for most of the last thousand years.")


@dataclass(frozen=True)
class OpenvinoModel:
    """Takes and gives what the sentence-transformers model does. inputs: the features that the compiled part reads."""

    compiled: Any
    inputs: tuple[str, ...]
    rest: Sequence[nn.Module]

    def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
        """The features with `sentence_embedding` among them, torch tensors on the CPU."""
        import torch

        given = {name: features[name].numpy() for name in self.inputs}
        found = {**features, "token_embeddings": torch.from_numpy(self.compiled(given)[_HIDDEN])}
        for module in self.rest:
            found = module(found)
        return found


def through_openvino(folder: Path, model: SentenceTransformer, dtype: str) -> OpenvinoModel:
    """The model, in float32 on the CPU, with its transformer compiled, on as many threads as torch has.

    dtype: `int8` holds the weights in 8 bits and rounds what they are multiplied with to 8 bits, each token on its own,
    so that no vector depends on its neighbours; bfloat16 and float16 compute so where the processor can. Raises
    InputError where OpenVINO is missing or the model is no plain transformer, EngineError where its vectors are not
    those of torch (LEAST_COSINE).
    """
    openvino = imported("openvino")
    import torch

    transformer = model.transformers_model
    if transformer is None or getattr(model[0], "module_output_name", None) != "token_embeddings":
        raise InputError(f"{folder}: the backend openvino takes models of one transformer; set embedder.backend: torch")
    traced, probe = (
        dict(model.tokenizer(list(texts), padding=True, return_tensors="pt")) for texts in (_TRACED, _PROBES)
    )
    with torch.inference_mode():
        converted = openvino.convert_model(transformer, example_input=traced)
        if dtype == "int8":
            nncf = imported("nncf")
            converted = nncf.compress_weights(converted, mode=nncf.CompressWeightsMode.INT8_SYM)
        compiled = openvino.Core().compile_model(converted, "CPU", _settings(dtype, torch.get_num_threads()))
        found = OpenvinoModel(compiled, tuple(probe), list(model)[1:])
        _check(folder, found(dict(probe))["sentence_embedding"], model(dict(probe))["sentence_embedding"])
    return found


def _settings(dtype: str, threads: int) -> dict[str, str]:
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": str(threads),
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
    }
    if dtype == "int8":
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(_GROUP)
    return settings


def _check(folder: Path, found: Tensor, expected: Tensor) -> None:
    import torch

    least = float(torch.nn.functional.cosine_similarity(found.float(), expected.float()).min())
    if not least >= LEAST_COSINE:  # not a number is no agreement either
        raise EngineError(
            f"{folder}: vectors by OpenVINO agree with those of torch to a cosine of {least:.4f} only, below "
            f"{LEAST_COSINE}; set embedder.backend: torch, or another dtype"
        )
