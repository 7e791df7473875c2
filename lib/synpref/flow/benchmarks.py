"""Benchmarks of the settings: every model, file of scores and judge that they name, beside length and chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synpref.benchmarks import best_of_n
from synpref.benchmarks.baselines import BASELINES, LENGTH, length_scores
from synpref.benchmarks.best_of_n import Curve
from synpref.benchmarks.canaries import (
    Canary,
    Preference,
    canary_pairs,
    canary_rows,
    distinct_canary_responses,
    preferences,
    unscored_canaries,
)
from synpref.benchmarks.judged import canary_scores, measure_judge, said_of
from synpref.benchmarks.measured import Measured, measure
from synpref.benchmarks.score_rows import ScoreRow, curve_rows
from synpref.benchmarks.scores import Scores, read_scores
from synpref.benchmarks.selection import scorable
from synpref.engines.identity import EngineCard, file_fingerprint
from synpref.errors import InputError
from synpref.flow.answers import Calls
from synpref.flow.attack_vocabulary import vocabulary_of
from synpref.flow.benchmark_answers import responses_of, rewards_of, verdicts_of
from synpref.flow.benchmark_files import Material
from synpref.flow.evaluated_models import evaluated_models
from synpref.inference.record import record_engines
from synpref.settings_evaluate import EvaluatedScores
from synpref.stage import Stage

FROM_BENCHMARKS = "benchmarks"
SCORED, ELSEWHERE = "scored", "elsewhere"  # in the card of a file of scores


@dataclass(frozen=True)
class Scorer:
    """What was measured of one scorer. kind: model, scores, judge or baseline.

    curves: over the lists of evaluate.best_of_n. robustness: by attack. unscored: lists, and canaries, without a score.
    """

    name: str
    kind: str
    engine_id: str
    results: Mapping[str, Measured] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    robustness: Mapping[str, Preference] = field(default_factory=dict)
    unscored: Mapping[str, int] = field(default_factory=dict)

    def rows(self) -> list[ScoreRow]:
        """Rows of benchmark_scores."""
        found = [row for one in self.results.values() for row in one.rows()]
        found += curve_rows(best_of_n.NAME, self.curves)
        return found + canary_rows(FROM_BENCHMARKS, self.robustness)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "engine_id": self.engine_id,
            "benchmarks": {name: one.as_dict() for name, one in self.results.items()},
            "best_of_n": {name: curve.as_dict() for name, curve in self.curves.items()},
            "robustness": {name: one.as_dict() for name, one in self.robustness.items()},
            "unscored": dict(self.unscored),
        }


def measured_scorers(stage: Stage, calls: Calls, material: Material, models: Sequence[tuple[str, str]]) -> list[Scorer]:
    """Measure all on the material: models (name, folder), then scores, judges and baselines."""
    found = _from_files(stage, material)  # what can be wrong with a file is told before an engine is loaded
    found = [*_models(stage, calls, material, models), *found]
    found += [_judge(stage, calls, material, name) for name in stage.settings.evaluate.judges]
    _tell_unattacked(stage, material, found)
    _check_apart([(one.name, one.engine_id) for one in found])
    return found + [_baseline(stage, material, name) for name in BASELINES]


def _tell_unattacked(stage: Stage, material: Material, found: Sequence[Scorer]) -> None:
    """Say who meets no attack: whose answers were made elsewhere, or none of whose attacked answers has a score."""
    names = [one.name for one in found if not one.robustness]
    if names and material.canaries:
        stage.say(f"no robustness of {', '.join(names)}: nothing there answers about attacked texts")


def _models(stage: Stage, calls: Calls, material: Material, models: Sequence[tuple[str, str]]) -> list[Scorer]:
    texts, found = material.texts, []
    if not models or not texts:
        return []
    specs = evaluated_models(stage, models)
    # before anything is computed, and so is that every folder holds a model
    _check_apart([(spec.name, spec.card.engine_id) for spec in specs])
    stage.say(f"{len(texts):,} distinct responses, each scored once by {len(models)} models")
    for spec, (_, folder) in zip(specs, models, strict=True):
        own = material.before(vocabulary_of(Path(folder)))
        texts = own.texts
        with responses_of(stage, texts) as responses:
            engine_id, rewards = rewards_of(stage, calls, responses, spec)
        if len(rewards) < len(texts):
            stage.say(f"{spec.name}: {len(texts) - len(rewards):,} responses have no reward; see quarantine")
        found.append(_scorer(stage, own, spec.name, engine_id, rewards))
    return found


def _scorer(stage: Stage, material: Material, name: str, engine_id: str, scores: Scores) -> Scorer:
    seed = stage.settings.seed
    lists, unlisted = scorable(material.lists.items, scores)
    return Scorer(
        name,
        "model",
        engine_id,
        {one.name: measure(one, scores, seed) for one in material.benchmarks},
        best_of_n.curves(lists, scores, seed),
        preferences(material.canaries, scores, seed),
        {"lists": unlisted, "canaries": unscored_canaries(material.canaries, scores)},
    )


def _from_files(stage: Stage, material: Material) -> list[Scorer]:
    asked: dict[str, list[EvaluatedScores]] = {}
    for one in stage.settings.evaluate.scores:
        asked.setdefault(one.name, []).append(one)
    return [_from_file(stage, material, name, files) for name, files in asked.items()]


def _from_file(stage: Stage, material: Material, name: str, files: Sequence[EvaluatedScores]) -> Scorer:
    given = {one.name: one for one in material.benchmarks}
    read = {one.benchmark: read_scores(one.path, material.files[one.benchmark]) for one in files}
    card = scores_card(name, {one.benchmark: file_fingerprint(one.path) for one in files})
    record_engines(stage.warehouse, card)
    of_lists, seed = read.pop(best_of_n.NAME, None), stage.settings.seed
    results = {which: measure(given[which], scores, seed) for which, scores in read.items()}
    curves = {} if of_lists is None else best_of_n.curves(material.lists.items, of_lists, seed)
    return Scorer(name, "scores", card.engine_id, results, curves)


def scores_card(name: str, digests: Mapping[str, str]) -> EngineCard:
    """The engine that files of scores stand for. digests: of the files, by benchmark.

    What made them is known by its name alone: under two names the same scores are two engines.
    """
    return EngineCard("reward", name, False, None, {SCORED: ELSEWHERE, "scorer": name, "files": dict(digests)})


def _judge(stage: Stage, calls: Calls, material: Material, name: str) -> Scorer:
    """A judge on the benchmarks that have pairs, and on canaries; curves need scores, and records know no attacks."""
    paired = [one for one in material.benchmarks if any(item.pairs for item in one.items)]
    for one in material.benchmarks:
        if one not in paired:
            stage.say(f"judge {name} is not asked about {one.name}, which has no pairs")
    if not paired:
        raise InputError(f"judge {name}: no benchmark has pairs to judge; name one in evaluate.benchmarks")
    (judge,) = (each for each in stage.settings.judges if each.name == name)
    attacked = () if judge.kind == "replay" else material.canaries
    if attacked:
        stage.say(f"judge {name} is asked about {len(attacked):,} prompts under attack, see evaluate.robustness")
    asked, seed = [item for one in paired for item in one.items], stage.settings.seed
    engine_id, answers = verdicts_of(stage, calls, [*asked, *canary_pairs(attacked)], name)
    said = said_of(answers)
    preferred = canary_scores(attacked, said)
    return Scorer(
        name,
        "judge",
        engine_id,
        {one.name: measure_judge(one, said, seed) for one in paired},
        robustness=preferences(attacked, preferred, seed),
        unscored={"canaries": unscored_canaries(attacked, preferred)},
    )


def _baseline(stage: Stage, material: Material, name: str) -> Scorer:
    card = EngineCard("reward", name, True, None, {"baseline": "of benchmarks"})
    record_engines(stage.warehouse, card)
    results = {one.name: BASELINES[name](one, stage.settings.seed) for one in material.benchmarks}
    if name != LENGTH:  # what chance picks is the first point of every curve
        return Scorer(name, "baseline", card.engine_id, results)
    curves = best_of_n.curves(material.lists.items, length_scores(material.lists.items), stage.settings.seed)
    return Scorer(name, "baseline", card.engine_id, results, curves, length_preferences(stage, material.canaries))


def length_preferences(stage: Stage, canaries: Sequence[Canary]) -> dict[str, Preference]:
    """What a scorer that only knows length makes of canaries."""
    texts = distinct_canary_responses(canaries)
    return preferences(canaries, {name: float(len(text)) for name, (_, text) in texts.items()}, stage.settings.seed)


def _check_apart(engines: Sequence[tuple[str, str]]) -> None:
    """Raise InputError where two of (name, engine_id) are one engine: their rows would have one key."""
    named: dict[str, str] = {}
    for name, engine_id in engines:
        other = named.setdefault(engine_id, name)
        if other != name:
            raise InputError(f"evaluate: {other} and {name} are one engine ({engine_id[:12]}); remove one")
