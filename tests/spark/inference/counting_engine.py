"""A deterministic engine that writes down every item it is asked for; workers import it by name.

Markers in a text steer it: BAD fails the row, NAN and LONG are refused, FATAL stops the engine; LOST is lost on the way
until the log says that this text was mended.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from synpref.engines.chat import Generation
from synpref.engines.choice import Choice
from synpref.engines.failure import ENGINE_UNREACHABLE, Failure
from synpref.engines.passed import Passed
from synpref.engines.reward_rows import Reward
from synpref.engines.tokenise import Conversation
from synpref.errors import EngineError
from synpref.inference.spec import EngineSpec


def make(spec: EngineSpec) -> Counting:
    log = spec.text("log")
    assert log is not None
    append(log, f"load {os.getpid()} {spec.integer('threads', 0)}")
    return Counting(log)


def append(log: str, line: str) -> None:
    # one write of a short line to a file opened for appending is not torn by other processes
    with Path(log).open("a") as file:
        file.write(line.replace("\n", " ") + "\n")


def number(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


class Counting:
    def __init__(self, log: str) -> None:
        self.log = log
        self.passed = Passed()

    def note(self, text: str) -> None:
        if "FATAL" in text:
            raise EngineError("the engine is gone")
        if "BAD" in text:
            raise ValueError(f"cannot read {text}")
        append(self.log, f"ask {text}")
        self.passed.add(len(text.split()), cut=text.startswith("long"))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        for text in texts:
            self.note(text)
        return np.array([[number(text), 1.0, 0.0] for text in texts], np.float32)

    def score(self, conversations: Sequence[Conversation]) -> list[Reward | Failure]:
        return [self.reward(text) for _, text in conversations]

    def reward(self, text: str) -> Reward | Failure:
        self.note(text)
        if "LOST" in text and f"mended {text}" not in Path(self.log).read_text().splitlines():
            return Failure(ENGINE_UNREACHABLE, "no answer")
        if "LONG" in text:
            return Reward(float("nan"), 10**6, False)
        return Reward(float("nan") if "NAN" in text else number(text), len(text) + 1, False)

    def choose(self, prompts: Sequence[Sequence[Mapping[str, str]]], choices: tuple[str, str]) -> list[Choice]:
        for prompt in prompts:
            self.note(prompt[-1]["content"])
        return [self.choice(prompt[-1]["content"], choices) for prompt in prompts]

    def choice(self, text: str, choices: tuple[str, str]) -> Choice:
        if "LONG" in text:
            return Choice(float("nan"), "", 10**6, 0)
        p_first = {"FIRST": 0.9, "SECOND": 0.2, "EVEN": 0.5}.get(text.split(" ", maxsplit=1)[0], float("nan"))
        return Choice(p_first, choices[0] if p_first > 0.5 else choices[1], len(text), 1)

    def generate(
        self,
        prompts: Sequence[Sequence[Mapping[str, str]]],
        *,
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> list[Generation]:
        for prompt in prompts:
            self.note(f"{seed} {prompt[-1]['content']}")
        return [Generation(prompt[-1]["content"], 3, 0 if "LONG" in prompt[-1]["content"] else 4) for prompt in prompts]
