"""What a comparison of trainers says, as text."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from statistics import mean, median

from synpref.quality.intervals import Interval, difference_interval, mean_share_interval
from tests.bench.trl.pairs import Found, Pair
from tests.bench.trl.results import Result

HEAD = "seed  who       rate  format     pairs  responses  seconds  pairs/s  held-out accuracy"


def told_of_data(name: str, read: Found, groups: Mapping[str, Mapping[str, int]]) -> str:
    """Sizes of the parts. groups: of each part, pairs by group."""
    many = {part: f"{sum(held.values()):,} pairs of {len(held):,} groups" for part, held in groups.items()}
    lines = [f"{name}: {many['train']} to train on; {many['held_out']} held out, labels as the file has them"]
    lines.append(f"  learning rates: trained on {many['sweep']}, chosen on {many['validation']}, all of the former")
    if read.equal or read.repeated:
        lines.append(f"  left out: {read.equal} pairs whose texts are equal, {read.repeated} that stand there before")
    return "\n".join(lines)


def told_of_formats(who: str, seconds: Mapping[str, float], steps: int, best: str) -> str:
    """What each number format took."""
    took = ", ".join(f"{dtype} {took:.1f} s" for dtype, took in seconds.items())
    return f"  {who}: {steps} steps in {took}; {best} from here on"


def told_of_rates(who: str, accuracy: Mapping[float, float], steps: int, best: float) -> str:
    """What each learning rate reached; whether a rate outside of the sweep may be better."""
    reached = ", ".join(f"{rate:g} {right:.1%}" for rate, right in accuracy.items())
    edge = " (at the sweep's edge: one beyond it may be better)" if best in (min(accuracy), max(accuracy)) else ""
    return f"  {who}: validation accuracy after {steps} steps: {reached}; {best:g} from here on{edge}"


def told_of_seed(seed: int, who: str, rate: float, dtype: str, one: Result) -> str:
    """One training, in the columns of HEAD."""
    right = f"{mean(one['right']):.1%}" if one["right"] else "-"
    return (
        f"{seed:4}  {who:5} {rate:8g}  {dtype:8} {one['pairs']:7,} {one['encoded']:10,} {one['seconds']:8.1f} "
        f"{one['pairs'] / one['seconds']:8.1f}  {right}"
    )


def told_of_accuracy(pairs: Sequence[Pair], found: Mapping[str, Sequence[Result]], frozen: Result) -> str:
    """Held-out accuracies, means over the seeds, and our differences, with intervals that resample groups."""
    right = {who: [by_group(pairs, one["right"]) for one in runs] for who, runs in found.items()}
    right["frozen"] = [by_group(pairs, frozen["right"])]
    right["length"] = [by_group(pairs, [_longer(pair) for pair in pairs])]
    sizes = by_group(pairs, [1.0] * len(pairs))
    rows = {who: [sizes] * len(shares) for who, shares in right.items()}
    names = {"ours": "synpref", "trl": "TRL's RewardTrainer", "frozen": f"frozen embeddings ({frozen['view']})"}
    names["length"] = "the longer response"
    lines = [f"held-out accuracy, mean over the seeds; 95 % intervals resample {len(sizes)} groups{_few(sizes)}"]
    lines += [f"  {name:28} {_told(mean_share_interval(right[who], rows[who], seed=0))}" for who, name in names.items()]
    ours = [mean(one["right"]) for one in found["ours"]]
    for who, runs in (("trl", found["trl"]), ("frozen", [frozen] * len(ours))):
        apart = difference_interval((right["ours"], rows["ours"]), (right[who], rows[who]), seed=0)
        seeds = ", ".join(f"{100 * (mine - mean(one['right'])):+.1f}" for mine, one in zip(ours, runs, strict=True))
        lines.append(f"  {'synpref minus ' + who:28} {_told(apart, '+')} (by seed, in points: {seeds})")
    return "\n".join(lines)


def told_of_speed(found: Mapping[str, Sequence[Result]]) -> str:
    """The ratio of pairs a second of each seed, of which the median counts."""
    by_clock, by_processor = (
        [
            (ours["pairs"] / ours[unit]) / (trl["pairs"] / trl[unit])
            for ours, trl in zip(found["ours"], found["trl"], strict=True)
        ]
        for unit in ("seconds", "processor_seconds")
    )
    seeds = ", ".join(f"{ratio:.2f}" for ratio in by_clock)
    return (
        f"pairs/s, synpref over TRL: {median(by_clock):.2f} (seeds: {seeds}; "
        f"in seconds of the processor, which other programs lengthen less: {median(by_processor):.2f})"
    )


def joined(folds: Sequence[Sequence[Result]]) -> list[Result]:
    """The results of each seed over the folds as one: right, pair after pair; of the regression also its views."""
    made = []
    for of_seed in zip(*folds, strict=True):
        scored = all(one["right"] is not None for one in of_seed)
        right = [value for one in of_seed for value in one["right"]] if scored else None
        views = ", ".join(dict.fromkeys(one["view"] for one in of_seed if "view" in one))
        made.append({**of_seed[0], "right": right, "view": views})
    return made


def by_group(pairs: Sequence[Pair], right: Sequence[float]) -> list[float]:
    """Sum over the pairs of each group, groups in the order of their names."""
    sums = dict.fromkeys(sorted({pair.group for pair in pairs}), 0.0)
    for pair, one in zip(pairs, right, strict=True):
        sums[pair.group] += one
    return list(sums.values())


def _longer(pair: Pair) -> float:
    apart = len(pair.chosen) - len(pair.rejected)
    return float(apart > 0) + 0.5 * (apart == 0)


def _few(groups: Sequence[float]) -> str:
    return ", which are few: read them with care" if len(groups) < 20 else ""


def _told(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return "-"
    return f"{interval.estimate:{sign}.1%} ({interval.low:{sign}.1%} to {interval.high:{sign}.1%})"


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
