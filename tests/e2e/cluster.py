"""A real Spark standalone cluster on loopback, from the pip distribution; it sees the installed wheel alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import pyspark

from synpref.spark import JVM_OPTIONS

SPARK_HOME = Path(pyspark.__file__).parent
Answer = TypeVar("Answer")
START_SECONDS = 180.0  # a slow machine that does other work needs a minute for three JVMs
# What the developer's shell or make says must not reach the cluster: nothing may come from the checkout.
OURS = ("PYTHONPATH", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS")


@dataclass(frozen=True)
class Cluster:
    """A running cluster. url: the master's; folder: logs and work folders; installed: where the wheel lies."""

    url: str
    folder: Path
    installed: Path
    java_home: Path

    def submit(
        self, script: Path, words: Sequence[str] = (), conf: Mapping[str, str] | None = None, timeout: float = 1800
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with spark-submit in client mode and return how it ended, its output as text.

        The session is set up as a platform would: Delta's jars and catalog by --conf, the wheel on the Python path of
        driver and executors. `conf` wins over these. Raises subprocess.TimeoutExpired after `timeout` seconds.
        """
        settings = {**self._platform(), **(conf or {})}
        options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
        command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", self.url, *options, str(script), *words]
        with _started(command, self.folder, self._environment(), self.folder / "submit.log") as submitted:
            code = submitted.wait(timeout)
        return subprocess.CompletedProcess(command, code, (self.folder / "submit.log").read_text(encoding="utf-8"))

    def _platform(self) -> dict[str, str]:
        spark = ".".join(version("pyspark").split(".")[:2])
        return {
            "spark.jars.packages": f"io.delta:delta-spark_{spark}_2.13:{version('delta-spark')}",
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.executor.memory": "600m",
            # Small tables: what would compile code for large ones costs three virtual machines a core each.
            "spark.sql.shuffle.partitions": "4",
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.driver.extraJavaOptions": JVM_OPTIONS,
            "spark.executor.extraJavaOptions": JVM_OPTIONS,
            "spark.ui.enabled": "false",
            "spark.pyspark.python": sys.executable,
            "spark.executorEnv.PYTHONPATH": str(self.installed),
        }

    def _environment(self) -> dict[str, str]:
        return {**_environment(self.java_home), "PYTHONPATH": str(self.installed)}


@contextmanager
def standalone_cluster(folder: Path, installed: Path, java_home: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a master and workers of one core each, wait until all have registered, and end them at the end.

    folder: existing, for logs and work folders. Raises TimeoutError with the end of the logs where they do not come up.
    """
    environment = _environment(java_home)
    with ExitStack() as stack:
        log = folder / "master.log"
        words = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        stack.enter_context(_started([str(SPARK_HOME / "bin" / "spark-class"), *words], folder, environment, log))
        # The master chooses free ports itself: no other process can take them between choice and use.
        url = _wait(lambda: _find(log, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)"), "the master", folder)
        page = _wait(lambda: _find(log, r"MasterWebUI.* started at http://[^:\s]+:(\d+)"), "the master's page", folder)
        environment["SPARK_WORKER_OPTS"] = _one_gpu(folder)
        for number in range(workers):
            work = folder / f"worker{number}"
            words = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
            words += ["--cores", "1", "--memory", "1g", "--work-dir", str(work), url]
            command = [str(SPARK_HOME / "bin" / "spark-class"), *words]
            stack.enter_context(_started(command, folder, environment, folder / f"worker{number}.log"))
        _wait(lambda: _alive_workers(page) == workers or None, f"{workers} workers", folder)
        yield Cluster(url, folder, installed, java_home)


def _one_gpu(folder: Path) -> str:
    """Options by which a worker says that it has a GPU; only who asks for it is given its address."""
    script = folder / "gpus.sh"
    script.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["7"]}\'\n', encoding="utf-8")
    script.chmod(0o755)
    name = "spark.worker.resource.gpu"
    return f"-D{name}.amount=1 -D{name}.discoveryScript={script}"


def _environment(java_home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    spark = {"SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    lean = {"SPARK_DAEMON_JAVA_OPTS": JVM_OPTIONS}  # a master and its workers, which do little
    return {**inherited, **spark, **lean, "JAVA_HOME": str(java_home)}


@contextmanager
def _started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; the group, and only it, is ended on the way out."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(20)
        except ProcessLookupError:
            process.wait()  # gone already; collect it
        except subprocess.TimeoutExpired:
            continue
        else:
            continue  # the leader has ended: what it left in its group goes with the second signal


def _wait(ask: Callable[[], Answer | None], what: str, folder: Path) -> Answer:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.1)
    logs = "\n".join(f"{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(folder.glob("*.log")))
    raise TimeoutError(f"{what} did not come up within {START_SECONDS:.0f} s\n{logs}")


def _find(log: Path, pattern: str) -> str | None:
    found = re.search(pattern, log.read_text(encoding="utf-8"))
    return found.group(1) if found else None


def _alive_workers(page: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=10) as answer:
        return int(json.load(answer)["aliveworkers"])
