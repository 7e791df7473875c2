"""Write the prompts of benchmark files to a list that hygiene and training keep out of their data."""

from __future__ import annotations

from synpref.cli import submit

if __name__ == "__main__":
    submit("benchmark-prompts")
