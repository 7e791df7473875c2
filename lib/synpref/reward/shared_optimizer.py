"""An optimiser whose state is shared out over the processes (ZeRO stage 1, Rajbhandari et al. 2020)."""

from __future__ import annotations

from typing import Any

from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.optim import Optimizer


class SharedOptimizer(ZeroRedundancyOptimizer):
    """Its state is spread over the processes; the first one has all of it after `gather`."""

    gathered = False

    def gather(self) -> None:
        """Bring the state to the first process. All must call it."""
        self.consolidate_state_dict(to=0)
        self.gathered = True

    def state_dict(self) -> dict[str, Any]:
        """All of the state where it was gathered, else the groups alone: accelerate asks before there is any."""
        whole: dict[str, Any] = super().state_dict() if self.gathered else Optimizer.state_dict(self)
        return whole
