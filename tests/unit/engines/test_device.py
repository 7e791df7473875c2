from __future__ import annotations

import logging

import pytest

from synpref.engines import device
from synpref.engines.device import choose_dtype, decide_dtype, device_facts, parse_cpuinfo, speed_ratio

CPUINFO = """processor\t: 0
model name\t: Some CPU @ 2.50GHz
flags\t\t: fpu avx2 avx512f amx_bf16

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""


def test_the_first_processor_speaks_for_all() -> None:
    assert parse_cpuinfo(CPUINFO) == ("Some CPU @ 2.50GHz", frozenset({"fpu", "avx2", "avx512f", "amx_bf16"}))


def test_an_arm_processor_lists_its_features() -> None:
    name, features = parse_cpuinfo("Features\t: fp asimd sve\nCPU part\t: 0xd40\n")
    assert (name, features) == ("0xd40", frozenset({"fp", "asimd", "sve"}))


def test_a_system_without_cpuinfo_has_a_processor_all_the_same() -> None:
    assert parse_cpuinfo("") == ("unknown processor", frozenset())


def test_the_device_at_hand_has_a_name() -> None:
    facts = device_facts()
    assert facts.name
    assert facts.device in {"cpu", "cuda"}


@pytest.mark.parametrize(
    ("ratio", "dtype"), [(0.3, "float32"), (1.0, "float32"), (1.19, "float32"), (1.2, "bfloat16"), (3.5, "bfloat16")]
)
def test_float32_stays_unless_half_precision_clearly_wins(ratio: float, dtype: str) -> None:
    assert decide_dtype("bfloat16", ratio) == dtype


def test_the_choice_follows_from_what_was_measured_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="synpref"):
        choice = choose_dtype("cpu")
    assert choice.candidate == "bfloat16"
    assert choice.ratio > 0
    assert choice.dtype == decide_dtype(choice.candidate, choice.ratio)
    assert f"{choice.ratio:.2f} x" in caplog.text


def test_the_best_time_of_each_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([4.0, 9.0, 6.0, 2.0, 5.0, 3.0, 7.0, 7.0, 8.0, 8.0])
    monkeypatch.setattr(device, "_timed", lambda run: next(times))
    assert speed_ratio(lambda: None, lambda: None, 60.0) == 2.0


def test_slow_work_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([4.0, 2.0])  # a third would be missed
    monkeypatch.setattr(device, "_timed", lambda run: next(times))
    assert speed_ratio(lambda: None, lambda: None, -1.0) == 2.0
