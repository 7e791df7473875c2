"""Whether the scores of wild are those of the models that Stage 1 left: it may have trained others since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synpref.errors import InputError


def models_scored(stage1: Mapping[str, Any]) -> dict[str, Any]:
    """Of Stage 1's detail: the gold model's id and, with its fold, that of each best model, as plain JSON."""
    best = [{"fold": one["fold"], "model_id": one["model_id"]} for one in stage1["best"]]
    return {"gold": stage1["gold"]["model_id"], "best": best}


def check_scored(stage1: Mapping[str, Any], scores: Mapping[str, Any]) -> None:
    """Raise InputError where the last scores (detail of score) are not by the models that Stage 1 (its detail) left.

    A former model may have trained on a comparison that is wild now. Versions before this one left no ids.
    """
    if scores.get("models") != models_scored(stage1):
        raise InputError(
            "stage1 has left other reward models than those that wild was scored with last (or an earlier version "
            "scored it, which did not note them): run `synpref score` first"
        )
