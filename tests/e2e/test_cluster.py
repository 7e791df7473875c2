from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.cluster import Cluster

WHO_RUNS_WHAT = """
import json, sys
from synpref.spark import open_session

def look(batches):
    import os, pyarrow, synpref
    for _ in batches:
        yield pyarrow.RecordBatch.from_pydict({"file": [synpref.__file__], "folder": [os.getcwd()]})

session = open_session(app_name="who runs what")
rows = session.range(0, 8, 1, 4).mapInArrow(look, "file string, folder string").collect()
session.range(5).write.format("delta").save(sys.argv[1])
import synpref, synpref.jobs
answer = {
    "driver": synpref.__file__, "jobs": list(synpref.jobs.__path__), "executors": sorted({row.file for row in rows}),
    "folders": sorted({row.folder for row in rows}), "master": session.sparkContext.master,
    "rows": session.read.format("delta").load(sys.argv[1]).count(),
}
print("ANSWER " + json.dumps(answer))
"""


def test_a_submitted_job_runs_on_the_workers_with_the_wheel_alone(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "who.py"
    script.write_text(WHO_RUNS_WHAT, encoding="utf-8")
    done = cluster.submit(script, [str(tmp_path / "a table")], timeout=800)
    assert done.returncode == 0, done.stdout[-3000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    answer = json.loads(line.removeprefix("ANSWER "))
    package = f"{cluster.installed}/synpref/__init__.py"
    assert answer["driver"] == package
    assert answer["executors"] == [package]
    assert answer["jobs"] == [f"{cluster.installed}/synpref/jobs"]
    assert answer["master"] == cluster.url
    assert all(str(cluster.folder) in folder for folder in answer["folders"])
    assert answer["rows"] == 5


WHO_HAS_A_GPU = """
import json
from synpref.inference.placing import given_gpu
from synpref.inference.gpus import task_profile
from synpref.spark import open_session

def look(batches):
    import pyarrow
    for _ in batches:
        yield pyarrow.RecordBatch.from_pydict({"gpu": [given_gpu()]})

session = open_session(app_name="who has a GPU")
numbers = session.range(0, 4, 1, 2)
answer = {
    name: sorted({str(row.gpu) for row in numbers.mapInArrow(look, "gpu string", profile=profile).collect()})
    for name, profile in (("engine", task_profile(session)), ("other", None))
}
print("ANSWER " + json.dumps(answer))
"""


def test_the_tasks_of_an_engine_get_a_gpu_of_executors_that_have_them(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "gpus.py"
    script.write_text(WHO_HAS_A_GPU, encoding="utf-8")
    done = cluster.submit(script, conf={"spark.executor.resource.gpu.amount": "1"}, timeout=800)
    assert done.returncode == 0, done.stdout[-3000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    assert json.loads(line.removeprefix("ANSWER ")) == {"engine": ["7"], "other": ["None"]}
