"""The part of a model's card that says how to load it: through transformers, vLLM and SGLang."""

from __future__ import annotations

from pathlib import Path

_LOADED = """\
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "."  # this folder
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
messages = [{"role": "user", "content": "Name a prime number."}]
answer = "7"
"""
_CHAT = """\
turns = [*messages, {"role": "assistant", "content": answer}]
text = tokenizer.apply_chat_template(turns, tokenize=False, date_string="26 Jul 2024", enable_thinking=False)
"""
_NO_SYSTEM = """\
text = text.replace(__SYSTEM__, "", 1)  # the template's own system prompt: the model was trained without
"""
_CHAT_IDS = """\
inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt")
"""
_PAIR = """\
alone = len(messages) == 1 and messages[0]["role"] == "user"
talk = messages[0]["content"] if alone else "\\n".join(f"{turn['role']}: {turn['content']}" for turn in messages)
inputs = tokenizer(talk, answer, return_tensors="pt")
"""
_REWARD = """\
with torch.inference_mode():
    reward = model(**inputs).logits[0, 0].item()
print(reward)
"""


def usage(folder: Path, max_tokens: int) -> str:
    """Markdown whose first Python block computes a reward in that folder without synpref."""
    from synpref.engines.chat_template import ChatTemplate
    from synpref.reward.backbones import load_tokenizer  # transformers: only where a card is written

    tokenizer = load_tokenizer(folder)
    chat = bool(tokenizer.chat_template)
    asked = _PAIR
    if chat:
        system = ChatTemplate.of(tokenizer).default_system
        asked = _CHAT + (_NO_SYSTEM.replace("__SYSTEM__", repr(system)) if system else "") + _CHAT_IDS
    parts = [
        f"## Use\n\n```python\n{_LOADED}{asked}{_REWARD}```",
        f"It was trained on at most {max_tokens} tokens of conversation and answer; a longer one lost its beginning.",
    ]
    if chat:
        parts.append(_SERVED)
    return "\n\n".join(parts)


_SERVED = """\
With vLLM (`inputs` as above; without `use_activation: false` it gives a probability instead of the logit):

```
vllm serve . --runner pooling
curl localhost:8000/classify -H 'Content-Type: application/json' \\
  -d '{"model": ".", "input": [1, 2, 3], "add_special_tokens": false, "use_activation": false}'
```

With SGLang:

```
python -m sglang.launch_server --model-path . --is-embedding
curl localhost:30000/classify -H 'Content-Type: application/json' -d '{"model": ".", "input_ids": [1, 2, 3]}'
```

`[1, 2, 3]` stands for `inputs["input_ids"][0].tolist()`. Both answer one number a row."""
