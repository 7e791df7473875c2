"""What the session is told of Arrow batches while an engine is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synpref.inference.arrow_batches import BYTES, RECORDS, batches_of_windows
from synpref.inference.windows import WINDOW_BYTES

DEFAULTS = {RECORDS: "10000", BYTES: "268435456"}


def session(known: set[str], settings: dict[str, str]) -> Any:
    """A session with these settings that knows those keys; a default given to `get` wins over Spark's own."""

    def get(key: str, *default: str | None) -> str | None:
        return settings.get(key, default[0] if default else DEFAULTS[key])

    conf = {"get": get, "set": settings.__setitem__, "unset": settings.__delitem__, "isModifiable": known.__contains__}
    return SimpleNamespace(conf=SimpleNamespace(**conf))


@pytest.mark.parametrize(
    ("given", "records", "size"),
    [
        ({}, "1024", str(WINDOW_BYTES)),
        ({RECORDS: "100", BYTES: "1000"}, "100", "1000"),
        ({RECORDS: "0", BYTES: "-1"}, "1024", str(WINDOW_BYTES)),
        ({RECORDS: "5000", BYTES: str(WINDOW_BYTES + 1)}, "1024", str(WINDOW_BYTES)),
        ({BYTES: "8m"}, "1024", "8m"),
    ],
)
def test_a_batch_is_no_more_than_a_window_unless_the_session_says_less(
    given: dict[str, str], records: str, size: str
) -> None:
    settings = dict(given)
    spark = session({RECORDS, BYTES}, settings)
    with batches_of_windows(spark, 1024):
        assert (spark.conf.get(RECORDS), spark.conf.get(BYTES)) == (records, size)
    assert settings == given


def test_a_spark_that_knows_no_cap_by_bytes_is_told_of_none() -> None:
    settings: dict[str, str] = {}
    with batches_of_windows(session({RECORDS}, settings), 4096):
        assert settings == {RECORDS: "4096"}
    assert settings == {}


def test_the_session_has_its_own_settings_back_after_an_error() -> None:
    settings = {RECORDS: "7000"}
    with pytest.raises(ValueError, match="gone"), batches_of_windows(session({RECORDS, BYTES}, settings), 10):
        raise ValueError("gone")
    assert settings == {RECORDS: "7000"}
