"""Texts to unit vectors, through the modules of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from synpref.engines.batching import token_budget_batches
from synpref.engines.device import default_device
from synpref.engines.load_checks import check_vocabulary, check_whole
from synpref.engines.model_folder import check_max_tokens, check_model_folder, check_modules, loading
from synpref.engines.padding import pad_batch
from synpref.engines.passed import Passed
from synpref.engines.text_rows import TextRows, TextTokeniser
from synpref.engines.token_budget import measured_token_budget
from synpref.engines.tokenise import Encoded, Overlong
from synpref.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EmbedderBackend: TypeAlias = Literal["torch", "openvino"]


@dataclass(frozen=True)
class Embedder:
    """A loaded embedder. Pooling is that of the model folder, and so is the prompt unless one is named.

    forward: sentence-transformers' features to those features with `sentence_embedding` among them.
    """

    forward: Callable[[dict[str, Any]], dict[str, Any]]
    tokeniser: TextTokeniser
    token_budget: int
    dimensions: int
    device: str
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        token_budget: int | None,
        dimensions: int | None = None,
        device: str | None = None,
        backend: EmbedderBackend = "torch",
        prompt: str | None = None,
        prompt_name: str | None = None,
        overlong: Overlong = "truncate_left",
    ) -> Embedder:
        """Load a folder. dimensions: keep this many of a Matryoshka vector's first numbers; None keeps all.

        prompt: text before every text; prompt_name: one of the model's own; neither: what the model does by default.
        Texts above max_tokens lose their beginning, not the prompt: the last turns stay (paper.md §10.1); under
        `refuse` they are not run. token_budget: of a batch; None: by a measurement of a second or two. dtype: `int8`
        for the backend `openvino` only. Raises InputError where the folder cannot be used, lacks weights, has a
        tokenizer of another model, no such prompt, or fewer positions or dimensions than asked for, and where the
        backend is not installed.
        """
        folder, device = check_model_folder(model_path), device or default_device()
        check_modules(folder)
        if backend == "openvino":
            device = "cpu"
        elif dtype == "int8":
            raise InputError(f"{folder}: int8 is a number format of the backend openvino; set embedder.backend")
        with loading(folder):
            model = _loaded(folder, "float32" if backend == "openvino" else dtype, device)
        _check_whole(folder, model)
        full = model.get_embedding_dimension() or 0
        if dimensions is not None and not 0 < dimensions <= full:
            raise InputError(f"{folder}: {dimensions} dimensions asked of a model that has {full}")
        check_max_tokens(folder, model.config, max_tokens)
        if "message" in model.modalities:
            raise InputError(f"{folder}: this embedder reads chats through a template of its own; give one of texts")
        said = _prompt(folder, model, prompt, prompt_name)
        tokeniser = TextTokeniser.of(model.tokenizer, said, max_tokens, overlong)
        forward: Callable[[dict[str, Any]], dict[str, Any]] = model.eval()
        if backend == "openvino":
            from synpref.engines.openvino_model import through_openvino

            forward = through_openvino(folder, model, dtype)
        if not token_budget:
            run = _full_batch(forward, tokeniser, device)
            token_budget = measured_token_budget(run, max_tokens, device, (str(folder), backend, dtype))
        return cls(forward, tokeniser, token_budget, dimensions or full, device)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: float32 of shape (texts, dimensions), each of unit length. Equal texts are computed once.

        A text that is refused as too long is a row of NaN, one that the model finds no numbers for a row of infinity.
        """
        return self.embed_rows(self.prepare(texts))

    def prepare(self, texts: Sequence[str]) -> TextRows:
        """The part of `embed` that needs no model: tokens."""
        with self.tokenising:
            return self.tokeniser.rows(texts)

    def embed_rows(self, rows: TextRows) -> NDArray[np.float32]:
        """The rest of `embed`."""
        vectors = np.full((len(rows.encoded), self.dimensions), np.nan, dtype=np.float32)
        runs = rows.runs
        lengths = [len(rows.encoded[place].input_ids) for place in runs]
        for batch in token_budget_batches(lengths, self.token_budget, window=max(len(lengths), 1)):
            places = [runs[position] for position in batch]
            pooled = self._pooled(rows, places)[:, : self.dimensions]
            vectors[places] = np.where(np.isfinite(pooled).all(axis=1, keepdims=True), pooled, np.inf)
        self.passed.add(sum(lengths), sum(rows.encoded[place].truncated for place in runs))
        norms = np.where(np.isinf(vectors[:, :1]), 1, np.linalg.norm(vectors, axis=1, keepdims=True))
        unit: NDArray[np.float32] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit[rows.index]

    def _pooled(self, rows: TextRows, places: Sequence[int]) -> NDArray[np.float32]:
        import torch

        pad = self.tokeniser.tokenizer.pad_token_id
        batch = pad_batch([rows.encoded[place] for place in places], 0 if pad is None else int(pad))
        features: dict[str, Any] = {name: value.to(self.device) for name, value in batch.items()}
        if self.tokeniser.prompt_tokens:
            features["prompt_length"] = self.tokeniser.prompt_tokens  # for pooling that leaves the prompt out
        with torch.inference_mode():
            pooled = self.forward(features)["sentence_embedding"]
        found: NDArray[np.float32] = pooled.float().cpu().numpy()
        return found


def _full_batch(
    forward: Callable[[dict[str, Any]], dict[str, Any]], tokeniser: TextTokeniser, device: str
) -> Callable[[int, int], object]:
    """Embeds equal rows of so many tokens, of which one budget holds so many."""
    word = tokeniser.rows(["word"]).encoded[0].input_ids

    def run(budget: int, tokens: int) -> None:
        rows = [Encoded((word * tokens)[:tokens], None, truncated=False)] * max(1, budget // tokens)
        Embedder(forward, tokeniser, len(rows) * tokens, 1, device).embed_rows(TextRows(rows, list(range(len(rows)))))

    return run


def check_embedder_backend(name: str | None) -> EmbedderBackend:
    """The backend; InputError for another name."""
    if name == "torch":
        return "torch"
    if name == "openvino":
        return "openvino"
    raise InputError(f"embedder.backend is {name!r}; give torch or openvino")


def _loaded(folder: Path, dtype: str, device: str) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(folder),
        device=device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
    )


def _check_whole(folder: Path, model: SentenceTransformer) -> None:
    """Raise InputError where weights that the vectors come from stand in no file, or ids have no embedding."""
    backbone: Any = getattr(model[0], "auto_model", None)  # a static embedding has none
    if backbone is None:
        return
    check_vocabulary(str(folder), backbone.get_input_embeddings().weight.shape[0], model.tokenizer)
    with loading(folder):  # without memory: sentence-transformers keeps the report of its own load to itself
        _, report = type(backbone).from_pretrained(
            backbone.name_or_path,
            config=backbone.config,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            device_map="meta",
        )
    pooled = any(type(module).__name__ == "Pooling" for module in model)  # over the tokens: the model's own is not run
    missing = [name for name in report["missing_keys"] if not (pooled and name.startswith("pooler."))]
    check_whole(str(folder), missing, "its vectors would be random; save the whole model")


def _prompt(folder: Path, model: SentenceTransformer, prompt: str | None, name: str | None) -> str:
    if prompt is not None and name is not None:
        raise InputError(f"{folder}: a prompt and the name of one are given; give one of the two")
    if prompt is not None:
        return prompt
    own = {key: text for key, text in model.prompts.items() if text}
    if name is not None and name not in own:
        there = f"there are {', '.join(sorted(own))}" if own else "it has none"
        raise InputError(f"{folder}: the model has no prompt {name!r}; {there}")
    return own.get(name or model.default_prompt_name or "", "")
