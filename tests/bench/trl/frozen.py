"""Logistic regression on frozen embeddings: what a preference costs to predict without training the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegressionCV

Pairs = list[tuple[str, str]]  # chosen, rejected


def frozen_accuracy(model: str, train: Pairs, held_out: Pairs, max_tokens: int) -> float:
    """Share of the held-out pairs whose chosen text a regression over differences of embeddings calls better.

    Each pair is shown both ways round, so no side is preferred; the penalty is chosen by five-fold cross-validation.
    """
    texts = list(dict.fromkeys(text for pairs in (train, held_out) for pair in pairs for text in pair))
    encoder = SentenceTransformer(model, device="cpu", local_files_only=True)
    encoder.max_seq_length = max_tokens
    vectors = dict(zip(texts, encoder.encode(texts, normalize_embeddings=True), strict=True))

    def differences(pairs: Pairs) -> NDArray[np.float32]:
        return np.stack([vectors[chosen] - vectors[rejected] for chosen, rejected in pairs])

    seen = differences(train)
    labels = np.repeat([1, 0], len(seen))
    regression = LogisticRegressionCV(Cs=10, fit_intercept=False, max_iter=1000)
    regression.fit(np.concatenate([seen, -seen]), labels)
    margins = regression.decision_function(differences(held_out))
    return float(np.mean((margins > 0) + 0.5 * (margins == 0)))
