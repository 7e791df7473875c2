from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.project.conftest import Module

# A room may import rooms of a lower tier only: an arrow never points up, nor sideways.
TIERS = (
    ("errors", "masking"),
    ("section", "new_file"),
    ("settings_evaluate", "settings_presets"),
    ("settings_inputs",),
    ("settings_train",),
    ("settings", "code_version", "java", "jvm_output", "memory", "preload"),
    ("config", "spark"),
    ("store", "engines", "pairs"),
    ("inference", "reward", "hygiene", "quality"),
    ("stage1", "stage2", "analysis", "report", "benchmarks", "demo"),
    ("stage",),
    ("flow",),
    ("record",),
    ("resume",),
    ("session",),
    ("cli",),
    ("jobs",),
)
TIER_OF = {room: tier for tier, rooms in enumerate(TIERS) for room in rooms}
DOOR = {
    "settings", "settings_evaluate", "settings_inputs", "settings_presets", "settings_train", "config", "stage",
    "record", "resume", "session", "cli", "flow", "jobs",
}  # fmt: skip
# Rules of the recipe are plain Python: a test calls them with plain values, and so may anybody.
PLAIN = (
    "pairs/identity.py", "pairs/normalise.py", "pairs/roles.py", "pairs/shape_rules.py", "stage1/admission.py",
    "stage1/hold_out.py", "stage1/retrieval_count.py",
)  # fmt: skip
TWINNED = ("reward/preference.py", "stage1/vote.py", "stage2/gate.py")  # with a Spark Column twin beside the rule
# "Truth is far from the job": who answers for simulated people, judges and attributes, and what measures at the end.
MAY_READ_TRUTH = {f"lib/synpref/flow/{name}.py" for name in ("answers", "measure", "final_models")}
NAME_TRUTH = {
    "lib/synpref/store/contracts/content.py",  # defines the table
    "lib/synpref/config.py",  # the setting of the same name
    "jobs/ingest.py", "jobs/hygiene.py",  # write it
    "lib/synpref/flow/truth.py",  # reads it
}  # fmt: skip
SPARK = {"pyspark", "delta"}
HEAVY = {"torch", "transformers", "sentence_transformers", "pandas", "mlflow"}


def top_packages(module: Module) -> set[str]:
    return {name.split(".")[0] for name in module.imports()}


def strings(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_room_has_its_tier(modules: list[Module]) -> None:
    assert {module.room for module in modules} - set(TIER_OF) - {"__init__"} == set()


def test_imports_run_downwards_only(modules: list[Module]) -> None:
    upwards = [
        f"{module.where} imports {room}"
        for module in modules
        for room in module.rooms_imported()
        if TIER_OF.get(room, -1) >= TIER_OF.get(module.room, -1)
    ]
    assert upwards == []


def test_engines_know_nothing_of_spark(modules: list[Module]) -> None:
    assert [module.where for module in modules if module.room == "engines" and top_packages(module) & SPARK] == []


@pytest.mark.parametrize("path", PLAIN)
def test_a_rule_of_the_recipe_is_plain_python(modules: list[Module], path: str) -> None:
    assert packages_of(modules, path) & (HEAVY | SPARK) == set()


@pytest.mark.parametrize("path", TWINNED)
def test_a_rule_with_a_twin_needs_spark_at_most(modules: list[Module], path: str) -> None:
    assert packages_of(modules, path) & HEAVY == set()


def packages_of(modules: list[Module], path: str) -> set[str]:
    (rule,) = (module for module in modules if module.where == f"lib/synpref/{path}")
    return top_packages(rule)


def test_only_jobs_and_what_they_share_import_the_demo(modules: list[Module]) -> None:
    users = {module.room for module in modules if "demo" in module.rooms_imported()}
    assert users <= {"jobs", "flow"}


def test_settings_stay_at_the_door(modules: list[Module]) -> None:
    # config.conf_file finds a template or a query of conf/; it knows no setting.
    allowed = {"synpref.config", "synpref.config.conf_file"}
    reached = [
        f"{module.where} imports {name}"
        for module in modules
        for name in module.imports()
        if module.room not in DOOR and name.startswith(("synpref.settings", "synpref.config")) and name not in allowed
    ]
    assert reached == []


def test_only_simulators_and_the_measurement_read_the_truth(modules: list[Module]) -> None:
    readers = {module.where for module in modules if "synpref.flow.truth" in set(module.imports())}
    assert readers == MAY_READ_TRUTH


def test_nobody_else_names_its_table_but_those_who_write_it(modules: list[Module]) -> None:
    named = {module.where for module in modules if "truth" in set(strings(module))}
    named |= {module.where for module in modules if any(name.endswith(".TRUTH") for name in module.imports())}
    assert named == NAME_TRUTH


def test_no_sql_file_reads_the_truth(root: Path) -> None:
    queries = {path.name: path.read_text(encoding="utf-8").lower().split() for path in (root / "conf").rglob("*.sql")}
    assert [name for name, words in queries.items() if any("truth" in word for word in words)] == []
