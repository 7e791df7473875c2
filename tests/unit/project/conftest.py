"""The checkout as the tests of the project see it: its modules, parsed, and its tracked files."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Module:
    """One Python file. room: `store` of synpref.store.names, `jobs`, or the module's own name."""

    path: Path
    room: str
    tree: ast.Module

    @property
    def where(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[str]:
        """Every module named by an import, at the top or inside a function, and every name imported from a module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def rooms_imported(self) -> set[str]:
        """The rooms of this package that the module imports, its own left out."""
        parts = [name.split(".") for name in self.imports()]
        return {words[1] for words in parts if words[0] == "synpref" and len(words) > 1} - {self.room, "__version__"}


def parse(path: Path) -> Module:
    inside = path.relative_to(ROOT / "lib" / "synpref") if path.is_relative_to(ROOT / "lib") else None
    room = "jobs" if inside is None else inside.parts[0].removesuffix(".py")
    return Module(path, room, ast.parse(path.read_text(encoding="utf-8"), str(path)))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """The modules of the package: lib/synpref and jobs/."""
    return [parse(path) for folder in ("lib/synpref", "jobs") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every text file that is in git or will be."""
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout: what is tracked is not known")
    paths = [ROOT / name for name in listed if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]
