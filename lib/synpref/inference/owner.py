"""With which process an engine ends: the executor of this task."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import astuple
from typing import TYPE_CHECKING

from synpref.engines.processes import Process, facts_of
from synpref.engines.tenancy import Tenant
from synpref.errors import InputError

if TYPE_CHECKING:
    from synpref.inference.spec import EngineSpec


def tenant_of(spec: EngineSpec) -> Tenant:
    """How the process of this spec's engine is found, by every worker of this executor. Raises as owner."""
    facts = json.dumps(astuple(spec.having(process=False)))
    return Tenant(owner(), spec.text("gpu"), hashlib.sha256(facts.encode()).hexdigest()[:16])


def owner() -> Process:
    """In a Spark task the executor's virtual machine, or what started Python for it; elsewhere this process.

    Spark ends Python workers that were idle for a minute, and any when it likes; it ends the executor with its work.
    Raises InputError where there is no /proc to find it in.
    """
    from pyspark import TaskContext

    try:
        pid = os.getpid() if TaskContext.get() is None else _not_python(os.getppid())
        return Process.of(pid)
    except OSError as error:
        raise InputError(f"an engine in a process of its own needs Linux and its /proc: {error}") from error


def _not_python(pid: int) -> int:
    """The process, or the first above it that runs something else: workers are forked by a daemon in Python."""
    while (facts := facts_of(pid)).name.startswith("python"):
        pid = facts.parent
    return pid
