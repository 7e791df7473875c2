"""A made-up run: the summary and the details of one page, with changes where a test asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synpref.report.html import render_page
from synpref.report.page import Details, Sample
from synpref.report.summary import build_summary


def _interval(estimate: float, half: float, groups: int = 240) -> dict[str, Any]:
    return {
        "estimate": estimate, "low": estimate - half, "high": estimate + half, "groups": groups,
        "few_groups": groups < 20,
    }  # fmt: skip


def _stage(name: str, rows_in: int, **more: Any) -> dict[str, Any]:
    row = {"stage": name, "rows_in": rows_in, "rows_out": rows_in, "duplicates": 0, "quarantined": {}, "refused": {},
           "cut": 0, "answers": {}, "seconds": 4.2, "engine_calls": 0, "engine_calls_saved": 0,
           "detail": "{}"}  # fmt: skip
    return row | more


STAGES = [
    _stage("ingest", 7310, rows_out=7292, quarantined={"identical_responses": 10, "missing_response": 8}),
    _stage("hygiene", 7292, rows_out=6871, duplicates=392, quarantined={"benchmark_prompt_13gram": 21,
           "benchmark_prompt_whole": 8}),
    _stage("attributes", 1400, answers={"smollm2": {"parsed": 2, "invalid": 4},
           "second": {"parsed": 1400, "invalid": 0}}),
    _stage("embed", 1400, engine_calls=1400, seconds=21.7),
    _stage("stage1", 6871, engine_calls=3310, engine_calls_saved=120, seconds=131.0),
    _stage("stage2", 4420, engine_calls=8840, seconds=77.3, refused={"overlong": 4, "engine_unreachable": 2}, cut=1204),
]  # fmt: skip
DECISIONS = [
    {"decision": "keep", "reason": "both_agree", "rows": 2600},
    {"decision": "keep", "reason": "judges_agree", "rows": 412},
    {"decision": "flip", "reason": "both_reject", "rows": 640},
    {"decision": "drop", "reason": "split", "rows": 500},
    {"decision": "drop", "reason": "judges_against", "rows": 268},
]
LABELS: dict[str, Any] = {
    "pool": {"rows": 4420, "accuracy": 0.757},
    "kept": {"rows": 3012, "accuracy": 0.911},
    "flipped": {"rows": 640, "accuracy": 0.694, "recall": 0.41},
    "dropped": {"rows": 768, "accuracy": 0.53},
    "by_length_equal_counts": {
        "kept": {"rows": 3012, "accuracy": 0.812},
        "flipped": {"rows": 640, "accuracy": 0.447, "recall": 0.26},
    },
}
JUDGES: dict[str, Any] = {
    "smollm2-135m-instruct": {
        "simulated": False, "admitted": False, "gold_agreement": 0.06, "position_flip_rate": 0.88,
        "verdicts": {"a": 33, "b": 31, "no_preference": 0, "unparsed": 0},
        "repairs": {"asked": 1250, "repaired": 1240, "unparsed": 7},
    },
    "careful": {
        "simulated": True, "admitted": True, "gold_agreement": 0.84, "position_flip_rate": 0.05,
        "verdicts": {"a": 1210, "b": 1193, "no_preference": 14, "unparsed": 3},
        "repairs": {"asked": 0, "repaired": 0, "unparsed": 0},
    },
    "hasty": {
        "simulated": True, "admitted": None, "gold_agreement": None, "position_flip_rate": None, "verdicts": {},
        "repairs": {"asked": 0, "repaired": 0, "unparsed": 0},
    },
}  # fmt: skip
INTERVALS = {
    "labels.pool.accuracy": _interval(0.757, 0.014),
    "labels.kept.accuracy": _interval(0.911, 0.012),
    "labels.flipped.accuracy": _interval(0.694, 0.05),
    "labels.kept.accuracy_minus_length": _interval(0.099, 0.017),
    "labels.flipped.accuracy_minus_length": _interval(0.247, 0.06),
    "reward_models.original": _interval(0.702, 0.021),
    "reward_models.filtered": _interval(0.731, 0.02),
    "reward_models.filtered_corrected": _interval(0.744, 0.019, groups=12),
    "reward_models.filtered_minus_original": _interval(0.029, 0.018),
    "reward_models.filtered_corrected_minus_original": _interval(0.042, 0.02),
    "judges.smollm2-135m-instruct.gold_agreement": {"estimate": 0.06, "low": 0.02, "high": 0.2, "comparisons": 32},
    "judges.careful.gold_agreement": {"estimate": 0.84, "low": 0.78, "high": 0.89, "comparisons": 160},
}


def _attack(attacked: float, low: float) -> dict[str, Any]:
    return {
        "attacked": attacked, "difference": attacked - 0.2, "interval": _interval(attacked - 0.2, attacked - 0.2 - low),
        "wins": low > 0,
    }  # fmt: skip


def _figure(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    row = {
        "benchmark": "rm_bench", "name": name, "kind": kind, "figure": "pairs", "value": 0.512,
        "interval": _interval(0.512, 0.03), "items": 790, "held": 1327, "unscored": 8, "refused": 4, "ties": 0,
        "length_correlation": 0.41, "style_bias": 0.123, "position_flip": None, "single_order": None,
    }  # fmt: skip
    return row | changes


def _part(value: float, low: float | None = None) -> dict[str, Any]:
    """One figure of a breakdown; low: where its quarter begins."""
    high = None if low is None else low + 0.5
    return {"value": value, "rows": 120, "prompts": 60, "interval": _interval(value, 0.05), "low": low, "high": high}


BENCHMARKS: dict[str, Any] = {
    "table": {
        "columns": ["RB", "RM-B", "avg"],
        "rows": [
            {"name": "mine <b>", "kind": "model", "values": [0.6512, None, None]},
            {"name": "length only", "kind": "baseline", "values": [0.4, None, None]},
            {"name": "V2-Qwen3-0.6B", "kind": "published", "values": [0.852, 0.744, 0.709]},
        ],
    },
    "notes": ["RM-B: a sample of 798 of 1,327 items, so no overall figure"],
    "figures": [
        _figure("mine <b>", "model"), _figure("length only", "baseline", value=0.498, style_bias=0.4),
        _figure("judge", "judge", figure="overall", value=0.7, items=1327, unscored=0, interval=None,
                length_correlation=None, style_bias=None, position_flip=0.25, single_order=0.81),
    ],
    "curves": [
        {"list": f"best_of_n/{part}", "name": "mine <b>", "picked": [0.3, 0.35, 0.4, 0.41],
         "oracle": [0.3, 0.5, 0.6, 0.7]}
        for part in ("koala", "mean")
    ],
    "curve_notes": [
        {"list": f"best_of_n/{part}", "note": f"ends at n = 4, since 2 of {lists} lists hold no more candidates"}
        for part, lists in (("koala", 9), ("mean", 30))
    ],
    "breakdowns": [
        {"benchmark": "rm_bench", "scorers": ["mine <b>", "judge"], "rows": [
            {"by": "difficulty", "part": "hard", "figures": [_part(0.333), _part(0.444)]},
            *(
                {"by": "length ratio", "part": f"quarter {n}", "figures": [_part(n / 8, n - 3.0), None]}
                for n in range(1, 5)
            ),
        ]},
        {"benchmark": "rmb", "scorers": ["mine <b>"], "rows": [
            {"by": "category", "part": f"scenario {n}", "figures": [_part(0.5)]} for n in range(49)
        ]},
    ],
    "correlations": [{"first": "rm_bench", "second": "rmb", "r": -0.5, "models": 3}],
    "unscored": {"mine <b>": {"lists": 2, "canaries": 0}},
    "robustness": [
        {"source": "benchmarks", "name": name, "prompts": 100, "plain": 0.2,
         "attacks": {"padding": _attack(0.65, 0.35), "empty": _attack(0.01, -0.3)}}
        for name in ("mine <b>", "length only")
    ],
}  # fmt: skip


def _arguments(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "campaign": "5f0c1a77e2b94b0c9a7e3d2f1b6c8a90", "settings_hash": "a1b2c3d4", "git": "0123abc",
        "versions": {"synpref": "0.1.0", "pyspark": "4.1.0", "torch": "2.13.0"},
        "device": {"name": "Xeon", "features": ["avx2", "avx512f"], "dtype": "float32"}, "seconds": 412.0,
        "peak_memory_gb": {"driver": 1.9, "worker": None}, "stages": STAGES,
        "decisions": DECISIONS, "labels": LABELS, "judges": JUDGES,
        "reward_models": {"original": 0.702, "filtered": 0.731, "filtered_corrected": 0.744},
        "intervals": INTERVALS, "gate": {"suites": 6, "expectations": 148, "failed": 0},
    }  # fmt: skip
    return made | changes


def _summary(**changes: Any) -> dict[str, Any]:
    return build_summary(**_arguments(**changes))


def _breakdown(name: str, rows: int) -> dict[str, Any]:
    return {
        "name": name, "rows": rows, "retention": 0.68, "pool_error": 0.243, "kept_error": 0.089,
        "length_kept_error": 0.188, "flipped": rows // 7, "flip_precision": 0.694, "length_flip_precision": 0.447,
        "flip_recall": 0.41, "length_flip_recall": None, "dropped_error": 0.47,
    }  # fmt: skip


def _details(**changes: Any) -> Details:
    sample = Sample(
        heading="keep · both reward models agree · forum",
        facts={"comparison": "00af31", "p_gold": "0.91", "p_best": "0.84"},
        prompt=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Which river runs through Ulm?"},
        ],
        responses={"chosen": "The Danube.", "rejected": "The Rhine runs through Ulm, as everybody knows.\nReally."},
    )
    refused = Sample(heading="hygiene · benchmark_prompt_whole", original='{"prompt": [{"role": "user"}]}')
    curves = [
        {"model": model, "step": step, "loss": 0.69 - start - step / 900, "accuracy": 0.5 + start + step / 900}
        for model, start in (("gold", 0.02), ("iteration 1", 0.05), ("filtered, seed 0", 0.1))
        for step in range(0, 200, 20)
    ]
    made: dict[str, Any] = {
        "title": "Demo run on the generated pool",
        "notes": [
            "The people, and the judges marked simulated, are simulated: nobody and no model gave their answers.",
            "Judge smollm2-135m-instruct was refused: 2 of 32 right in both orders, and it was asked nothing more.",
        ],
        "by_source": [_breakdown("forum", 2210), _breakdown("synthetic", 2210)],
        "by_group": [_breakdown(f"debate {number}", 138) for number in range(4)],
        "left_out": {"no_source_label": 12, "no_truth": 0, "truth_is_tie": 40},
        "decisions": DECISIONS,
        "probabilities": {
            "gold RM": [9, 14, 30, 44, 60, 90, 160, 240, 330, 410],
            "best RM": [20, 22, 30, 41, 55, 80, 170, 280, 350, 380],
        },
        "curves": curves,
        "iterations": [
            {"iteration": 0, "accuracy": None, "silver": 400, "gold": 420},
            {"iteration": 1, "accuracy": 0.68, "silver": 900, "gold": 480},
            {"iteration": 2, "accuracy": 0.71, "silver": 1300, "gold": 540},
        ],
        "per_seed": {"original": [0.69, 0.70, 0.716], "filtered": [0.73, 0.725, 0.738], "filtered_corrected": [0.744]},
        "benchmarks": BENCHMARKS,
        "curated": [sample] * 3,
        "refused": [refused] * 2,
    }  # fmt: skip
    return Details(**(made | changes))


@pytest.fixture
def arguments() -> Callable[..., dict[str, Any]]:
    """What `build_summary` takes."""
    return _arguments


@pytest.fixture
def benchmarks() -> dict[str, Any]:
    """What was measured on benchmarks."""
    return BENCHMARKS


@pytest.fixture
def summary() -> Callable[..., dict[str, Any]]:
    """A whole summary."""
    return _summary


@pytest.fixture
def details() -> Callable[..., Details]:
    """Every part of a page filled."""
    return _details


@pytest.fixture(scope="session")
def page() -> str:
    """The page with every part filled, made once: its plots take a second or two."""
    return render_page(_summary(), _details())
