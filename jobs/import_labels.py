"""Insert the answers that people wrote into a file of the driver."""

from __future__ import annotations

from synpref.cli import submit

if __name__ == "__main__":
    submit("import-labels")
