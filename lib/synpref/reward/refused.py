"""Which responses a tokenisation refuses, found on the workers before anything is exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

from synpref.engines.failure import OVERLONG, ROW_REFUSED
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations

COLUMNS = ("response_id", "messages", "text")
REASONS = {
    OVERLONG: "a response is above train.max_tokens",
    ROW_REFUSED: "the backbone's chat template refuses the roles of the conversation",
}


def refused_responses(texts: DataFrame, backbone: Path, max_tokens: int, overlong: Overlong) -> DataFrame:
    """(response_id, refused) of the responses that are not trained on; refused: a reason of REASONS.

    overlong: with `refuse`, those that have more than max_tokens with their prompt (paper.md §10.16). Under either
    policy those with roles that the chat template refuses. texts: response_id, messages, text, one row a response.
    backbone: folder with the tokenizer, which all workers see.
    """

    def refuse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from synpref.reward.backbones import load_tokenizer  # torch: on the workers

        tokenizer = load_tokenizer(backbone)
        for batch in batches:
            rows = batch.to_pylist()
            talks = [Conversation(row["messages"], row["text"]) for row in rows]
            encoded = encode_conversations(tokenizer, talks, max_tokens, overlong, refuse_roles=True)
            reasons = [reason_of(code) for code in encoded]
            ids = pa.array([row["response_id"] for row in rows], pa.string())
            found = pa.RecordBatch.from_arrays([ids, pa.array(reasons, pa.string())], names=["response_id", "refused"])
            yield found.filter(found["refused"].is_valid())

    return texts.select(*COLUMNS).mapInArrow(refuse, "response_id string, refused string")


def reason_of(code: Encoded) -> str | None:
    """Why a response is refused: a reason of REASONS; None where it is not."""
    if not code.refused:
        return None
    return OVERLONG if code.input_ids else ROW_REFUSED


def may_refuse(backbone: Path, overlong: Overlong) -> bool:
    """Whether anything can be refused at all: without a chat template any roles are taken.

    A folder that does not exist is for the training to tell.
    """
    from synpref.reward.backbones import load_tokenizer  # torch: only where data is made ready to train on

    return overlong == "refuse" or (backbone.is_dir() and bool(load_tokenizer(backbone).chat_template))
