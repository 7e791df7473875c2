"""The gate: Great Expectations over a Spark DataFrame; nothing passes that does not meet what was expected of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from synpref.errors import GateError
from synpref.quality.result import Result, describe, now
from synpref.quality.suites import contract_suite, with_checks
from synpref.store.contracts import TABLES

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
    from great_expectations.expectations.expectation import Expectation

# Values of the data never enter the stored results: Great Expectations does not escape them in its pages.
QUIET = {"result_format": "BOOLEAN_ONLY"}
FULL = {"result_format": "BASIC", "partial_unexpected_count": 3}
# Names become file names and links of the pages.
_PLAIN = re.compile(r"[^A-Za-z0-9_]+")
_TOLD = ("observed_value", "element_count", "unexpected_count", "partial_unexpected_list")


def open_context() -> AbstractDataContext:
    """Return a Great Expectations context in memory, that sends nothing anywhere and draws no progress bars."""
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


@dataclass(frozen=True)
class Gate:
    """All checks of one run, in one context. `results` grows with every check, failed ones included.

    held: (table, engine_id) whose answers met their contract, for those who ask. began: tells its pages from those of
    other commands.
    """

    context: AbstractDataContext = field(default_factory=open_context)
    results: list[Result] = field(default_factory=list)
    held: set[tuple[str, str]] = field(default_factory=set)
    began: str = field(default_factory=lambda: now().strftime("%Y%m%dT%H%M%S"))

    def check(
        self,
        rows: DataFrame,
        *,
        table: str,
        suite: str,
        expectations: Sequence[Expectation],
        observe: bool = False,
    ) -> list[Result]:
        """Hold `rows` to `expectations` and return the outcomes; both names are for people and `quality_results`.

        What was observed is asked only for what fails, since it costs a Spark job each; `observe` asks it for all,
        which suits small frames of metrics. Raises GateError where any is not met, with every unmet one in it.
        """
        definition = self._definition(suite)
        outcome = self._validate(definition, rows, expectations)
        told = self._details(definition, rows, expectations, outcome, everything=observe)
        found = [_result(one, told, table=table, suite=suite) for one in outcome.results]
        self.results.extend(found)
        unmet = [result for result in found if not result.success]
        if unmet:
            raise GateError(_message(table, suite, unmet, len(found)))
        return found

    def check_contract(self, rows: DataFrame, *, table: str, suite: str) -> list[Result]:
        """Hold `rows` to the contract of `table`, before it is published or read; raises GateError as `check`."""
        contract = TABLES[table]
        missing = sorted({column.name for column in contract.columns} - set(rows.columns))
        if missing:
            raise GateError(f"table {table}, suite {suite}: columns {missing} are missing, found {rows.columns}")
        return self.check(with_checks(rows, contract), table=table, suite=suite, expectations=contract_suite(contract))

    def _definition(self, suite: str) -> BatchDefinition[Any]:
        # Frames that come here are read back from Delta or small: they are not worth Spark's memory.
        name = f"{_PLAIN.sub('-', suite)}-{self.began}-{len(list(self.context.suites.all())) + 1}"
        source = self.context.data_sources.add_or_update_spark(name, persist=False)
        return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")

    def _validate(
        self, definition: BatchDefinition[Any], rows: DataFrame, expectations: Sequence[Expectation]
    ) -> ExpectationSuiteValidationResult:
        from great_expectations import ExpectationSuite, ValidationDefinition

        name = definition.data_asset.datasource.name
        suite = self.context.suites.add(ExpectationSuite(name=name, expectations=list(expectations)))
        validation = ValidationDefinition(name=name, data=definition, suite=suite)
        self.context.validation_definitions.add(validation)
        return validation.run(batch_parameters={"dataframe": rows}, result_format=QUIET)

    def _details(
        self,
        definition: BatchDefinition[Any],
        rows: DataFrame,
        expectations: Sequence[Expectation],
        outcome: ExpectationSuiteValidationResult,
        *,
        everything: bool,
    ) -> dict[str, str]:
        from great_expectations import ExpectationSuite

        unmet = {_told_as(one) for one in outcome.results if everything or not one.success}
        # Great Expectations takes no expectation into two suites, but copies.
        named = [(describe(one.expectation_type, one.configuration.kwargs), one) for one in expectations]
        wanted = [copy(one) for name, one in named if name in unmet]
        if not wanted:
            return {}
        suite = ExpectationSuite(name="details", expectations=wanted)
        validated = definition.get_batch({"dataframe": rows}).validate(suite, result_format=FULL)
        return {_told_as(one): _observed(one) for one in validated.results}


def _result(one: ExpectationValidationResult, told: Mapping[str, str], *, table: str, suite: str) -> Result:
    name = _told_as(one)
    return Result(
        table=table,
        suite=suite,
        expectation=name,
        success=bool(one.success),
        observed=told.get(name, "{}"),
        checked=now(),
    )


def _told_as(one: ExpectationValidationResult) -> str:
    if one.expectation_config is None:
        raise GateError("Great Expectations returned an outcome without its expectation; please report this")
    return describe(one.expectation_config.type, one.expectation_config.kwargs)


def _observed(one: ExpectationValidationResult) -> str:
    seen = {name: _short(one.result[name]) for name in _TOLD if name in (one.result or {})}
    errors = [str(info) for info in _exceptions(one.exception_info or {})]
    return json.dumps({**seen, **({"errors": errors} if errors else {})}, default=str, sort_keys=True)


def _short(value: object) -> object:
    return [str(each)[:60] for each in value] if isinstance(value, list) else value


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    # Either one exception's facts, or those of several metrics by their ids.
    parts = [info] if "raised_exception" in info else list(info.values())
    return [str(part["exception_message"])[:200] for part in parts if part.get("raised_exception")]


def _message(table: str, suite: str, unmet: Sequence[Result], checked: int) -> str:
    told = "; ".join(result.sentence() for result in unmet)
    return f"table {table}, suite {suite}: {len(unmet)} of {checked} expectations not met, so nothing goes on: {told}"
