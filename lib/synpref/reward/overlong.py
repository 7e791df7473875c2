"""Which responses a tokenisation refuses as too long, found on the workers before anything is exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

COLUMNS = ("response_id", "messages", "text")


def refused_responses(texts: DataFrame, backbone: Path, max_tokens: int) -> DataFrame:
    """response_id of the responses that have more than max_tokens with their prompt (paper.md §10.16).

    texts: response_id, messages, text, one row a response. backbone: folder with the tokenizer, which all workers see.
    """

    def refuse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from synpref.engines.tokenise import Conversation, encode_conversations
        from synpref.reward.backbones import load_tokenizer  # torch: on the workers

        tokenizer = load_tokenizer(backbone)
        for batch in batches:
            rows = batch.to_pylist()
            talks = [Conversation(row["messages"], row["text"]) for row in rows]
            encoded = encode_conversations(tokenizer, talks, max_tokens, "refuse")
            found = [row["response_id"] for row, code in zip(rows, encoded, strict=True) if code.refused]
            yield pa.RecordBatch.from_arrays([pa.array(found, pa.string())], names=["response_id"])

    return texts.select(*COLUMNS).mapInArrow(refuse, "response_id string")
