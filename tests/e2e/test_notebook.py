from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.e2e.pipelines import MODEL, ROOT, SmallRun

NOTEBOOK = ROOT / "notebooks/quickstart.ipynb"
read: Any = nbformat.read  # carries no types

pytestmark = [
    pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`"),
    pytest.mark.timeout(3600),
]


def test_the_notebook_is_kept_without_output() -> None:
    cells = read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_the_quickstart_runs_on_what_a_run_left(small: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNPREF_RUN", str(small.run))
    notebook = read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in shown if output.output_type == "error"]
    assert [output for output in shown if "image/png" in output.get("data", {})]
    tables = {
        cell.source: output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    }
    assert len(tables) >= 9
    (of_verdicts,) = [source for source in tables if "FROM verdicts" in source]
    empty = {source for source, table in tables.items() if "<td>" not in table}
    assert empty <= {of_verdicts}  # where judges were asked about no pair of wild, it has none
