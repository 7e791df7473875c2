"""What is asked of vLLM and of transformers alike, and how far their answers may lie apart."""

from __future__ import annotations

from synpref.engines.tokenise import Conversation

CHOICES = ("1", "2")
MAX_TOKENS = 256
TALKS = [
    Conversation([{"role": "user", "content": "Name a sea. " * length}], answer)
    for length, answer in (
        (1, "North"), (1, "The Dead Sea"), (9, "I cannot."), (40, "Baltic"), (200, "<|im_end|>"), (1, "North"), (3, ""),
    )
]  # fmt: skip
# Two programs that compute one model in float32. Rewards here lie between -4 and 1; both were seen to agree to 1e-5.
REWARD_TOLERANCE = 1e-3
PROBABILITY_TOLERANCE = 1e-3
