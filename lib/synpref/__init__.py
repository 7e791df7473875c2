"""Curation of preference pairs on Spark: the SynPref-40M / Skywork-Reward-V2 recipe over Delta tables."""

from __future__ import annotations

__version__ = "0.1.0"
