"""The set-up's own decisions, with made-up programs in a folder that stands for PATH."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def set_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(root / ".ci"))


@pytest.fixture
def java_home(set_up: None) -> ModuleType:
    return importlib.import_module("java_home")


@pytest.fixture
def environment(set_up: None) -> ModuleType:
    return importlib.import_module("environment")


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def java(home: Path, version: str) -> Path:
    program(home / "bin" / "java", f"echo 'openjdk version \"{version}\"' >&2")
    return home


def find_python(root: Path, *folders: Path, **extra: str) -> str:
    environment = {"PATH": ":".join(str(folder) for folder in folders), **extra}
    words = ["/bin/sh", str(root / ".ci" / "find_python")]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def same_python(path: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(sys.executable)


def test_a_shim_that_stands_on_path_but_does_not_run_is_passed_over(root: Path, tmp_path: Path) -> None:
    for name in ("python3.12", "python3.11"):
        program(tmp_path / "shims" / name, "echo 'not installed' >&2; exit 127")
    program(tmp_path / "real ones" / "python3", f'exec "{sys.executable}" "$@"')
    assert same_python(find_python(root, tmp_path / "shims", tmp_path / "real ones"))


def test_an_older_python_is_passed_over(root: Path, tmp_path: Path) -> None:
    program(tmp_path / "python3.12", "exit 1")  # what the check answers under another version
    program(tmp_path / "python3", f'exec "{sys.executable}" "$@"')
    assert same_python(find_python(root, tmp_path))


def test_a_python_named_by_the_user_comes_first(root: Path, tmp_path: Path) -> None:
    mine = program(tmp_path / "my own" / "snake", f'exec "{sys.executable}" "$@"')
    program(tmp_path / "bin" / "python3.12", "echo wrong; exit 0")
    assert same_python(find_python(root, tmp_path / "bin", PYTHON=str(mine)))


def test_java_home_is_asked_first(java_home: ModuleType, tmp_path: Path) -> None:
    mine = java(tmp_path / "mine", "21.0.2")
    java(tmp_path / "system" / "other", "17.0.1")
    assert java_home.find({"JAVA_HOME": str(mine), "PATH": ""}, tmp_path / "system") == mine


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2", "25"])
def test_a_java_that_spark_does_not_run_on_is_passed_over(java_home: ModuleType, tmp_path: Path, version: str) -> None:
    wrong = java(tmp_path / "wrong", version)
    right = java(tmp_path / "system" / "right", "17.0.15")
    surroundings = {"JAVA_HOME": str(wrong), "PATH": str(wrong / "bin")}
    assert java_home.find(surroundings, tmp_path / "system") == right


def test_a_java_on_path_is_found_through_its_links(java_home: ModuleType, tmp_path: Path) -> None:
    real = java(tmp_path / "jdk 17", "17.0.15")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(real / "bin" / "java")
    assert java_home.find({"PATH": str(tmp_path / "bin")}, tmp_path / "none") == real


def test_a_java_that_install_jdk_left_is_found(java_home: ModuleType, tmp_path: Path) -> None:
    left = java(tmp_path / ".jdk" / "jdk-17.0.9+9", "17.0.9")
    assert java_home.find({"HOME": str(tmp_path), "PATH": ""}, tmp_path / "none") == left


def test_without_any_java_the_set_up_ends_with_the_line_to_type(
    java_home: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java_home, "_with_install_jdk", lambda environment, venv: None)  # it would ask the network
    with pytest.raises(java_home.SetupError, match=r"Type: .*(apt-get install|install-jdk)"):
        java_home.install({"PATH": str(tmp_path), "HOME": str(tmp_path)}, tmp_path / "venv", tmp_path / "none")


def test_java_comes_by_the_environment_that_was_made_whatever_others_there_are(
    java_home: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    venv = tmp_path / ".venv-oldest"
    program(venv / "bin" / "python", "exit 0")
    program(venv / "bin" / "uv", f'echo "$*" > "{tmp_path}/asked"; exit 1')
    with pytest.raises(java_home.SetupError, match="Type: "):
        java_home.install({"PATH": str(tmp_path), "HOME": str(tmp_path)}, venv, tmp_path / "none")
    assert "jdk.lock" in (tmp_path / "asked").read_text(encoding="utf-8")


def test_an_environment_that_does_not_stand_hides_no_advice(
    java_home: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(java_home.SetupError, match="Type: "):
        java_home.install({"PATH": str(tmp_path), "HOME": str(tmp_path)}, tmp_path / "absent", tmp_path / "none")


def test_apt_is_asked_for_the_second_java_where_the_first_is_not_offered(
    java_home: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    offered, home = java(tmp_path / "offered", "21.0.1"), tmp_path / "system" / "java 21"
    carry = f'mkdir -p "{home.parent}"; cp -r "{offered}" "{home}"'
    program(tmp_path / "bin" / "apt-get", f'case "$*" in *openjdk-17*) exit 100;; *openjdk-21*) {carry};; esac')
    (tmp_path / "bin" / "cp").symlink_to("/bin/cp")
    (tmp_path / "bin" / "mkdir").symlink_to("/bin/mkdir")
    surroundings = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    assert java_home.install(surroundings, tmp_path / "venv", tmp_path / "system") == home


def test_a_moved_environment_is_noticed(environment: ModuleType, tmp_path: Path) -> None:
    venv = tmp_path / "moved here" / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "activate").write_text(f'VIRTUAL_ENV="{tmp_path}/was there/.venv"', encoding="utf-8")
    assert environment.moved(venv)
    (venv / "bin" / "activate").write_text(f'VIRTUAL_ENV="{venv}"', encoding="utf-8")
    assert not environment.moved(venv)


@pytest.mark.parametrize("surroundings", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_home_the_installer_keeps_its_cache_in_the_checkout(
    environment: ModuleType, surroundings: dict[str, str]
) -> None:
    assert environment.cache_folder(surroundings) == environment.ROOT / ".cache" / "uv"


def test_the_installer_uses_the_cache_of_the_home_that_is_there(environment: ModuleType, tmp_path: Path) -> None:
    assert environment.cache_folder({"HOME": str(tmp_path)}) == tmp_path / ".cache" / "uv"


def test_a_failing_step_ends_with_advice(set_up: None) -> None:
    console = importlib.import_module("console")
    with pytest.raises(console.SetupError, match=r"counting sheep: failed with exit code 3.*Try goats\."):
        console.run(["/bin/sh", "-c", "exit 3"], "counting sheep", {}, "Try goats.")
    with pytest.raises(console.SetupError, match=r"Try goats\."):
        console.run([Path("/no/such/program")], "counting sheep", {}, "Try goats.")


def test_a_new_version_of_another_package_makes_no_model_anew(set_up: None) -> None:
    models = importlib.import_module("models")
    lock = "a==1\nmodel==2 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nz==3 \\\n    --hash=sha256:4\n"
    assert models.locked_lines(lock, "model") == models.locked_lines(lock.replace("z==3", "z==4"), "model")
    assert models.locked_lines(lock, "model") != models.locked_lines(lock.replace("sha256:2", "sha256:9"), "model")
    with pytest.raises(models.SetupError, match="does not hold other"):
        models.locked_lines(lock, "other")
