"""A comparison that was killed goes on where it was; rates and formats come from what stands there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.bench.trl.results import Results
from tests.bench.trl.trainings import How, Trainings

RUN = {"who": "trl", "seed": 0, "rate": 1e-4}


def test_what_stands_in_the_file_is_known_to_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Results(file).add(RUN, {"seconds": 2.5}, "abc")
    again = Results(file)
    assert again.known(dict(reversed(RUN.items()))) == {"seconds": 2.5}
    assert again.known(RUN | {"seed": 1}) is None


def test_a_line_that_a_kill_left_half_is_taken_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Results(file).add(RUN, {"seconds": 2.5}, "abc")
    with file.open("a") as half:
        half.write('{"run": {"who": "ours", "se')
    after = Results(file)
    after.add(RUN | {"seed": 1}, {"seconds": 3.5}, "abc")
    assert [Results(file).known(RUN | {"seed": seed}) for seed in (0, 1)] == [{"seconds": 2.5}, {"seconds": 3.5}]


@pytest.mark.parametrize("line", ["no json", "[]", '{"run": {}}'])
def test_a_whole_line_that_is_no_result_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(SystemExit, match=r"results.jsonl, line 1"):
        Results(file)


def test_without_a_file_results_are_known_until_the_end() -> None:
    results = Results(None)
    results.add(RUN, {"seconds": 1.0}, "abc")
    assert results.known(RUN) == {"seconds": 1.0}


def trainings(found: dict[How, Any]) -> Trainings:
    """Of TRL alone, all done before."""
    results = Results(None)
    for how, one in found.items():
        results.add({"who": "trl", "file": "f", "pairs": 32, **asdict(how)}, one, "abc")
    return Trainings(Path("unused"), "model", {"file": "f"}, results, {"trl": {"pairs": 32}})


def swept(rate: float) -> How:
    return How("sweep", "validation", 10, rate, "float32", 0)


def test_the_best_rate_is_that_of_the_validation_groups(capsys: pytest.CaptureFixture[str]) -> None:
    of_rate = {3e-5: [1.0, 0.0, 0.0], 1e-4: [1.0, 1.0, 0.5], 2e-4: [1.0, 1.0, 0.0]}
    done = trainings({swept(rate): {"right": right} for rate, right in of_rate.items()})
    assert done.best_rate("trl", "float32", [2e-4, 3e-5, 1e-4], 10) == 1e-4
    told = capsys.readouterr().out
    assert "3e-05 33.3%, 0.0001 83.3%, 0.0002 66.7%; 0.0001 from here on" in told
    assert "edge" not in told


def test_a_best_rate_at_the_edge_is_said_and_of_equals_the_smaller_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    done = trainings({swept(rate): {"right": [1.0]} for rate in (1e-4, 2e-4)})
    assert done.best_rate("trl", "float32", [2e-4, 1e-4], 10) == 1e-4
    assert "at the sweep's edge" in capsys.readouterr().out


def test_one_rate_is_taken_without_a_training() -> None:
    assert trainings({}).best_rate("trl", "float32", [5e-5], 10) == 5e-5


def test_the_faster_format_is_taken_unless_one_is_named() -> None:
    took = {"float32": 4.0, "bfloat16": 3.0}
    done = trainings({How("train", None, 3, 1e-4, dtype, 0): {"seconds": seconds} for dtype, seconds in took.items()})
    assert done.faster_format("trl", "best", 3, 1e-4) == "bfloat16"
    assert trainings({}).faster_format("trl", "float32", 3, 1e-4) == "float32"
