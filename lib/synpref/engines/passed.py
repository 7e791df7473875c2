"""What has gone through a model: the counts that throughput and repairs are told in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Repairs:
    """What became of answers that named no verdict: asked: for once more; repaired: the second answer named one;
    unparsed: it did not, or was refused, and the first words stand. What is neither was lost on the way.
    """

    asked: int = 0
    repaired: int = 0
    unparsed: int = 0

    def __add__(self, other: Repairs) -> Repairs:
        """Both together."""
        return Repairs(self.asked + other.asked, self.repaired + other.repaired, self.unparsed + other.unparsed)


@dataclass
class Passed:
    """Counted since the engine was loaded; engines add, whoever tells progress takes differences.

    tokens: computed by the model, read and written ones, padding left out, a shared beginning and equal inputs once.
    cut: inputs that lost tokens to the maximum length. asked, repaired, unparsed: see Repairs.
    """

    tokens: int = 0
    cut: int = 0
    asked: int = 0
    repaired: int = 0
    unparsed: int = 0

    def add(self, tokens: int, cut: int = 0) -> None:
        """Count what one batch computed."""
        self.tokens += tokens
        self.cut += cut

    def add_repairs(self, repairs: Repairs) -> None:
        """Count what became of the answers of one batch that named no verdict."""
        self.asked += repairs.asked
        self.repaired += repairs.repaired
        self.unparsed += repairs.unparsed
