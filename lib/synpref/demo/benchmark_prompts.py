"""Benchmark prompts of the demo, and pool prompts that repeat some of them: what decontamination must find."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Task, ask

BENCHMARK = "generated-benchmark"
FAMILY = "leaked"
PROMPTS_A_LEAK = 40  # one planted prompt per so many of the pool, until all are planted

# more than 13 words: a pool prompt leaks by sharing 13 of them in a row
_LONG = (
    "Describe how a sailing ship of wood was kept dry inside during a long storm at sea",
    "Explain to an old farmer why two fields of equal size can give such different harvests each year",
    "Why do violins built three hundred years ago still sound better to many listeners than new ones do",
    "Write down what a glass blower has to watch while turning the hot pipe above an open fire",
    "How did people in desert towns keep their houses cool before there was any electric power at all",
    "Which steps does a watchmaker take when the spring of a pocket watch has lost all its force",
)
# fewer than 13 words: such a prompt leaks only as a whole
_SHORT = (
    "Why is the sky dark at night?",
    "How do magnets lift iron?",
    "Who first drew a map of the winds?",
    "Can fish hear thunder?",
    "Where do swallows go in autumn?",
    "Is glass a liquid?",
)
# in the benchmark, but in no pool
_UNSEEN = (
    "Summarise what a harbour pilot has to know before guiding a tanker through a narrow channel at dawn",
    "What would change for beekeepers if the lime trees along a road began to bloom a month earlier",
    "Do snails sleep?",
    "How are bells tuned?",
)
_ANSWERS = (
    "Old books tell of it, and it took much practice.", "It comes down to heat, water and time.",
    "Careful hands and good tools matter most.", "Nature has found a simple way to do that.",
)  # fmt: skip


def benchmark_rows() -> list[dict[str, str]]:
    """The benchmark's prompts as rows {benchmark, prompt}."""
    return [{"benchmark": BENCHMARK, "prompt": prompt} for prompt in (*_LONG, *_SHORT, *_UNSEEN)]


def planted_tasks(draw: Draw, prompts: int) -> tuple[list[Task], dict[str, int]]:
    """Pool tasks whose prompt repeats a benchmark's, for a pool of so many prompts; and their number by kind.

    Kinds: `leaked_ngram` (13 words in a row, within other text) and `leaked_short` (whole, but for case and signs).
    """
    size = min(len(_LONG) + len(_SHORT), prompts // PROMPTS_A_LEAK)
    long = [f"Hello! {prompt}?" for prompt in _LONG[: (size + 1) // 2]]
    short = [prompt.upper().rstrip("?") for prompt in _SHORT[: size // 2]]
    tasks = [ask(FAMILY, prompt, tuple(draw.sample(_ANSWERS, 2)), _wrong(draw)) for prompt in (*long, *short)]
    return tasks, {"leaked_ngram": len(long), "leaked_short": len(short)}


def _wrong(draw: Draw) -> Answer:
    return Answer(
        draw.choice(("That has never been done.", "It works by magic alone.", "Only the moon does this.")), "wrong"
    )
