"""Write the comparisons that people should label next to a file of the driver."""

from __future__ import annotations

from synpref.cli import submit

if __name__ == "__main__":
    submit("export-batch")
