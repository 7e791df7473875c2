"""What has gone through a model: the count that throughput is told in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Passed:
    """Counted since the engine was loaded; engines add, whoever tells progress takes differences.

    tokens: computed by the model, read and written ones, padding left out, a shared beginning and equal inputs once.
    cut: inputs that lost tokens to the maximum length.
    """

    tokens: int = 0
    cut: int = 0

    def add(self, tokens: int, cut: int = 0) -> None:
        """Count what one batch computed."""
        self.tokens += tokens
        self.cut += cut
