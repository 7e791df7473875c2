"""docs/choices.md says of every setting what conf/base.yaml says."""

from __future__ import annotations

import re
from pathlib import Path

from omegaconf import OmegaConf

from synpref.config import load_settings

ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| `([^`]+)` \|", re.MULTILINE)


def test_a_default_in_the_table_of_choices_is_that_of_the_base_settings(root: Path) -> None:
    told = dict(ROW.findall((root / "docs/choices.md").read_text(encoding="utf-8")))
    base = OmegaConf.load(root / "conf/base.yaml")
    assert len(told) > 35
    found = {name: OmegaConf.select(base, name, throw_on_missing=True) for name in told}
    assert {name: _plain(value) for name, value in found.items()} == {
        name: _plain(OmegaConf.create(f"value: {value}").value) for name, value in told.items()
    }


def test_what_a_judge_and_an_attributes_engine_default_to_is_told(root: Path) -> None:
    text = (root / "docs/choices.md").read_text(encoding="utf-8")
    words = [
        "inputs=[{path: p, source: s}]", "judges=[{name: j, kind: http, url: 'http://h/v1', model: m}]",
        "attributes=[{name: a, kind: transformers, model: /m}]",
    ]  # fmt: skip
    settings = load_settings(["local"], words)
    (judge,), (engine,) = settings.judges, settings.attributes
    assert f"| `judges[].samples` | `{judge.samples}` |" in text
    assert judge.temperature == 0.0
    assert f"| `attributes[].samples` | `{engine.samples}` |" in text
    assert f"`temperature` {engine.temperature} and `top_p` {engine.top_p}" in text


def _plain(value: object) -> object:
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
