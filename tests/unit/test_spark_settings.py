from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from synpref.errors import InputError
from synpref.spark import FOREIGN, is_foreign, laptop_settings, open_session


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


def test_asked_settings_win_over_the_laptops(ours: None) -> None:
    settings = laptop_settings("3g", {"spark.sql.shuffle.partitions": "9", "spark.driver.memory": "1g"})
    assert settings["spark.sql.shuffle.partitions"] == "9"
    assert settings["spark.driver.memory"] == "1g"
    assert settings["spark.sql.session.timeZone"] == "UTC"


def test_arrow_batches_have_a_cap_in_the_plain_digits_that_workers_read() -> None:
    assert int(laptop_settings("1g", {})["spark.sql.execution.arrow.maxBytesPerBatch"]) == 64 * 1024 * 1024


def test_java_options_are_added_to_ours_and_come_last_so_that_they_win() -> None:
    options = laptop_settings("1g", {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=4"})
    assert options["spark.driver.extraJavaOptions"].split()[-1] == "-XX:TieredStopAtLevel=4"
    assert "-Dlog4j2.configurationFile=" in options["spark.driver.extraJavaOptions"]


def test_the_log_configuration_lies_where_it_is_said_to_even_with_spaces(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "my temp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    options = laptop_settings("1g", {})["spark.driver.extraJavaOptions"].split()
    uri = next(option.partition("=")[2] for option in options if option.startswith("-Dlog4j2"))
    text = Path(unquote(urlparse(uri).path)).read_text()
    assert "rootLogger.level = warn" in text
    assert str(folder) in unquote(uri)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_session_that_a_cluster_makes_is_recognised(ours: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert is_foreign()


def test_without_java_no_session_is_tried(ours: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("synpref.java.SYSTEM_FOLDERS", ())
    if is_foreign():
        pytest.skip("a session of another test is active")
    with pytest.raises(InputError, match="Java 17 or 21"):
        open_session(app_name="none", master="local[1]", driver_memory="1g")
