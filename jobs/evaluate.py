"""Measure reward models and judges: a campaign's final models on its test prompts, and whoever is named on benchmarks.

With models, scores or judges named in `evaluate`, it needs no other stage.
"""

from __future__ import annotations

from collections import defaultdict

from synpref.benchmarks.refused import refused_counts
from synpref.benchmarks.score_rows import ScoreRow
from synpref.cli import submit
from synpref.flow.answers import Calls
from synpref.flow.benchmark_files import read_material
from synpref.flow.benchmark_record import NO_CAMPAIGN, RESULTS, log_scorers, shown, write_refused, write_scores
from synpref.flow.benchmarks import measured_scorers
from synpref.flow.canaries import Attacked, attacked_tests, robustness_shown
from synpref.flow.final_models import measured_tests, trained_campaign
from synpref.flow.final_record import log_tests
from synpref.report.benchmark_text import benchmark_text
from synpref.stage import Outcome, Stage


def run(stage: Stage) -> Outcome:
    """Score, write benchmark_scores, log to MLflow, and print the tables."""
    asked, calls = stage.settings.evaluate, Calls()
    material = read_material(stage)
    write_refused(stage, material.refused)
    campaign = trained_campaign(stage)
    models = [(one.name, one.model) for one in asked.models]
    tests, attacked, rows = None, Attacked(), defaultdict[str, list[ScoreRow]](list)
    if campaign is not None:
        final = stage.left_by("train", campaign)["models"]
        tests = measured_tests(stage, campaign, final)
        log_tests(stage, final, tests.detail)
        attacked = attacked_tests(stage, tests.comparisons, final)
        calls.add(tests.computed + attacked.computed, tests.saved + attacked.saved)
        models = models or [(one["name"], str(stage.model_folder(one))) for of_mix in final.values() for one in of_mix]
    scorers = measured_scorers(stage, calls, material, models) if material.items else []
    for of_engine in (tests.rows if tests else {}, attacked.rows, {one.engine_id: one.rows() for one in scorers}):
        for engine_id, found in of_engine.items():
            rows[engine_id] += found
    write_scores(stage, campaign or NO_CAMPAIGN, rows, scorers)
    log_scorers(stage, scorers)
    told = {**shown(material, scorers), "robustness": robustness_shown(scorers, attacked.robustness)}
    print(benchmark_text(told))
    if scorers:
        print(f"every figure: {stage.folder / RESULTS}, the table benchmark_scores, and MLflow\n")
    unscored = tests.unscored if tests else 0
    measured = material.items + (tests.count if tests else 0)
    return Outcome(
        rows_in=measured + len(material.refused),
        rows_out=measured - unscored,
        quarantined={**refused_counts(material.refused), **({"unscored": unscored} if unscored else {})},
        engine_calls=calls.computed,
        engine_calls_saved=calls.saved,
        campaign=campaign or NO_CAMPAIGN,
        detail={**calls.facts(), **(tests.detail if tests else {}), "benchmarks": told},
    )


if __name__ == "__main__":
    submit("evaluate")
