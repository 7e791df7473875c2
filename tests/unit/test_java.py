from __future__ import annotations

import os
from pathlib import Path

import pytest

from synpref import java
from synpref.errors import InputError


def fake_java(home: Path, version: str) -> Path:
    """A program that prints what `java -version` prints."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return home


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No Java anywhere: JAVA_HOME unset, PATH, home and the system's folders without one."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(java, "SYSTEM_FOLDERS", (tmp_path / "jvm", tmp_path / "JavaVirtualMachines"))
    return tmp_path


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("command not found", None),
    ],
)
def test_the_major_version_is_read(output: str, major: int | None) -> None:
    assert java.parse_version(output) == major


def test_without_java_the_error_gives_the_line_to_type(nowhere: Path) -> None:
    with pytest.raises(InputError, match=r"Java 17 or 21.*JAVA_HOME is not set.*Type: .*install") as caught:
        java.find_java_home()
    assert "\n" not in str(caught.value)


def test_a_wrong_version_is_named(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(nowhere / "old", "11.0.2")))
    with pytest.raises(InputError, match="JAVA_HOME is Java 11"):
        java.find_java_home()


def test_a_java_home_that_is_none_is_said_to_be(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(nowhere / "nothing here"))
    with pytest.raises(InputError, match="JAVA_HOME is no Java"):
        java.find_java_home()


def test_java_home_comes_first_spaces_and_all(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fake_java(nowhere / "my java", "21.0.1")
    other = fake_java(nowhere / "other", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", f"{other / 'bin'}{os.pathsep}/bin:/usr/bin")
    assert java.find_java_home() == home


def test_what_install_jdk_left_in_the_home_folder_is_found(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(nowhere / ".jdk" / "jdk-11.0.2", "11.0.2")
    home = fake_java(nowhere / ".jdk" / "jdk-17.0.9+9", "17.0.9")
    assert java.find_java_home() == home


def test_what_the_system_s_packages_left_is_found_behind_its_link(nowhere: Path) -> None:
    fake_java(nowhere / "jvm" / "java-11-openjdk", "11.0.2")
    home = fake_java(nowhere / "jvm" / "java-21-openjdk", "21.0.9")
    (nowhere / "jvm" / "default-java").symlink_to(home)
    (nowhere / "jvm" / "openjdk-17").mkdir()
    assert java.find_java_home() == home


def test_what_macos_installed_is_found_inside_its_bundle(nowhere: Path) -> None:
    home = fake_java(nowhere / "JavaVirtualMachines" / "temurin-17.jdk" / "Contents" / "Home", "17.0.9")
    assert java.find_java_home() == home


def test_the_folders_named_are_those_of_linux_and_macos() -> None:
    assert set(map(str, java.SYSTEM_FOLDERS)) == {"/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"}


def test_a_folder_with_a_wrong_java_only_is_named(nowhere: Path) -> None:
    home = fake_java(nowhere / "jvm" / "java-25", "25.0.1")
    with pytest.raises(InputError, match=f"{home} is Java 25"):
        java.find_java_home()
