"""Pairs of a file in parts that share no group, and what the two trainers read of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synpref.engines.tokenise import Conversation, encode_conversations, gives_segments
from synpref.pairs.identity import comparison_id, hash128, prompt_id, response_id
from synpref.pairs.normalise import prompt_group
from synpref.reward.backbones import load_tokenizer

HELD_OUT = 5  # one group of so many is held out, and of the others one of so many chooses the learning rate
SIDES = ("chosen", "rejected")


@dataclass(frozen=True)
class Pair:
    """A pair as labelled in the file. ids: of the chosen and the rejected response."""

    messages: list[dict[str, str]]
    chosen: str
    rejected: str
    group: str
    ids: tuple[str, str]


Parts = dict[str, list[Pair]]


@dataclass(frozen=True)
class Found:
    """What a file holds. equal: pairs whose texts are one. repeated: pairs that stand in it already. Both are out."""

    pairs: list[Pair]
    equal: int
    repeated: int


def read_pairs(file: Path, group: str = "prompt", pattern: str | None = None) -> Found:
    """The pairs of a parquet file with prompt (JSON messages), chosen, rejected and extra (JSON), labels as they are.

    group: `prompt`, the normalised first user turn, else the name of an entry of extra. pattern: a regular expression
    over it whose first capture is the group. Raises SystemExit where a row has no such group.
    """
    rows = pq.read_table(file, columns=["prompt", "chosen", "rejected", "extra"]).to_pylist()
    kept: dict[tuple[str, str], Pair] = {}
    equal = 0
    for number, row in enumerate(rows):
        if row["chosen"] == row["rejected"]:
            equal += 1
            continue
        pair = _pair(row, _group(row, group, pattern, f"{file}, row {number}"))
        kept.setdefault(pair.ids, pair)
    return Found(list(kept.values()), equal, len(rows) - equal - len(kept))


def _pair(row: dict[str, str], group: str) -> Pair:
    messages = json.loads(row["prompt"])
    prompt = prompt_id(messages)
    ids = (response_id(prompt, row["chosen"]), response_id(prompt, row["rejected"]))
    return Pair(messages, row["chosen"], row["rejected"], group, ids)


def _group(row: dict[str, str], name: str, pattern: str | None, where: str) -> str:
    value = prompt_group(json.loads(row["prompt"])) if name == "prompt" else json.loads(row["extra"] or "{}").get(name)
    if value is None:
        raise SystemExit(
            f"{where}: extra has no {name!r}; name another entry with --group, or leave it out for prompts"
        )
    if pattern is None:
        return str(value)
    found = re.search(pattern, str(value))
    if found is None:
        raise SystemExit(f"{where}: {name} is {str(value)[:80]!r}, which --pattern {pattern!r} does not match")
    return found[1]


def split(pairs: list[Pair], fold: int = 0) -> Parts:
    """A fifth of the groups, in the order of a hash, is held out; of the others a fifth is for validation.

    fold: which fifth, 0 to 4; together they hold every group out once. train: all that is not held out. sweep: of these
    what is not for validation. Raises SystemExit where the groups do not suffice for all parts.
    """
    groups = sorted({pair.group for pair in pairs}, key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(groups) < max(4, fold + 1):
        raise SystemExit(
            f"there are {len(groups)} groups, and at least {max(4, fold + 1)} are needed; name another --group"
        )
    others = [name for at, name in enumerate(groups) if at % HELD_OUT != fold]
    validation = set(others[::HELD_OUT])
    held = set(groups).difference(others)
    of = {
        "sweep": [pair for pair in pairs if pair.group not in held | validation],
        "validation": [pair for pair in pairs if pair.group in validation],
        "held_out": [pair for pair in pairs if pair.group in held],
    }
    return {**of, "train": [pair for pair in pairs if pair.group not in held]}


def digest(parts: Parts) -> str:
    """A short hash of which pair stands in which part, and how it is labelled."""
    rows = sorted((name, *pair.ids, pair.group) for name, pairs in parts.items() for pair in pairs)
    return hash128("comparison of trainers", json.dumps(rows))[:12]


def groups_of(pairs: list[Pair]) -> dict[str, int]:
    """How many of the pairs each group has, by its name."""
    return dict(sorted(Counter(pair.group for pair in pairs).items()))


def write_snapshot(folder: Path, pairs: list[Pair]) -> None:
    """The folder that synpref trains from."""
    responses: dict[str, dict[str, object]] = {}
    comparisons: list[dict[str, str]] = []
    for pair in pairs:
        for name, side in zip(pair.ids, SIDES, strict=True):
            responses[name] = {"response_id": name, "messages": pair.messages, "text": getattr(pair, side)}
        comparisons.append(
            {
                "comparison_id": comparison_id(*pair.ids),
                "prompt_id": prompt_id(pair.messages),
                "chosen_response_id": pair.ids[0],
                "rejected_response_id": pair.ids[1],
            }
        )
    for part, rows in (("comparisons", comparisons), ("responses", list(responses.values()))):
        (folder / part).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / part / "part-0.parquet")


def write_tokens(file: Path, parts: Parts, model: str, max_tokens: int) -> None:
    """As JSON the token ids of each distinct response as synpref makes them, the segments of its tokens (null where the
    tokenizer tells none), and of each part its pairs by id.
    """
    texts: dict[str, Conversation] = {}
    for pair in (pair for pairs in parts.values() for pair in pairs):
        texts[pair.ids[0]] = Conversation(pair.messages, pair.chosen)
        texts[pair.ids[1]] = Conversation(pair.messages, pair.rejected)
    tokenizer = load_tokenizer(Path(model))
    encoded = encode_conversations(tokenizer, list(texts.values()), max_tokens, "truncate_left")
    told: dict[str, Any] = {"tokens": dict(zip(texts, (one.input_ids for one in encoded), strict=True))}
    segments = dict(zip(texts, (one.token_type_ids for one in encoded), strict=True))
    told["segments"] = segments if gives_segments(tokenizer) else None
    told["parts"] = {part: [pair.ids for pair in pairs] for part, pairs in parts.items()}
    file.write_text(json.dumps(told), encoding="utf-8")
