"""Rewards from a server that holds the reward model: /classify of vLLM or of SGLang, asked with our own token ids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synpref.engines.failure import ENGINE_ERROR, ENGINE_UNREACHABLE, Failure
from synpref.engines.json_server import JsonServer
from synpref.engines.known_order import KnownOrder, known_order
from synpref.engines.model_folder import loading, read_config
from synpref.engines.passed import Passed
from synpref.engines.reward_canary import CANARIES, check_canaries
from synpref.engines.reward_rows import Reward, RewardRows, check_sendable
from synpref.engines.tokenise import Conversation, Encoded, Overlong
from synpref.errors import EngineError, InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ServerKind: TypeAlias = Literal["vllm", "sglang"]
_PATH = "/classify"
# Two answers to one conversation on a server whose batches we do not choose (reward.BATCH_TOLERANCE of bfloat16).
_TOLERANCE = 0.1
_PLAIN = 0.02  # more than bfloat16 rounds two probabilities by


@dataclass(frozen=True)
class HttpScorer:
    """A reward model behind a server that gives its logits.

    order: how it ordered comparisons with a known better answer at `load`.
    """

    server: JsonServer
    kind: ServerKind
    served_model: str
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    overlong: Overlong
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time
    order: KnownOrder | None = field(default=None, compare=False)

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        server: JsonServer,
        kind: ServerKind,
        served_model: str | None,
        max_tokens: int,
        overlong: Overlong,
    ) -> HttpScorer:
        """Read the tokenizer from the model's folder and ask the server for two short conversations, three times, and
        for comparisons with a known better answer.

        server: its url is the root, before `/classify`. served_model: the name under which vLLM serves the model, which
        it checks (SGLang serves one and asks for no name); None: the folder's path. Raises InputError where the folder
        has no usable tokenizer, EngineError where the server cannot be asked or its answers are no logits, or all the
        same.
        """
        from transformers import AutoTokenizer

        folder = Path(model_path)
        config = read_config(folder)
        with loading(folder):
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        check_sendable(str(folder), tokenizer)
        scorer = cls(server, kind, served_model or model_path, tokenizer, max_tokens, overlong)
        scorer._check(switched=kind == "vllm" and config.get("problem_type") != "regression")
        return replace(scorer, order=known_order(scorer._where, tokenizer, max_tokens, scorer._canary_logits))

    def score(self, conversations: Sequence[Conversation]) -> list[Reward | Failure]:
        """The reward of each conversation, or a Failure where the server refused it, lost it or gave no number.

        Tokens, cuts and refusals are those of the local scorer. Raises as JsonServer.post_all does.
        """
        return self.score_rows(self.prepare(conversations))

    def prepare(self, conversations: Sequence[Conversation]) -> RewardRows:
        """The part of `score` that asks nobody: tokens."""
        with self.tokenising:
            return RewardRows.of(self.tokenizer, conversations, self.max_tokens, self.overlong)

    def score_rows(self, rows: RewardRows) -> list[Reward | Failure]:
        """The rest of `score`."""
        runs = [rows.encoded[place] for place in rows.runs]
        logits = self._asked([row.input_ids for row in runs])
        self.passed.add(sum(len(row.input_ids) for row in runs), sum(row.truncated for row in runs))
        return rows.failing(logits)

    def _asked(self, rows: Sequence[list[int]], *, activation: bool = False) -> list[float | Failure]:
        answers = self.server.post_all(_PATH, [self._body(row, activation) for row in rows])
        return [answer if isinstance(answer, Failure) else _value(answer, self.kind) for answer in answers]

    def _body(self, row: list[int], activation: bool) -> dict[str, Any]:
        """One row a request: a row that is refused costs no other. Servers batch what is under way at once."""
        if self.kind == "sglang":
            return {"input_ids": row}
        # Versions of 2025 know the switch as `activation`, later ones ignore that name.
        switch = {"use_activation": activation, "activation": activation}
        return {"model": self.served_model, "input": row, "add_special_tokens": False, **switch}

    def _check(self, *, switched: bool) -> None:
        """Raise EngineError as `load` says. switched: the server has an activation, on unless it is asked to leave it.

        A server that leaves it on would give every worker probabilities in the place of logits, so none may go on.
        """
        rows = [item.input_ids for item in self._canary_rows().encoded]
        plain = self._numbers(self._asked(rows))
        check_canaries(self._where, plain, self._numbers(self._asked(rows)), _TOLERANCE)
        if switched and ignores_switch(plain, self._numbers(self._asked(rows, activation=True))):
            raise EngineError(
                f"{self._where} gives {plain} with its activation and without: these look like probabilities, not "
                "rewards. Use a vLLM that knows use_activation, with its pooler's own activation, and no gateway that "
                "leaves the field out; or set scorer.backend to transformers"
            )

    @property
    def _where(self) -> str:
        return f"the server of {self.served_model}"

    def _canary_logits(self, rows: Sequence[Encoded]) -> list[float]:
        return self._numbers(self._asked([row.input_ids for row in rows]))

    def _canary_rows(self) -> RewardRows:
        return RewardRows.of(self.tokenizer, CANARIES, self.max_tokens, "truncate_left")

    def _numbers(self, answers: Sequence[float | Failure]) -> list[float]:
        for answer in answers:
            if isinstance(answer, Failure):
                raise EngineError(f"{self._where}: no reward of a short conversation: {answer.detail}")
        return [answer for answer in answers if not isinstance(answer, Failure)]


def _value(answer: Mapping[str, Any], kind: ServerKind) -> float | Failure:
    """The one number of an answer: vLLM's `data[0].probs`, SGLang's `embedding`."""
    try:
        values = answer["embedding"] if kind == "sglang" else answer["data"][0]["probs"]
        (value,) = values
        number = float(value)
    except (KeyError, IndexError, TypeError, ValueError):
        return Failure(ENGINE_UNREACHABLE, f"the answer holds no single reward: {answer}"[:300])
    return number if math.isfinite(number) else Failure(ENGINE_ERROR, f"reward is {number}")


def ignores_switch(plain: Sequence[float], activated: Sequence[float]) -> bool:
    """Whether rewards that were asked for without and with the activation may be the same probabilities twice.

    Logits answer the second time with their sigmoids, probabilities with themselves; which of both is nearer is plain
    in half precision too, but near 0.659, which is its own sigmoid: True there. A number outside of [0, 1] is a logit.
    """
    if not all(0 <= value <= 1 for value in plain):
        return False
    same = sum(abs(value - other) for value, other in zip(plain, activated, strict=True))
    passed = sum(abs(_sigmoid(value) - other) for value, other in zip(plain, activated, strict=True))
    return same - passed < _PLAIN


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def check_server_kind(name: str | None) -> ServerKind:
    """The kind of server; InputError for another name."""
    if name == "vllm":
        return "vllm"
    if name == "sglang":
        return "sglang"
    raise InputError(f"server is {name!r}; give vllm or sglang")
