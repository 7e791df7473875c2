"""What may be written down of settings that hold secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synpref.config import load_settings, settings_hash, settings_json
from synpref.errors import SettingsError
from synpref.masking import HIDDEN, holds_secret, masked, masked_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ann:hunter2@mlflow.example/api", f"https://{HIDDEN}@mlflow.example/api"),
        ("s3://bucket/key", "s3://bucket/key"),
        (
            "abfss://pairs@account.dfs.core.windows.net/p.parquet",
            "abfss://pairs@account.dfs.core.windows.net/p.parquet",
        ),
        ("https://h/p?sig=abc&sv=1", f"https://h/p?sig={HIDDEN}&sv=1"),
        ("https://h/p?x-access-token=abc", f"https://h/p?x-access-token={HIDDEN}"),
        ("at most 256 tokens: yes", "at most 256 tokens: yes"),
    ],
)
def test_passwords_of_addresses_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert masked_text(text) == shown
    assert holds_secret(text) == (text != shown)


def test_free_settings_are_hidden_by_name() -> None:
    conf = {"spark.hadoop.fs.s3a.secret.key": "abc", "spark.sql.shuffle.partitions": "4"}
    assert masked({"spark": {"conf": conf}, "max_tokens": 3, "key_variable": "KEY"}) == {
        "spark": {"conf": {"spark.hadoop.fs.s3a.secret.key": HIDDEN, "spark.sql.shuffle.partitions": "4"}},
        "max_tokens": 3,
        "key_variable": "KEY",
    }


def test_recorded_settings_hold_no_secret_and_every_other_value(tmp_path: Path) -> None:
    words = ["mlflow.tracking_uri=https://ann:hunter2@mlflow.example", f"run.dir={tmp_path}"]
    settings = load_settings(["demo"], [*words, "spark.conf={spark.hadoop.fs.s3a.access.key: AKIA1}"])
    recorded = settings_json(settings)
    assert settings.mlflow.tracking_uri == "https://ann:hunter2@mlflow.example"
    assert "hunter2" not in recorded
    assert "AKIA1" not in recorded
    assert json.loads(recorded)["run"]["dir"] == str(tmp_path)
    other = load_settings(["demo"], [words[0].replace("hunter2", "other"), *words[1:], "spark.conf={a.secret: b}"])
    assert settings_hash(load_settings(["demo"], words)) != settings_hash(other)


def test_an_engine_s_address_with_a_password_is_refused_at_the_door_without_showing_it() -> None:
    judge = "judges=[{name: j, kind: http, model: m, url: 'http://ann:hunter2@host/v1'}]"
    with pytest.raises(SettingsError, match=r"judges\.0\.url: the address holds a password or key") as caught:
        load_settings(["demo"], [judge])
    assert "hunter2" not in str(caught.value)


def test_a_wrong_value_is_shown_without_its_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(["demo"], ["spark.conf={fs.secret.key: 12345}"])
    assert "12345" not in str(caught.value)
    assert HIDDEN in str(caught.value)
