"""A session in which Spark starts slow tasks twice is refused before an engine is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from synpref.errors import SettingsError
from synpref.inference import udfs
from synpref.inference.spec import EngineSpec
from synpref.inference.speculation import check_speculation

WHAT_TO_DO = r"ask the engine twice\. Start the session with spark\.speculation=false"


def session(value: str | None) -> Any:
    """A session whose spark.speculation has the value."""
    return SimpleNamespace(conf=SimpleNamespace(get=lambda name, _: value if name == "spark.speculation" else None))


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_speculation_is_refused_with_what_to_do(value: str) -> None:
    with pytest.raises(SettingsError, match=WHAT_TO_DO):
        check_speculation(session(value))


@pytest.mark.parametrize("value", ["false", "", None])
def test_a_session_without_it_passes(value: str | None) -> None:
    check_speculation(session(value))


@pytest.mark.parametrize(("kind", "make"), [("embedder", udfs.embed), ("reward", udfs.reward)])
def test_no_udf_is_made_in_such_a_session(kind: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: session("true"))
    with pytest.raises(SettingsError, match=WHAT_TO_DO):
        make(EngineSpec.of(kind, "e", factory="m:f"))
