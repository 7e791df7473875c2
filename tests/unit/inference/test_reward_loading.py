"""A reward spec becomes the scorer of its backend."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from synpref.errors import InputError
from synpref.inference import loading
from synpref.inference.spec import EngineSpec
from tests.faulty_server import Answer, serving


def test_a_backend_http_needs_a_known_kind_of_server_and_an_address(tmp_path: Path) -> None:
    spec = EngineSpec.of("reward", "rm", str(tmp_path), backend="http")
    with pytest.raises(InputError, match="give vllm or sglang"):
        loading.reward(spec)


def test_the_options_of_a_server_reach_the_requests(tmp_path: Path) -> None:
    spec = EngineSpec.of(
        "reward", "rm", str(tmp_path), url="http://host", concurrency=3, timeout=4, retries=0, key_variable="KEY"
    )
    server = loading.json_server(spec)
    assert (server.url, server.concurrency, server.timeout) == ("http://host", 3, 4.0)
    assert (server.retries, server.key_variable) == (0, "KEY")


def test_a_folder_is_read_before_the_server_is_asked(tmp_path: Path) -> None:
    with serving(lambda body, before: Answer()) as asked:
        spec = EngineSpec.of("reward", "rm", str(tmp_path), backend="http", server="vllm", url=asked.url)
        with pytest.raises(InputError, match="is this a model folder"):
            loading.reward(spec)
    assert not asked.bodies


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vllm is installed")
def test_a_backend_vllm_that_is_absent_names_its_extra(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"synpref\[gpu\]"):
        loading.reward(EngineSpec.of("reward", "rm", str(tmp_path), backend="vllm", dtype="bfloat16"))


def test_a_backend_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give transformers, vllm or http"):
        loading.reward(EngineSpec.of("reward", "rm", str(tmp_path), backend="tgi", dtype="float32"))
