"""Rewards of many responses by trained models, through the feature cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from synpref.engines.device import default_device
from synpref.engines.tokenise import gives_segments
from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.model_folder import read_model
from synpref.reward.passes import Stored, score
from synpref.reward.rows import read_responses
from synpref.reward.upper import PairwiseLoss, cut_model


def stream_rewards(
    model_path: Path,
    responses_folder: Path,
    features_dir: Path | None,
    progress: Callable[[str], None] | None = None,
) -> Iterator[tuple[Sequence[str], NDArray[np.float32]]]:
    """Yield (response_ids, rewards) for responses_folder/responses, some thousand at a time.

    The model is one that `train_reward_model` made. Frozen layers run once for each response that features_dir does
    not hold yet, whichever model over the same backbone asked first. All is float32, on a GPU where
    one is usable. A refused, too long response has reward NaN.
    Raises InputError where model or folder cannot be read.
    """
    model = read_model(model_path)
    tokenizer, plan = load_tokenizer(model_path), model.plan
    kind = FeatureKind(model.backbone, model.frozen_layers, plan.max_tokens, plan.overlong, gives_segments(tokenizer))
    cut = cut_model(load_classifier(model_path, tokenizer), model.plan.trainable_layers, model_path)
    with TemporaryDirectory() as own:
        source = Source(open_features(features_dir or Path(own), kind), kind, model_path, tokenizer, progress)
        scorer = PairwiseLoss(cut.upper).to(default_device())
        source.store.refresh()
        for ids, conversations in read_responses(responses_folder):
            fill_features(source, [(ids, conversations)], look=False)
            places = source.store.find(ids)
            rewards = score(scorer, Stored(source.store, places))
            rewards[places.length == 0] = np.nan
            yield ids, rewards


def score_responses(
    model_path: Path,
    responses_folder: Path,
    features_dir: Path | None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """The same as one dictionary by response_id, for sets that fit memory (validation, test, demo)."""
    found = stream_rewards(model_path, responses_folder, features_dir, progress)
    return {name: float(reward) for ids, rewards in found for name, reward in zip(ids, rewards, strict=True)}
