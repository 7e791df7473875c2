"""Logistic regression on frozen embeddings: what a preference costs to predict without training the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import GroupKFold

from tests.bench.trl.pairs import Pair, Parts

VIEWS = ("response", "conversation")
FOLDS = 5
Vectors = dict[str, NDArray[np.float32]]


def frozen(model: str, parts: Parts, max_tokens: int) -> dict[str, Any]:
    """A regression over differences of embeddings, trained on all of `train`: which held-out pairs it gets right.

    It takes embeddings of the responses alone or of prompt and response together, whichever is better on the validation
    groups when it has learned from the others. Gives view, right (1, 0, or 0.5 for a margin of 0; one value a pair of
    held_out), accuracy, and the validation accuracies by view.
    """
    vectors = {view: embed(model, parts, max_tokens, view) for view in VIEWS}
    seen = {view: float(np.mean(_right(held, parts["sweep"], parts["validation"]))) for view, held in vectors.items()}
    view = max(VIEWS, key=lambda name: seen[name])
    right = _right(vectors[view], parts["train"], parts["held_out"])
    return {"view": view, "validation": seen, "accuracy": float(np.mean(right)), "right": right}


def embed(model: str, parts: Parts, max_tokens: int, view: str) -> Vectors:
    """Embedding of length 1 of each distinct response, by its id."""
    texts: dict[str, str] = {}
    for pair in (pair for pairs in parts.values() for pair in pairs):
        said = [] if view == "response" else [message["content"] for message in pair.messages]
        texts |= {pair.ids[0]: "\n".join([*said, pair.chosen]), pair.ids[1]: "\n".join([*said, pair.rejected])}
    encoder = SentenceTransformer(model, device="cpu", local_files_only=True)
    encoder.max_seq_length = max_tokens
    encoder.tokenizer.truncation_side = "left"  # as the reward models read it
    distinct = list(dict.fromkeys(texts.values()))
    of_text = dict(zip(distinct, encoder.encode(distinct, normalize_embeddings=True), strict=True))
    return {name: of_text[text] for name, text in texts.items()}


def _right(vectors: Vectors, train: list[Pair], held_out: list[Pair]) -> list[float]:
    """The penalty is chosen by cross-validation over whole groups; every second pair is shown the other way round."""
    seen = _differences(vectors, train)
    labels = np.arange(len(seen)) % 2
    groups = [pair.group for pair in train]
    folds = list(GroupKFold(min(FOLDS, len(set(groups)))).split(seen, groups=groups))
    regression = LogisticRegressionCV(
        Cs=10, cv=folds, scoring="accuracy", l1_ratios=(0.0,), fit_intercept=False, max_iter=1000,
        use_legacy_attributes=False,
    )  # fmt: skip
    regression.fit(seen * (2 * labels - 1)[:, None], labels)
    margins = regression.decision_function(_differences(vectors, held_out))
    right: list[float] = ((margins > 0) + 0.5 * (margins == 0)).tolist()
    return right


def _differences(vectors: Vectors, pairs: list[Pair]) -> NDArray[np.float32]:
    return np.stack([vectors[pair.ids[0]] - vectors[pair.ids[1]] for pair in pairs])
