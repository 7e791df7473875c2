"""Turn the GGUF file of SmolLM2-135M-Instruct into a folder that every engine reads: weights, tokenizer, template."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(source: Path, target: Path) -> None:
    """Write the model of the one .gguf file under `source` to the folder `target`, in bfloat16 as it was trained."""
    (gguf,) = source.rglob("*.gguf")
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # transformers refuses to save a model that it read from GGUF, so its weights move into a fresh one.
    del model.config.quantization_config
    plain = type(model)(model.config)
    plain.load_state_dict(model.state_dict())
    plain.bfloat16().save_pretrained(target)
    (target / "model.safetensors").chmod(0o644)  # written for its owner alone; the workers of a cluster read it too
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
