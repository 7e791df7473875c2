"""House rules over every tracked file. Words that are forbidden are put together here, so that this file holds none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.project.conftest import Module, parse

MOST_LINES = 400
# Every exception to lint or types states its reason beside it. The number may fall; a new one needs a better reason.
MOST_SUPPRESSIONS = 17
SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma|mypy:|ruff:)")
WITH_REASON = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+ - \S|type: ignore\[[a-z, -]+\]\s+# \S|pragma: no cover - \S)")
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "handler", "handlers", "misc"}
UNSAFE_IMPORTS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
HOSTS = [
    ".".join(words)
    for words in (
        ("pypi", "org"), ("pythonhosted", "org"), ("maven", "org"), ("maven", "apache", "org"), ("npmjs", "org"),
        ("pytorch", "org"), ("huggingface", "co"), ("anaconda", "org"),
    )
]  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w.$}/:~-])/(?:home|root|Users|work)/\w{2,}")


@pytest.fixture(scope="session")
def sources(files: list[Path]) -> list[Module]:
    """Every Python file, tests and set-up included."""
    return [parse(path) for path in files if path.suffix == ".py"]


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def untyped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    taken = function.args
    named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    bare = [word for word in named if word and word.annotation is None and word.arg not in {"self", "cls"}]
    return bool(bare) or function.returns is None


def test_no_file_is_longer_than_can_be_read(files: list[Path]) -> None:
    long = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files if path.suffix == ".py"}
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_every_function_is_typed(sources: list[Module]) -> None:
    bare = [
        f"{module.where}:{each.lineno} {each.name}" for module in sources for each in functions(module) if untyped(each)
    ]
    assert bare == []


def test_every_suppression_states_its_reason(files: list[Path]) -> None:
    assert [where for where, line in suppressions(files) if not WITH_REASON.search(line)] == []


def test_suppressions_grow_no_more(files: list[Path]) -> None:
    assert len(list(suppressions(files))) <= MOST_SUPPRESSIONS


def suppressions(files: list[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        if path.suffix != ".py" or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if SUPPRESSION.search(line):
                yield f"{path}:{number}", line


def test_names_say_what_a_thing_is(sources: list[Module]) -> None:
    classes = [
        (module, node.name) for module in sources for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)
    ]
    files = [(module, part) for module in sources for part in module.path.parts[-2:]]
    assert [(module.where, name) for module, name in classes + files if VAGUE & set(words_of(name))] == []
    # A function may speak of a common prefix, but not be called just that.
    assert [(module.where, each.name) for module in sources for each in functions(module) if each.name in VAGUE] == []


def words_of(name: str) -> list[str]:
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().removesuffix(".py").split("_")


def test_no_code_is_loaded_from_data(sources: list[Module]) -> None:
    # A test may ask whether a value survives the way that Spark sends it to a worker.
    product = [module for module in sources if not module.where.startswith("tests/")]
    imported = {(module.where, name) for module in product for name in module.imports() if name in UNSAFE_IMPORTS}
    called = {(module.where, found) for module in sources for found in unsafe_calls(module)}
    assert imported | called == set()


def unsafe_calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in {"torch.load", "eval", "exec"}:
            yield name
        for keyword in node.keywords:
            allowed = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg in {"trust_remote_code", "allow_pickle"} and not allowed:
                yield f"{name}({keyword.arg})"


def test_no_file_names_a_registry_or_a_place_on_one_machine(files: list[Path]) -> None:
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        found += [f"{path}: {host}" for host in HOSTS if re.search(rf"(?<![\w]){re.escape(host)}", text)]
        found += [f"{path}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert found == []
