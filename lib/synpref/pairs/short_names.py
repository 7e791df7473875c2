"""Short names of files and folders that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path


def short_names(paths: Iterable[Path]) -> dict[Path, str]:
    """Of each path the shortest end that no other one has, at least the file's name; of such an end all of it."""
    ends = {path: ["/".join(path.parts[-count:]) for count in range(1, len(path.parts) + 1)] for path in paths}
    taken = Counter(end for own in ends.values() for end in own)
    return {path: next((end for end in own if taken[end] == 1), own[-1]) for path, own in ends.items()}
