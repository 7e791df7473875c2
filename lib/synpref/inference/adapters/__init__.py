"""Arrow in, Arrow out: one file a kind of engine."""

from __future__ import annotations
