from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.cluster import Cluster

WHO_RUNS_WHAT = """
import json, sys
import synpref, synpref.jobs
from synpref.inference.gpus import task_profile, tasks_at_once
from synpref.spark import open_session

def look(batches):
    import os, pyarrow, synpref
    from synpref.inference.placing import given_gpu
    for _ in batches:
        seen = {"file": synpref.__file__, "folder": os.getcwd(), "gpu": str(given_gpu())}
        yield pyarrow.RecordBatch.from_pydict({name: [value] for name, value in seen.items()})

session = open_session(app_name="who runs what")
numbers, schema = session.range(0, 8, 1, 4), "file string, folder string, gpu string"
seen = {
    name: numbers.mapInArrow(look, schema, profile=profile).collect()
    for name, profile in (("engine", task_profile(session)), ("other", None))
}
session.range(5).write.format("delta").save(sys.argv[1])
answer = {
    "driver": synpref.__file__, "jobs": list(synpref.jobs.__path__), "master": session.sparkContext.master,
    "executors": sorted({row.file for row in seen["other"]}), "folders": sorted({row.folder for row in seen["other"]}),
    "gpus": {name: sorted({row.gpu for row in rows}) for name, rows in seen.items()},
    "slots": [tasks_at_once(session, takes_gpu=each) for each in (True, False)],
    "rows": session.read.format("delta").load(sys.argv[1]).count(),
}
print("ANSWER " + json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answer(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one submitted job, whose executors have a GPU each, tells of itself."""
    folder = tmp_path_factory.mktemp("who runs what")
    script = folder / "who.py"
    script.write_text(WHO_RUNS_WHAT, encoding="utf-8")
    conf = {"spark.executor.resource.gpu.amount": "1", "spark.default.parallelism": "3"}
    done = cluster.submit(script, [str(folder / "a table")], conf=conf, timeout=800)
    assert done.returncode == 0, done.stdout[-3000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    told: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
    return told


def test_a_submitted_job_runs_on_the_workers_with_the_wheel_alone(cluster: Cluster, answer: dict[str, Any]) -> None:
    package = f"{cluster.installed}/synpref/__init__.py"
    assert answer["driver"] == package
    assert answer["executors"] == [package]
    assert answer["jobs"] == [f"{cluster.installed}/synpref/jobs"]
    assert answer["master"] == cluster.url
    assert all(str(cluster.folder) in folder for folder in answer["folders"])
    assert answer["rows"] == 5


def test_the_tasks_of_an_engine_get_a_gpu_of_executors_that_have_them(answer: dict[str, Any]) -> None:
    assert answer["gpus"] == {"engine": ["7"], "other": ["None"]}
    assert answer["slots"] == [2, 3]  # two workers of a GPU each; the default parallelism counts no GPUs
