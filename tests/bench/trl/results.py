"""Results of trainings as JSON lines, so that a comparison that was killed goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Run = dict[str, Any]
Result = dict[str, Any]


class Results:
    """What stands in a file of JSON lines, each {"run": all that decides a training, "found": …, "by": …}."""

    def __init__(self, file: Path | None) -> None:
        """file: it may be absent yet; None: nothing is kept.

        A last line that a kill left half is taken out of the file. Raises SystemExit where another is no such line.
        """
        self._file = file
        self._known: dict[str, Result] = {}
        if file is None or not file.exists():
            return
        text = file.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            file.write_text(whole, encoding="utf-8")
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                held = json.loads(line)
                self._known[_key(held["run"])] = held["found"]
            except (ValueError, KeyError, TypeError) as error:
                raise SystemExit(f"{file}, line {number}: no result ({error}); mend it, or name another file") from None

    def known(self, run: Run) -> Result | None:
        """What was found for exactly this run; None where it is still to be done."""
        return self._known.get(_key(run))

    def add(self, run: Run, found: Result, by: str) -> None:
        """Keep a result. by: the version of the code, for people."""
        self._known[_key(run)] = found
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"run": run, "found": found, "by": by}) + "\n")


def _key(run: Run) -> str:
    return json.dumps(run, sort_keys=True)
