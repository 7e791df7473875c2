"""The bridge: an engine over a DataFrame, exactly once, shard by shard; and the same engines as pandas UDFs."""

from __future__ import annotations
