"""The main job: every stage in order, resumable.

Each stage leaves its answers in tables and asks nothing twice, so running this again goes on where it was stopped.
"""

from __future__ import annotations

from synpref.cli import submit

if __name__ == "__main__":
    submit("pipeline")
