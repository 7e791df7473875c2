"""What `synpref train` tells at its end, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from synpref.analysis.validation import ValidationFigures
from synpref.masking import masked_text
from synpref.report.console import printable
from synpref.report.figures_text import count, interval, percent
from synpref.reward.model_folder import TrainedModel


def training_text(
    model: TrainedModel,
    figures: ValidationFigures | None,
    sizes: Mapping[str, int],
    groups: Mapping[str, int],
    where: Mapping[str, str],
    address: str | None,
) -> str:
    """Model folder, accuracy with its interval beside length alone, and where to look.

    sizes, groups: by side (train, validation). where: tracking address and run id of MLflow. address: what loads the
    model from the registry.
    """
    lines = [f"Reward model {printable(model.name)}" + (" (stood already)" if model.reused else "")]
    lines.append(f"  trained on    {count(sizes['train'])} comparisons of {count(groups['train'])} groups")
    cut = model.rows["responses_truncated"]
    if cut:
        of = f"{count(cut)} of {count(model.rows['responses'])} responses lost the beginning of their conversation"
        lines.append(f"  cut           {of}: above train.max_tokens")
    if figures is not None:
        lines += _measured(figures, groups["validation"])
    lines += [f"  folder        {model.path}", f"  MLflow        run {where['run']} at {masked_text(where['address'])}"]
    if address is not None:
        lines.append(f"  registry      {address}")
    lines.append("  its README.md says how to load it, and what it was measured on")
    return "\n".join(lines) + "\n"


def _measured(figures: ValidationFigures, groups: int) -> list[str]:
    accuracy, calibration = figures.accuracy, figures.calibration
    held_out = f"{count(figures.rows)} held-out comparisons, {interval(accuracy.as_dict())} over {count(groups)} groups"
    lines = [
        f"  right on      {percent(accuracy.estimate)} of {held_out}",
        f"  beside        {percent(figures.length.estimate)} for the longer text",
        f"  calibration   error {percent(calibration.error)}, loss {calibration.loss:.3f} (chance 0.693)",
    ]
    if figures.unscored:
        lines.append(f"  left out      {count(figures.unscored)} comparisons with a response that was refused")
    for what, accuracies in (("by source", figures.by_source), ("by category", figures.by_category)):
        if len(accuracies) > 1:
            told = ", ".join(f"{printable(name)} {percent(one.accuracy)}" for name, one in accuracies.items())
            lines.append(f"  {what:<13} {told}")
    return lines
