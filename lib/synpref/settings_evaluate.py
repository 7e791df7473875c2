"""The section `evaluate`: which models, scores and judges are measured on which benchmarks."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

from pydantic import model_validator

from synpref.section import Count, Positive, Section, Share

# benchmarks.suite knows them too, and may not be imported here; a test holds the two together.
BENCHMARK_NAMES = (
    "reward_bench", "reward_bench_2", "ppe_preference", "ppe_correctness", "rmb", "rm_bench", "judge_bench", "llmbar",
    "user_pairs",
)  # fmt: skip
LISTS = "best_of_n"  # what scores of lists with true scores are for
USER_PAIRS = "user_pairs"
BASELINES = ("length only", "chance")


class EvaluatedModel(Section):
    """A reward model: its name for people, and its folder."""

    name: str
    model: str


class EvaluatedScores(Section):
    """Scores of one benchmark, or of the lists (best_of_n), that were made elsewhere.

    One name may have a file for each of several benchmarks.
    """

    name: str
    benchmark: str
    path: str


class Evaluate(Section):
    """Benchmarks, beside the campaign's own test prompts or without any campaign."""

    models: list[EvaluatedModel]
    benchmarks: dict[str, list[str]]
    table: str | None
    where: str | None
    whole: list[str]
    scores: list[EvaluatedScores]
    best_of_n: list[str]
    judges: list[str]
    sample: Positive | None
    robustness: Count
    max_refused_share: Share

    @property
    def named(self) -> bool:
        """Whether something is named that can be measured without a campaign."""
        return bool(self.models or self.scores or self.judges)

    @property
    def files(self) -> list[str]:
        """Every file and folder of benchmarks, lists and scores, and the folder of the table."""
        given = [path for paths in self.benchmarks.values() for path in paths]
        given += [self.table] if self.table is not None and "/" in self.table else []
        return [*given, *self.best_of_n, *(one.path for one in self.scores)]

    @property
    def _scored(self) -> list[str]:
        return [one.benchmark for one in self.scores]

    @model_validator(mode="after")
    def _possible(self) -> Evaluate:
        for names, known in ((self.benchmarks, BENCHMARK_NAMES), (self._scored, (*BENCHMARK_NAMES, LISTS))):
            for name in names:
                if name not in known:
                    raise ValueError(f"no benchmark is called {name!r}; {nearest(name, known)}")
        if self.table is not None and USER_PAIRS in self.benchmarks:
            raise ValueError(f"evaluate: name pairs in benchmarks.{USER_PAIRS} (files) or in table, not in both")
        if self.where is not None and self.table is None:
            raise ValueError("evaluate.where selects rows of evaluate.table, which is null")
        for name in self.whole:
            if name not in self.benchmarks:
                raise ValueError(f"evaluate.whole names {name}, whose files are missing: name them in benchmarks")
        for one in self.scores:
            of_table = self.table is not None and one.benchmark == USER_PAIRS
            of_lists = one.benchmark == LISTS and bool(self.best_of_n)
            if one.benchmark not in self.benchmarks and not of_table and not of_lists:
                setting = LISTS if one.benchmark == LISTS else f"benchmarks.{one.benchmark}"
                raise ValueError(
                    f"scores of {one.name} are for {one.benchmark}, whose files are missing: name them in "
                    f"evaluate.{setting}"
                )
        if self.named and not (self.benchmarks or self.best_of_n or self.table is not None):
            raise ValueError(
                "nothing to measure on: name files in evaluate.benchmarks or evaluate.best_of_n, or evaluate.table"
            )
        self._apart()
        return self

    def _apart(self) -> None:
        scored = list(dict.fromkeys((one.name, "scores") for one in self.scores))
        named = [(one.name, "models") for one in self.models] + scored + [(name, "judges") for name in self.judges]
        for name, count in Counter(name for name, _ in named).items():
            if count > 1 or name in BASELINES:
                why = "is the name of a baseline" if name in BASELINES else "stands there twice"
                raise ValueError(f"evaluate: the name {name!r} {why}; give every model, file and judge its own")
        for (name, benchmark), count in Counter((one.name, one.benchmark) for one in self.scores).items():
            if count > 1:
                raise ValueError(f"evaluate.scores: {name} has {count} files for {benchmark}; name one")


def nearest(name: str, names: Iterable[str]) -> str:
    """Words that name what was probably meant, and all that there is."""
    known = list(names)
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.0)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}There are {', '.join(known) or 'none'}"
