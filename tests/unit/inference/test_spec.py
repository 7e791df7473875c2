"""An engine's description: hashable, picklable, and what of it is identity."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from synpref.errors import InputError
from synpref.inference.spec import EngineSpec


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text('{"hidden_size": 4}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return str(tmp_path)


def test_equal_options_in_any_order_make_one_spec() -> None:
    one = EngineSpec.of("reward", "rm", "/m", dtype="float32", max_tokens=8)
    other = EngineSpec("reward", "rm", "/m").having(max_tokens=8).having(dtype="float32")
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one


def test_the_engine_id_follows_what_changes_the_output_only(model: str) -> None:
    spec = EngineSpec.of("embedder", "minilm", model, dtype="float32", max_tokens=256)
    same = [spec.having(threads=4), spec.having(token_budget=1), spec.having(window=7), spec.having(device="cpu")]
    assert {other.card.engine_id for other in same} == {spec.card.engine_id}
    others = [
        spec.having(dtype="bfloat16"),
        spec.having(max_tokens=128),
        spec.having(dimensions=64),
        spec.having(overlong="refuse"),
        spec.having(prompt="query: "),
        spec.having(prompt_name="query"),
    ]
    assert len({other.card.engine_id for other in [spec, *others]}) == 7


def test_where_a_reward_is_computed_is_identity_and_how_the_server_is_reached_is_not(model: str) -> None:
    here = EngineSpec.of("reward", "rm", model, dtype="bfloat16")
    same = [
        here.having(backend="transformers"),
        here.having(shared_prompt="off"),
        here.having(url="http://a", retries=1),
    ]
    assert {other.card.engine_id for other in same} == {here.card.engine_id}
    there = here.having(backend="http", server="vllm", url="http://a")
    again = there.having(url="http://b", served_model="m", concurrency=2, timeout=1.0, retries=0, key_variable="KEY")
    assert again.card.engine_id == there.card.engine_id
    assert "transformers" not in there.card.details
    assert len({one.card.engine_id for one in (here, there, there.having(server="sglang"))}) == 3


@pytest.mark.parametrize(("backend", "message"), [("tgi", "backend is 'tgi'"), ("http", "server is None")])
def test_a_backend_that_is_none_is_an_input_error(model: str, backend: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _ = EngineSpec.of("reward", "rm", model, backend=backend).card


def test_a_default_that_is_spelled_out_changes_nothing(model: str) -> None:
    spec = EngineSpec.of("chat-attributes", "smol", model)
    assert spec.having(seed=1).card.engine_id != spec.card.engine_id
    assert spec.having(temperature=0.6, top_p=0.9, seed=0).card == spec.card


def test_the_engine_id_follows_the_weights_and_not_the_folder(model: str, tmp_path: Path) -> None:
    spec = EngineSpec.of("reward", "rm", model)
    before = spec.card.engine_id
    Path(model, "model.safetensors").write_bytes(b"other weights")
    assert spec.card.engine_id != before
    assert spec.card.details["backend"] == "transformers"


@pytest.mark.parametrize(("kind", "in_table"), [("chat-judge", "judge"), ("chat-attributes", "attributes")])
def test_the_card_names_the_kind_as_the_engines_table_does(kind: str, in_table: str, model: str) -> None:
    assert EngineSpec.of(kind, "smol", model).card.kind == in_table


def test_a_judge_behind_a_server_is_its_model_and_how_it_is_asked_not_where_it_stands() -> None:
    spec = EngineSpec.of("http-judge", "j", model="big", url="http://one/v1")
    same = [
        spec.having(url="http://two/v1"), spec.having(concurrency=1, timeout=1.0, retries=0), spec.having(seed=0),
        spec.having(key_variable="KEY"), spec.having(structured="choice", temperature=0.0, logprobs=True),
    ]  # fmt: skip
    assert {other.card.engine_id for other in same} == {spec.card.engine_id}
    others = [
        spec.having(model="small"), spec.having(seed=1), spec.having(temperature=0.5), spec.having(logprobs=False),
        spec.having(structured="none"), spec.having(structured="none", rationale=True),
    ]  # fmt: skip
    assert len({other.card.engine_id for other in [spec, *others]}) == 7
    assert (spec.card.kind, spec.card.simulated, spec.card.dtype) == ("judge", False, None)
    assert "http://one" not in spec.card.canonical_json


@pytest.mark.parametrize("kind", ["chat-judge", "http-judge"])
def test_a_judge_that_gives_reasons_is_another_engine_and_one_that_does_not_is_the_one_it_was(
    kind: str, model: str
) -> None:
    spec = EngineSpec.of(kind, "j", model if kind == "chat-judge" else None, structured="none", model="big")
    reasons = spec.having(rationale=True)
    assert spec.having(rationale=False, rationale_tokens=64).card == spec.card
    assert not any("rationale_tokens" in str(one) for one in (spec.card.details, spec.card.canonical_json))
    assert reasons.having(rationale_tokens=128).card == reasons.card
    assert len({one.card.engine_id for one in (spec, reasons, reasons.having(rationale_tokens=64))}) == 3


def test_only_what_computes_here_has_a_number_format_to_choose(model: str) -> None:
    assert EngineSpec.of("chat-judge", "j", model).open_dtype
    assert not EngineSpec.of("chat-judge", "j", model, dtype="float32").open_dtype
    assert not EngineSpec.of("chat-judge", "j", factory="m:f").open_dtype
    assert not EngineSpec.of("http-judge", "j").open_dtype
    assert not EngineSpec.of("replay-judge", "j", "file").open_dtype


def test_a_replayed_judge_needs_its_file_and_a_wrong_flag_is_told() -> None:
    with pytest.raises(InputError, match="old: give the file of its records"):
        _ = EngineSpec.of("replay-judge", "old").card
    with pytest.raises(InputError, match="logprobs is 'no'; give true or false"):
        EngineSpec.of("http-judge", "j", logprobs="no").flag("logprobs", True)


def test_an_engine_made_by_a_factory_is_called_simulated() -> None:
    card = EngineSpec.of("embedder", "counting", factory="module:function").card
    assert card.simulated
    assert card.details["factory"] == "module:function"


def test_an_unreadable_model_folder_is_an_input_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model"):
        _ = EngineSpec.of("reward", "rm", str(tmp_path / "no such model")).card
    with pytest.raises(InputError, match="rm: give the folder"):
        _ = EngineSpec.of("reward", "rm").card


def test_an_unknown_kind_is_an_input_error_that_lists_the_kinds() -> None:
    with pytest.raises(InputError, match="chat-judge"):
        _ = EngineSpec.of("oracle", "x", "/m").card


@pytest.mark.parametrize(("option", "value"), [("max_tokens", "many"), ("max_tokens", True), ("max_tokens", 1.5)])
def test_an_option_of_the_wrong_type_is_an_input_error(option: str, value: str | bool | float) -> None:
    with pytest.raises(InputError, match="max_tokens"):
        EngineSpec.of("reward", "rm", "/m", **{option: value}).integer(option, 1)
