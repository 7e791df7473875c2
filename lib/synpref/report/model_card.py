"""The card of a trained reward model: README.md of its folder, as public model hubs show it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synpref.report.card_usage import usage
from synpref.report.figures_text import count, interval, percent
from synpref.reward.model_folder import TrainedModel

_LICENCE = re.compile(r"\A---\n(?:.*\n)*?license:\s*([\w.-]+)")
ABOUT = """\
A Bradley-Terry reward model: it gives a conversation and one answer a single logit, and of two answers the one with the
higher logit is the better. Trained with synpref by the Skywork-Reward-V2 recipe (arXiv 2507.01352), without a system
prompt."""
LIMITS = """\
* It ranks two responses to one prompt. A reward by itself, or against another prompt's, means nothing.
* The figures above hold for data like those they were measured on; not for other prompts or languages.
* Length, style and confident wording can win against what is right. Try such pairs before you optimise against it.
* It learned whatever its labels prefer, mistakes and prejudices included."""


@dataclass(frozen=True)
class DataFacts:
    """data: what was read, and its digest or version, by name. sizes, groups: by side (train, validation); a campaign
    does not count the groups it trains on.

    refused: rows by reason code. decontaminated: names of the lists of benchmark prompts. backbone: its folder.
    """

    data: Mapping[str, str]
    sizes: Mapping[str, int]
    groups: Mapping[str, int]
    refused: Mapping[str, int]
    duplicates: int
    decontaminated: Sequence[str]
    backbone: str


def model_card(model: TrainedModel, figures: Mapping[str, Any] | None, facts: DataFacts, code: str) -> str:
    """The card as Markdown with its YAML head. figures: of analysis.validation as plain values; None: not measured.

    code: commit or version that trained it. Names of files and sources are escaped.
    """
    parts = [
        _head(facts.backbone),
        f"# {_plain(model.name)}",
        ABOUT,
        f"## Data\n\n{_data(model, facts)}",
        f"## Recipe\n\n{_recipe(model, facts, code)}",
        *_trouble(model),
        f"## Measured\n\n{_measured(model, figures, facts)}",
        f"## Limits\n\n{LIMITS}",
        f"## Licence\n\n{_licence(facts)}",
        usage(model.path, model.plan.max_tokens),
    ]
    return "\n\n".join(parts) + "\n"


def backbone_licence(folder: Path) -> str | None:
    """The licence that the head of a backbone's README.md names; None where it names none."""
    try:
        found = _LICENCE.match((folder / "README.md").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return found.group(1) if found else None


def _head(backbone: str) -> str:
    licence = backbone_licence(Path(backbone))
    lines = ["library_name: transformers", "pipeline_tag: text-classification", "tags: [reward-model, preference]"]
    lines += [f"base_model: {json.dumps(Path(backbone).name)}"] + ([f"license: {licence}"] if licence else [])
    return "\n".join(["---", *lines, "---"])


def _data(model: TrainedModel, facts: DataFacts) -> str:
    rows = [("read", "digest or version"), *facts.data.items()]
    refused = ", ".join(f"{_plain(reason)} {count(rows)}" for reason, rows in facts.refused.items()) or "none"
    checked = ", ".join(map(_plain, facts.decontaminated)) or "no benchmark: a prompt of one may stand in the data"
    groups = f" of {count(facts.groups['train'])} groups" if "train" in facts.groups else ""
    return (
        f"{_table(rows)}\n\n{count(facts.sizes['train'])} comparisons{groups} after {count(facts.duplicates)} "
        f"duplicates were merged. Refused: {refused}.{_left_out(model)} Decontaminated against {checked}. "
        f"{_cut(model, '')}"
    )


def _left_out(model: TrainedModel) -> str:
    """A sentence, where the trainer left comparisons out."""
    left_out = model.rows.get("comparisons_refused", 0)
    if not left_out:
        return ""
    return (
        f" Of the comparisons {count(left_out)} were not trained on: a response is above "
        f"{count(model.plan.max_tokens)} tokens, or the chat template refuses the roles of the conversation."
    )


def _cut(model: TrainedModel, side: str) -> str:
    """side: prefix of the counts, nothing or validation_."""
    cut, of = model.rows[f"{side}responses_truncated"], model.rows[f"{side}responses"]
    return (
        f"Of {count(of)} responses {count(cut)} lost the beginning of their conversation, being above "
        f"{count(model.plan.max_tokens)} tokens with it."
    )


def _recipe(model: TrainedModel, facts: DataFacts, code: str) -> str:
    plan = {name: value for name, value in dataclasses.asdict(model.plan).items() if value is not None}
    rows = [("setting", "value"), ("backbone", Path(facts.backbone).name), *((key, str(plan[key])) for key in plan)]
    rows += [("best step", str(model.best_step)), ("model id", model.model_id), ("code", code)]
    return _table(rows)


def _trouble(model: TrainedModel) -> list[str]:
    """A section, where its training showed signs of trouble."""
    signs = "\n".join(f"* {_plain(sign)}" for sign in model.warnings)
    return [f"## Signs of trouble\n\nSeen during the training:\n\n{signs}"] if signs else []


def _measured(model: TrainedModel, figures: Mapping[str, Any] | None, facts: DataFacts) -> str:
    if figures is None:
        return "Not measured: no comparisons were held out."
    rows = [("held-out comparisons", "rows", "right", "95 % interval over groups")]
    rows.append(
        ("all", count(figures["rows"]), percent(figures["accuracy"]["estimate"]), interval(figures["accuracy"]))
    )
    for what in ("source", "category"):
        for name, one in figures[f"by_{what}"].items():
            rows.append((f"{what} {name}", count(one["rows"]), percent(one["accuracy"]), ""))
    length = figures["length"]
    rows.append(("preferring the longer answer", count(figures["rows"]), percent(length["estimate"]), interval(length)))
    calibration = figures["calibration"]
    return (
        f"{_table(rows)}\n\nThe {count(facts.groups['validation'])} groups are whole, none was trained on; the "
        "checkpoint was chosen on these comparisons, so the figure is a little too good. Chance is 50 %. Calibration "
        f"error of p = sigmoid(margin): {percent(calibration['error'])}; loss {calibration['loss']:.3f} (chance 0.693)."
        f" {_cut(model, 'validation_')}"
    )


def _licence(facts: DataFacts) -> str:
    named = backbone_licence(Path(facts.backbone))
    base = f"`{Path(facts.backbone).name}`" + (f" ({named})" if named else "")
    return (
        f"These weights derive from the backbone {base} and from the data named above: the terms of both apply. "
        "Check that they permit what you plan before you publish or sell."
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _plain(text: str) -> str:
    """Text that neither ends a cell or line nor becomes a tag or link."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"([\\|<>\[\]`*])", r"\\\1", line)
