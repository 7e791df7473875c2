"""Whether the final models, and what was measured of them, belong to what Stage 2 decided last."""

from __future__ import annotations

from collections.abc import Sequence

from synpref.stage import Stage


def of_other_policies(stage: Stage, campaign: str, stages: Sequence[str]) -> dict[str, str]:
    """Those of `stages` (train, evaluate) that last ran under another policy than Stage 2, with that policy.

    Stage 2 may have run alone since, with other rules. Raises InputError where one of them has not run.
    """
    policy = stage.left_by("stage2", campaign)["policy"]
    ran = {name: stage.left_by(name, campaign).get("policy") or "unknown" for name in stages}
    return {name: other for name, other in ran.items() if other != policy}
