"""Frames that several stages read."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.stage import Stage
from synpref.stage1.items import merged_attributes, with_attributes, with_content
from synpref.stage1.roles import pool_side
from synpref.stage1.sampling import outside_tests
from synpref.stage1.texts import serialised, text_vectors


def source_labels(stage: Stage, campaign: str) -> DataFrame:
    """The campaign's source labels."""
    return stage.warehouse.read("source_labels").where(F.col("campaign") == campaign)


def in_pool(stage: Stage) -> Column:
    """Whether a comparison belongs to the Stage 1 pool."""
    return pool_side(stage.settings.seed, stage.settings.stage1.pool_sources, stage.settings.stage1.pool_share)


def askable(stage: Stage, campaign: str) -> DataFrame:
    """Source labels of what people can be asked about in iteration 0: the Stage 1 pool, without groups of tests."""
    return outside_tests(source_labels(stage, campaign)).where(in_pool(stage))


def stage1_items(stage: Stage, campaign: str) -> DataFrame:
    """comparison_id, group, prompt_id, messages, text_a, text_b of the Stage 1 pool."""
    wanted = source_labels(stage, campaign).where("use = 'pool'").where(in_pool(stage)).select("comparison_id", "group")
    return content_of(stage, wanted)


def content_of(stage: Stage, wanted: DataFrame) -> DataFrame:
    """Adds conversation and texts to comparisons."""
    read = stage.warehouse.read
    return with_content(wanted, read("comparisons"), read("prompts"), read("responses"))


def described_items(stage: Stage, items: DataFrame, engine_ids: list[str]) -> DataFrame:
    """Adds merged attributes, by the engines of the attributes stage in their order."""
    merged = merged_attributes(stage.warehouse.read("attributes"), engine_ids) if engine_ids else None
    return with_attributes(items, merged)


def embedded_items(stage: Stage, campaign: str) -> DataFrame:
    """Items of the Stage 1 pool with attributes and vector, as the stages attributes and embed left them."""
    engines = stage.left_by("attributes", campaign)["engines"]
    embedder = stage.left_by("embed", campaign)["engine_id"]
    return with_vectors(stage, described_items(stage, stage1_items(stage, campaign), engines), embedder)


def with_vectors(stage: Stage, items: DataFrame, embedder: str) -> DataFrame:
    """Adds `vector`; items that were not embedded are left out."""
    vectors = text_vectors(serialised(items), stage.warehouse.read("embeddings"), embedder)
    return items.join(vectors, "comparison_id")  # large with large, on the key of both
