from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import synpref
from synpref.jvm_output import is_bookkeeping

PROGRAM = """
import subprocess, sys
from synpref.jvm_output import quiet_start
lines = [
    ":: loading settings :: url = jar:file:/x", "\\tfound io.delta#delta-storage;4.4.0 in central", "",
    "\\t---------------------------------------------------------------------", "12:00:00 WARN Disk: nearly full",
    "downloading jars/delta.jar ...",
]
with quiet_start():
    subprocess.run(["sh", "-c", 'printf "%s\\\\n" "$@" >&2', "-"] + lines, check=True)
print("after", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "line",
    [
        ":: loading settings :: url = jar:file:/a/ivy.jar!/org/apache/ivy/core/settings/ivysettings.xml",
        "Ivy Default Cache set to: /home/u/.ivy2.5.2/cache",
        "io.delta#delta-spark_4.2_2.13 added as a dependency",
        "\tconfs: [default]\n",
        "\tfound io.delta#delta-storage;4.4.0 in central",
        "\torg.slf4j#slf4j-api;2.0.17 by [org.slf4j#slf4j-api;2.0.13] in [default]",
        "\tio.delta#delta-storage;4.4.0 from central in [default]",
        "\t|       conf       | number| search|dwnlded|evicted|| number|dwnlded|",
        "\t---------------------------------------------------------------------",
        "\t0 artifacts copied, 9 already retrieved (0kB/19ms)",
        "WARNING: Using incubator modules: jdk.incubator.vector",
        "",
    ],
)
def test_bookkeeping_is_left_out(line: str) -> None:
    assert is_bookkeeping(line.encode())


@pytest.mark.parametrize(
    "line",
    [
        "downloading some/delta-spark_4.2_2.13-4.4.0.jar ...",
        "\t[SUCCESSFUL ] io.delta#delta-spark_4.2_2.13;4.4.0!delta-spark_4.2_2.13.jar (2500ms)",
        "\t\tmodule not found: io.delta#delta-spark_9.9_2.13;4.4.0",
        ":::: WARNINGS",
        ":: UNRESOLVED DEPENDENCIES ::",
        ":: io.delta#delta-spark_9.9_2.13;4.4.0: not found",
        "12:49:10 WARN TaskMemoryManager: not enough memory",
        "Exception in thread main java.lang.RuntimeException",
        "/bin/java: No such file or directory",
    ],
)
def test_what_a_person_must_know_stays(line: str) -> None:
    assert not is_bookkeeping(line.encode())


def test_a_child_is_filtered_and_we_are_not() -> None:
    library = str(Path(synpref.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": library}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    told = done.stderr.splitlines()
    assert sorted(told) == ["12:00:00 WARN Disk: nearly full", "after", "downloading jars/delta.jar ..."]
