from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = ("requirements.lock", "requirements-oldest.lock")
VLLM_LOCK = "requirements-vllm.lock"
ALL_LOCKS = (*LOCKS, VLLM_LOCK, ".ci/installer.lock", ".ci/models.lock", ".ci/jdk.lock")
OLDEST = {"pyspark": "4.0.2", "delta-spark": "4.0.0"}
TARGETS = ("demo", "test", "test-oldest", "test-vllm", "lint", "types", "bench", "wheel", "clean", "help")


@pytest.fixture(scope="module")
def setup_cfg(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    return parser


def words(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(lock: Path) -> dict[str, list[Version]]:
    """Versions by package; a package has several where they depend on the platform."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_stands_in_the_lock_in_a_version_that_will_do(
    root: Path, setup_cfg: configparser.ConfigParser, name: str
) -> None:
    extras = setup_cfg["options.extras_require"]
    wanted = [setup_cfg["options"]["install_requires"], extras["dev"], extras["demo"], extras["openvino"]]
    locked = pins(root / name)
    for requirement in (Requirement(line) for block in wanted for line in words(block)):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in {name}: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: {versions}"


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_every_locked_package_has_hashes(root: Path, name: str) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9_.-]+==)", (root / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_oldest_lock_differs_in_spark_and_delta_only(root: Path) -> None:
    newest, oldest = (pins(root / name) for name in LOCKS)
    assert {name: str(oldest[name][0]) for name in OLDEST} == OLDEST
    differing = {name for name in set(newest) & set(oldest) if newest[name] != oldest[name]}
    assert differing == set(OLDEST)
    assert set(oldest) - set(newest) == set()


def test_the_engines_compute_beside_vllm_with_the_libraries_of_the_package(root: Path) -> None:
    ours, beside_vllm = (pins(root / name) for name in (LOCKS[0], VLLM_LOCK))
    for name in ("numpy", "safetensors", "tokenizers", "torch", "transformers", "urllib3"):
        assert beside_vllm[name] == ours[name]


def test_the_wheel_lists_every_package_of_the_checkout(root: Path, setup_cfg: configparser.ConfigParser) -> None:
    folders = {path.parent.relative_to(root / "lib") for path in (root / "lib" / "synpref").rglob("*.py")}
    found = {".".join(folder.parts) for folder in folders} | {"synpref.jobs", "synpref.conf"}
    assert set(words(setup_cfg["options"]["packages"])) == found


def test_every_settings_file_is_package_data(root: Path, setup_cfg: configparser.ConfigParser) -> None:
    patterns = {pattern.removeprefix("**/*") for pattern in words(setup_cfg["options.package_data"]["synpref.conf"])}
    kinds = {path.suffix for path in (root / "conf").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kinds - {".py"} <= patterns


def test_make_help_explains_every_target(root: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    shown = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    explained = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown, flags=re.MULTILINE))
    declared = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(explained) == set(declared)
    assert set(TARGETS) <= set(explained)


def test_readme_opens_with_the_two_commands(root: Path) -> None:
    opening = (root / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert "make demo" in opening
    assert "make test" in opening
