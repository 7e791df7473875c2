"""The command `synpref <stage>`; jobs/<stage>.py under spark-submit is the same code."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from synpref import __version__
from synpref.config import check_inputs, load_settings
from synpref.errors import SynprefError
from synpref.masking import masked_text
from synpref.preload import preload

STAGES = (
    "ingest", "hygiene", "attributes", "embed", "stage1", "score", "stage2", "train", "evaluate", "report",
)  # fmt: skip
PIPELINE = "pipeline"
HAND_OFFS = {"export-batch": "export_batch", "import-labels": "import_labels"}  # functions of flow/people.py
LIST_PROMPTS = "benchmark-prompts"
WITH_FILE = {
    "export-batch": "one comparison a line", "import-labels": "one answer a line", LIST_PROMPTS: "one prompt a line",
}  # fmt: skip
EPILOG = """\
settings: conf/base.yaml explains every one. --conf takes the name of an overlay that comes with the package (demo,
local, databricks, emr) or a file of your own; later overlays and then key=value words win.

example: synpref pipeline --conf local 'inputs=[{path: pairs.parquet, source: mine}]' run.dir=runs/mine

exit code: 0 done, 2 wrong input or settings, 3 a quality gate failed, 1 anything else."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one stage, or all; returns the exit code."""
    asked = _parsed(words)
    try:
        if asked.stage in HAND_OFFS:
            hand_off(asked.stage, asked.file, asked.conf, asked.settings)
        elif asked.stage == LIST_PROMPTS:
            list_prompts(asked.file, asked.conf, asked.settings)
        else:
            run(asked.stage, asked.conf, asked.settings)
    except SynprefError as error:
        sys.stderr.write(f"synpref {asked.stage}: {masked_text(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"synpref {asked.stage}: interrupted; what was committed stays, run it again to go on\n")
        return 1
    except Exception as error:  # the last line of defence: a bug or a broken cluster, with its trace for a report
        if "No space left on device" in str(error):  # in whose words ever: Spark's, Python's, SQLite's
            told = "a disk is full; make room in run.dir and where temporary files lie, then run it again"
            sys.stderr.write(f"synpref {asked.stage}: {told}. What was committed stays.\n")
            return 1
        told = f"{traceback.format_exc()}synpref {asked.stage}: {type(error).__name__}: {error}\n"
        sys.stderr.write(masked_text(told))  # libraries name the address that they could not reach
        return 1
    return 0


def submit(stage: str) -> NoReturn:
    """Entry of jobs/<stage>.py: the words of the command line after the script's name are the stage's.

    A script's folder leads Python's path, where jobs/evaluate.py would hide a package of that name: it is taken off.
    """
    folder = str(Path(sys.argv[0]).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if str(Path(entry).resolve()) != folder]
    sys.exit(main([stage, *sys.argv[1:]]))


def run(name: str, overlays: Sequence[str], words: Sequence[str]) -> None:
    """Run a stage or the pipeline with these settings in the session at hand, or a laptop session of its own."""
    settings = load_settings(overlays, words)
    check_inputs(settings, name)
    from synpref import resume, session  # Spark, MLflow and torch load only once the settings are known to be good

    jobs = {each: job(each) for each in (STAGES if name == PIPELINE else (name,))}
    if name == PIPELINE:
        preload()
    with session.opened(settings, name, uuid.uuid4().hex[:12]) as stage:
        if name != PIPELINE:
            session.run_job(stage, jobs[name])
            return
        stands: Mapping[str, Any] = {}
        for position, each in enumerate(STAGES, start=1):
            one = session.part(stage, each)
            one.say(f"stage {position} of {len(STAGES)}")
            if each in stands:
                session.pass_over(one, stands[each])
                continue
            session.run_job(one, jobs[each])
            if position == 1:  # ingest has found out which files the inputs are: now it is known what was done on them
                stands = resume.standing(one, STAGES[1:-1], one.conditions)


def hand_off(name: str, file: Path, overlays: Sequence[str], words: Sequence[str]) -> None:
    """Write a batch for people, or read their answers, with these settings; neither is a stage that leaves a record."""
    settings = load_settings(overlays, words)
    check_inputs(settings, name)
    from synpref import session

    command: Callable[..., None] = getattr(importlib.import_module("synpref.flow.people"), HAND_OFFS[name])
    with session.opened(settings, name, uuid.uuid4().hex[:12]) as stage:
        command(stage, file)


def list_prompts(file: Path, overlays: Sequence[str], words: Sequence[str]) -> None:
    """Write the prompts of the benchmarks that these settings name to a file; no session is opened for it."""
    settings = load_settings(overlays, words)
    from synpref.flow.benchmark_prompts import write_benchmark_prompts

    write_benchmark_prompts(settings, file)


def job(name: str) -> Callable[..., Any]:
    """The `run` of jobs/<name>.py."""
    found: Callable[..., Any] = importlib.import_module(f"synpref.jobs.{name}").run
    return found


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """Settings may stand before and behind --conf; argparse by itself takes words without a dash in one place only."""
    parser = _parser()
    asked, more = parser.parse_known_args(words)
    unknown = [word for word in more if word.startswith("-")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    asked.settings += more
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="synpref",
        description="Curate preference pairs and train reward models on what is kept.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"synpref {__version__}")
    stages = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    for name, summary in SUMMARIES.items():
        stage = stages.add_parser(
            name, help=summary, description=summary, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name in WITH_FILE:
            stage.add_argument("file", type=Path, metavar="FILE.jsonl", help=WITH_FILE[name])
        stage.add_argument(
            "--conf", action="append", default=[], metavar="NAME|FILE", help="settings over conf/base.yaml; may repeat"
        )
        stage.add_argument(
            "settings", nargs="*", metavar="key=value", help="single settings, for example stage1.k_max=4"
        )
    return parser


SUMMARIES = {
    PIPELINE: "All stages in order; what is done already is not done again, and a stage that stands is passed over.",
    "ingest": "Read preference files of any known shape into tables; what cannot be read goes to quarantine.",
    "hygiene": "Merge duplicates, refuse prompts of benchmarks, settle one source label for each comparison.",
    "attributes": "Describe each comparison of the Stage 1 pool: task, objectivity, controversy, criteria.",
    "embed": "Embed conversation and attributes of the Stage 1 pool, for retrieval.",
    "stage1": "Human and judge labels in a loop: gold, silver, and the reward models trained on them.",
    "score": "Score every response of the wild pool with the gold and the best reward model.",
    "stage2": "Keep, flip or drop each pair by two reward models that must agree; publish the curated table.",
    "train": "Train reward models: on a campaign's original, filtered and corrected labels, or on pairs of your own.",
    "evaluate": "Measure reward models and judges on test prompts and benchmarks, with intervals.",
    "report": "Write summary.json and report.html of the campaign, and print the summary.",
    "export-batch": "Write the comparisons that people should label next to a file, without their source labels.",
    LIST_PROMPTS: "Write the prompts of evaluate.benchmarks to a list that hygiene and training keep out of the data.",
    "import-labels": "Check the answers that people wrote into such a file and insert them into human_labels.",
}


if __name__ == "__main__":
    sys.exit(main())
