"""How long the demo will take on this machine, told before it starts where that is longer than planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from synpref.engines.device import default_device
from synpref.engines.model_folder import check_model_folder, loading

# The demo is planned for ten minutes on a machine that embeds this many short texts a second with MiniLM.
PLANNED_TEXTS_PER_SECOND = 70.0
PLANNED_MINUTES = 10.0
_TEXT = "A short question about a planet, and the number of its moons, asked for the {}th time."
_BATCH = 32
_SECONDS = 1.0


def forward_pass(model_path: str) -> Callable[[Sequence[str]], object]:
    """A pass of an embedder's network over texts, without the library around it, which the driver never needs.

    Raises InputError where the folder cannot be used.
    """
    import torch  # what loads it is known to need it
    from transformers import AutoModel, AutoTokenizer

    folder = check_model_folder(model_path)
    safe = {"local_files_only": True, "trust_remote_code": False}
    with loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        model = AutoModel.from_pretrained(folder, use_safetensors=True, **safe).eval().to(default_device())

    def embed(texts: Sequence[str]) -> object:
        with torch.inference_mode():
            return model(**tokenizer(list(texts), return_tensors="pt", padding=True).to(model.device))

    return embed


def texts_per_second(embed: Callable[[Sequence[str]], object]) -> float:
    """Short texts a second, measured for about one second after a first batch that warms up."""
    embed([_TEXT.format(number) for number in range(_BATCH)])
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < _SECONDS:
        embed([_TEXT.format(_BATCH + done + number) for number in range(_BATCH)])  # equal texts would count once
        done += _BATCH
    return done / (time.perf_counter() - start)


def warning(rate: float) -> str | None:
    """One line with the expected minutes where the machine is slower than planned, else None. rate: texts a second."""
    if rate >= PLANNED_TEXTS_PER_SECOND:
        return None
    minutes = PLANNED_MINUTES * PLANNED_TEXTS_PER_SECOND / rate
    return (
        f"this machine embeds {rate:.0f} short texts a second, the demo is planned for "
        f"{PLANNED_TEXTS_PER_SECOND:.0f}: expect about {minutes:.0f} minutes instead of {PLANNED_MINUTES:.0f}"
    )
