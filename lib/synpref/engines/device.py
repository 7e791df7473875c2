"""The device at hand, and the number format that it computes fastest in."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_LOG = logging.getLogger(__name__)
_FEATURES = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8", "asimd", "sve", "bf16",
)  # fmt: skip
_MARGIN = 1.2  # a smaller gain could be noise, and would not pay for fewer digits
_ROUNDS = 5
_SECONDS = 0.3  # for all rounds together; slow half precision ends after the first round


@dataclass(frozen=True)
class DeviceFacts:
    """name: of the processor or GPU; features: instruction sets that matter to matrix products; device: cpu or cuda."""

    name: str
    features: tuple[str, ...]
    device: str


@dataclass(frozen=True)
class DtypeChoice:
    """dtype: float32, bfloat16 or float16; ratio: measured speed of `candidate` over float32."""

    dtype: str
    candidate: str
    ratio: float


def default_device() -> str:
    """`cuda` where a GPU is usable, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_facts() -> DeviceFacts:
    """Describe the default device."""
    import torch

    if default_device() == "cuda":
        major, minor = torch.cuda.get_device_capability()
        return DeviceFacts(torch.cuda.get_device_name(), (f"compute_{major}.{minor}",), "cuda")
    name, flags = parse_cpuinfo(_read(Path("/proc/cpuinfo")))
    return DeviceFacts(name, tuple(feature for feature in _FEATURES if feature in flags), "cpu")


def parse_cpuinfo(text: str) -> tuple[str, frozenset[str]]:
    """Name and flags of the first processor in Linux's cpuinfo; ("unknown processor", none) where it says neither."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name") or fields.get("Model") or fields.get("CPU part") or "unknown processor"
    return name, frozenset(fields.get("flags", fields.get("Features", "")).split())


def choose_dtype(device: str | None = None) -> DtypeChoice:
    """Measure half precision against float32 on this device in under a second, and choose.

    bfloat16, whose range is float32's; float16 on a GPU that has no bfloat16. float32 stays unless half precision is at
    least 1.2 x as fast. The measured ratio is logged.
    """
    import torch

    device = device or default_device()
    old_gpu = device.startswith("cuda") and not torch.cuda.is_bf16_supported(including_emulation=False)
    half = torch.float16 if old_gpu else torch.bfloat16
    candidate = str(half).removeprefix("torch.")
    ratio = speed_ratio(_layer(device, torch.float32), _layer(device, half), _SECONDS)
    choice = DtypeChoice(decide_dtype(candidate, ratio), candidate, ratio)
    _LOG.info("%s: %s computes %.2f x as fast as float32; using %s", device, candidate, ratio, choice.dtype)
    return choice


def speed_ratio(plain: Callable[[], None], other: Callable[[], None], seconds: float) -> float:
    """How many times as fast `other` is as `plain`, both warm; the rounds end after about so many seconds.

    The two take turns, so that a busy moment hits both, and the best time of each counts.
    """
    best = [float("inf"), float("inf")]
    until = time.perf_counter() + seconds
    for _ in range(_ROUNDS):
        best = [min(before, _timed(run)) for before, run in zip(best, (plain, other), strict=True)]
        if time.perf_counter() > until:
            break
    return best[0] / best[1]


def decide_dtype(candidate: str, ratio: float) -> str:
    """The candidate where it is at least 1.2 x as fast as float32, else float32."""
    return candidate if ratio >= _MARGIN else "float32"


def _layer(device: str, dtype: torch.dtype) -> Callable[[], None]:
    """One encoder layer and one matrix product, about the size of a small batch; warmed up."""
    import torch

    width, rows = (1024, 64) if device.startswith("cuda") else (384, 4)
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(width, width // 32, 4 * width, dropout=0.0, batch_first=True)
    layer = layer.to(device=device, dtype=dtype).eval()
    batch = torch.randn(rows, 64, width, generator=generator).to(device=device, dtype=dtype)

    def run() -> None:
        with torch.inference_mode():
            out = layer(batch)
            torch.matmul(out, out.transpose(1, 2))
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    run()
    return run


def _timed(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # not Linux: the processor stays unnamed


if __name__ == "__main__":
    sys.stdout.write(f"\n{choose_dtype(*sys.argv[1:2]).dtype}\n")
