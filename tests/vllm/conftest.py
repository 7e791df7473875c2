"""Real vLLM, on the CPU: a server of a chat model, a server of a reward model, and their folders."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synpref.engines.reward import RewardScorer
from synpref.engines.reward_rows import Reward
from tests.vllm.parity import MAX_TOKENS, TALKS
from tests.vllm.vllm_server import vllm_server

ROOT = Path(__file__).resolve().parents[2]
CHAT_MODEL = ROOT / ".cache" / "models" / "smollm2-135m-instruct"
KEY = "key-of-the-tests"
KEY_VARIABLE = "SYNPREF_TEST_KEY"
WINDOW = 512


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = None
    if importlib.util.find_spec("vllm") is None:
        lacking = "vLLM is not installed here: run `make test-vllm`"
    elif not CHAT_MODEL.is_dir():
        lacking = "the small chat model is absent: run `make setup`"
    if lacking:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=lacking))


@pytest.fixture(scope="session", autouse=True)
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(KEY_VARIABLE, KEY)
        yield


@pytest.fixture(scope="module")  # ended before another starts
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root address of a server that knows the chat model as `tiny`."""
    log = tmp_path_factory.mktemp("chat_server") / "log"
    words = ("--served-model-name", "tiny", "--dtype", "float32", "--max-model-len", str(WINDOW))
    with vllm_server(CHAT_MODEL, log, *words, key=KEY) as root:
        yield root


@pytest.fixture(scope="session")
def reward_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a head of one logit, and the chat model's tokenizer and template."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    tokenizer: Any = AutoTokenizer.from_pretrained(CHAT_MODEL)
    tokenizer.pad_token = tokenizer.unk_token  # conversations end in the one it had
    torch.manual_seed(0)
    model: Any = LlamaForSequenceClassification  # untyped in transformers, as are the labels of a configuration
    labels: dict[str, Any] = {"num_labels": 1}
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=WINDOW, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, initializer_range=0.2, **labels,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("reward")
    model(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def local_rewards(reward_folder: Path) -> list[Reward]:
    """The rewards of TALKS by transformers."""
    scorer = RewardScorer.load(
        str(reward_folder), dtype="float32", max_tokens=MAX_TOKENS, overlong="truncate_left", token_budget=512
    )
    return scorer.score(TALKS)


@pytest.fixture(scope="module")  # ended before another starts
def reward_server(reward_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root address of a server of the reward model, named by its folder."""
    log = tmp_path_factory.mktemp("reward_server") / "log"
    words = ("--runner", "pooling", "--dtype", "float32", "--max-model-len", str(WINDOW))
    with vllm_server(reward_folder, log, *words, key=KEY) as root:
        yield root
