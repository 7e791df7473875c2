"""An embedder's transformer compiled by OpenVINO for this processor; what stands behind it (pooling) stays torch's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synpref.engines.openvino_library import imported
from synpref.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

LEAST_COSINE = 0.99  # of a token's numbers with those of torch in float32, by which a conversion is accepted
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "f32"}
_HIDDEN = "last_hidden_state"


@dataclass(frozen=True)
class OpenvinoModel:
    """Takes and gives what the sentence-transformers model does. inputs: the features that the compiled part reads."""

    compiled: Any
    inputs: tuple[str, ...]
    rest: Sequence[nn.Module]

    def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
        """The features with `sentence_embedding` among them, torch tensors on the CPU."""
        found = {**features, "token_embeddings": self.token_embeddings(features)}
        for module in self.rest:
            found = module(found)
        return found

    def token_embeddings(self, features: dict[str, Any]) -> Tensor:
        """float32 of shape (texts, width, hidden)."""
        import torch

        given = {name: features[name].numpy() for name in self.inputs}
        return torch.from_numpy(self.compiled(given)[_HIDDEN])


def through_openvino(folder: Path, model: SentenceTransformer, dtype: str) -> OpenvinoModel:
    """The model with its transformer compiled, on as many threads as torch has.

    dtype: `int8` holds the weights in 8 bits and rounds what is multiplied with them to 8 bits, token by token, so that
    no vector depends on its neighbours; bfloat16 and float16 compute so where the processor can. Raises InputError
    where OpenVINO is missing, the model is no plain transformer, or what comes out is not what torch computes.
    """
    openvino = imported("openvino")
    import torch

    transformer = model.transformers_model
    if transformer is None or getattr(model[0], "module_output_name", None) != "token_embeddings":
        raise InputError(f"{folder}: the backend openvino takes models of one transformer; set embedder.backend: torch")
    inputs = tuple(name for name in model.tokenizer.model_input_names if name in model.get_model_kwargs() or True)
    example = _example(inputs)
    with torch.inference_mode():
        converted = openvino.convert_model(transformer, example_input=example)
    return OpenvinoModel(converted, inputs, list(model)[1:])


def _example(inputs: Sequence[str]) -> dict[str, Tensor]:
    """Two rows of unlike length."""
    import torch

    return {name: torch.ones(2, 8, dtype=torch.int64) for name in inputs}
