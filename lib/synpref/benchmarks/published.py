"""Published scores of the paper's table, in percent (paper.md §5.2), to stand beside ours."""

from __future__ import annotations

from collections.abc import Mapping

# Columns of the paper's table by the suite's names; the last column is their plain mean.
COLUMNS: Mapping[str, str] = {
    "reward_bench": "RB", "reward_bench_2": "RB2", "ppe_preference": "PPE-P", "ppe_correctness": "PPE-C", "rmb": "RMB",
    "rm_bench": "RM-B", "judge_bench": "JB",
}  # fmt: skip
AVERAGE = "avg"

PUBLISHED: Mapping[str, tuple[float | None, ...]] = {
    "V2-Qwen3-0.6B": (85.2, 61.3, 65.3, 68.3, 74.5, 74.4, 67.6, 70.9),
    "V2-Qwen3-1.7B": (90.3, 68.3, 67.6, 70.5, 78.1, 78.7, 72.9, 75.2),
    "V2-Qwen3-4B": (93.4, 75.5, 69.5, 74.7, 80.6, 81.6, 69.5, 77.8),  # JB: 69.3 on the model's card
    "V2-Qwen3-8B": (93.7, 78.2, 70.6, 75.1, 81.2, 82.6, 73.4, 79.3),
    "V2-Llama-3.2-1B": (89.9, 64.3, 66.6, 67.4, 76.7, 76.3, 65.0, 72.3),
    "V2-Llama-3.2-3B": (93.0, 74.7, 69.1, 72.1, 80.5, 81.1, 69.2, 77.1),
    "V2-Llama-3.1-8B": (96.4, 84.1, 77.3, 83.4, 86.4, 92.8, 80.0, 85.8),
    "V2-Llama-3.1-8B-40M": (97.8, 86.5, 79.8, 87.2, 89.3, 96.0, 83.4, 88.6),
    "OffsetBias-RM-8B": (89.0, 64.8, 59.2, 64.1, 57.8, 71.3, 63.5, 67.1),
    "ArmoRM-8B": (90.4, 66.5, 60.6, 60.6, 64.6, 69.2, 59.7, 67.4),
    "InternLM2-20B": (90.2, 56.3, 61.0, 63.0, 62.9, 72.1, 64.3, 67.1),
    "Skywork-v0.2-8B": (93.1, 71.8, 62.2, 62.5, 66.6, 64.7, 62.9, 69.1),
    "Skywork-v0.2-27B": (94.3, 75.3, 63.6, 61.9, 69.4, 67.6, 66.5, 71.2),
    "LDL-27B": (95.0, 72.5, 62.4, 63.9, 67.9, 71.0, 64.2, 71.0),
    "Nemotron-70B": (93.9, 76.7, 64.2, 63.2, 64.9, 72.2, 65.8, 71.6),
    "INF-ORM-70B": (95.1, 76.5, 64.2, 64.4, 70.5, 75.4, 70.2, 73.8),
    "GPT-4o judge": (86.7, 64.9, 67.7, 67.1, 73.8, 73.1, 59.8, 70.4),
    "Claude-3.5-Sonnet judge": (84.2, 64.7, 67.3, 69.2, 70.6, 74.5, 64.8, 70.8),
    "DeepSeek-GRM-27B": (88.5, None, 65.3, 60.4, 69.0, None, None, None),
    "DeepSeek-GRM-27B +MetaRM": (90.4, None, 67.2, 63.2, 70.3, None, None, None),
    "RM-R1-Qwen-32B": (92.9, None, None, None, 73.0, 79.1, None, None),
    "RM-R1-DS-Qwen-32B": (90.9, None, None, None, 69.8, 83.9, None, None),
    "J1-Llama-8B": (85.7, None, 60.3, 59.2, None, 73.4, 42.0, None),
    "J1-Llama-70B": (93.3, None, 66.3, 72.9, None, 82.7, 60.0, None),
    "annotator LLMs, ensembled": (93.9, 83.2, 75.7, 89.6, 82.6, 89.0, 87.8, 86.0),
}
