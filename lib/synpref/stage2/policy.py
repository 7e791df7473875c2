"""The policy: everything that changes decisions beside the campaign (design.md, Tables)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def policy_id(
    *, epsilon: float, mix: str, gold_engine: str, best_engines: Mapping[int | None, str], roster: Mapping[str, str]
) -> str:
    """16 hex digits over the rule's settings, the engine_ids and the roster.

    best_engines: fold to the engine that scores it; the only key is None where nothing is cross-fitted. roster: judge's
    name to its engine_id, since other weights may lie in the folder that the judge names.
    """
    facts = {
        "epsilon": epsilon,
        "mix": mix,
        "gold": gold_engine,
        "best": {str(fold): engine for fold, engine in best_engines.items()},
        "roster": sorted(roster.items()),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
