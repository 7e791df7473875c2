"""vLLM's own server in a process group of its own on loopback: started, waited for and ended by its process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Gigabytes of keys and values; threads that other work on this machine may push aside; nothing asked of a network;
# nothing compiled, which takes longer than all that is asked here.
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "TORCH_COMPILE_DISABLE": "1",
}
SECONDS_TO_START = 800.0  # an idle machine of two cores takes one
SECONDS_TO_END = 30.0


@contextmanager
def vllm_server(model: Path, log: Path, *words: str, key: str) -> Iterator[str]:
    """Serve a model folder; yields the server's root address. key: what requests must bear. Raises where it dies."""
    port = _free_port()
    # The command `vllm serve` asks for the version of a distribution `vllm`, which vllm-cpu is not.
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--host", "127.0.0.1",
        "--port", str(port), "--enforce-eager", "--max-num-seqs", "8", *words,
    ]  # fmt: skip
    environment = {**os.environ, **ENVIRONMENT, "VLLM_API_KEY": key}
    environment.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)  # set by an engine that this process imported
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if _answers(address):
                return
            continue
        break
    raise RuntimeError(f"the vLLM server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=SECONDS_TO_END)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
