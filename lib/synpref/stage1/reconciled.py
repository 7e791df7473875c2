"""Stage 1 leaves no comparison behind: whatever hygiene let through has a role at its end."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import SynprefError


def reconciled_roles(roles: DataFrame, source_labels: DataFrame) -> dict[str, int]:
    """Comparisons by role, in one Spark job. Raises SynprefError as `role_totals`.

    roles: the current ones (comparison_id, role). source_labels: the campaign's (comparison_id).
    """
    labelled = source_labels.select("comparison_id", F.lit(True).alias("labelled"))
    # both are as large as the pool, joined on the key; what is counted is one row a role, twice at most
    joined = roles.select("comparison_id", "role").join(labelled, "comparison_id", "full")
    counts = joined.groupBy("role", F.coalesce("labelled", F.lit(False)).alias("labelled")).count()
    return role_totals((row["role"], row["labelled"], row["count"]) for row in counts.collect())


def role_totals(counts: Iterable[tuple[str | None, bool, int]]) -> dict[str, int]:
    """Comparisons by role from (role or None, whether it has a source label, comparisons).

    Raises SynprefError where a comparison has no role, has one without a source label, or was left in the pool.
    """
    known = list(counts)
    without = sum(count for role, _, count in known if role is None)
    unlabelled = sum(count for _, labelled, count in known if not labelled)
    left = sum(count for role, _, count in known if role == "stage1_pool")
    if without or unlabelled or left:
        raise SynprefError(
            f"stage1 does not reconcile with source_labels: {without} comparisons have no role, {unlabelled} have a "
            f"role but no source label, {left} are left as stage1_pool; run `synpref stage1` again, and if that does "
            "not help, please report it"
        )
    return {role: count for role, _, count in known if role is not None}
