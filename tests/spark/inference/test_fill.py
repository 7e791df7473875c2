"""fill: every input answered once, first answer kept, bad rows apart."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import EngineError, InputError
from synpref.inference import work
from synpref.inference.fill import fill
from synpref.inference.kinds import BY_PROMPT, together_of
from synpref.inference.progress import Progress
from synpref.inference.shards import Shard
from synpref.inference.spec import EngineSpec
from synpref.inference.work import spread
from synpref.stage2.decisions import refusals
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

if TYPE_CHECKING:
    from tests.spark.inference.conftest import Asked


def responses(spark: SparkSession, texts: dict[str, str | None]) -> DataFrame:
    messages = [{"role": "user", "content": "hello"}]
    rows = [(key, messages, text, "ignored") for key, text in texts.items()]
    schema = "response_id string, messages array<struct<role: string, content: string>>, text string, more string"
    return spark.createDataFrame(rows, schema)


def prompt(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def many(spark: SparkSession, rows: int) -> DataFrame:
    return spark.range(rows).select(
        F.format_string("id%05d", "id").alias("text_id"), F.format_string("text %d", "id").alias("text")
    )


def test_inputs_are_answered_once_in_shards_and_a_second_run_asks_nothing(
    spark: SparkSession, tmp_path: Path, asked: Asked
) -> None:
    warehouse = Warehouse(spark, Location(path=str(tmp_path / "two buckets")), buckets=2)
    heard: list[Progress] = []
    held: list[int] = []

    def hear(one: Progress) -> None:
        heard.append(one)
        held.append(len(list((tmp_path / "two buckets" / "_staging").glob("*/shard-*"))))

    embed = partial(fill, warehouse, table="embeddings", stage="embed", spec=asked.spec("embedder"), shard_rows=100)
    first = embed(inputs=many(spark, 30), progress=hear)
    assert (first.rows_in, first.computed, first.saved, first.quarantined) == (30, 30, 0, {})
    assert (first.answered, first.missing) == (30, 0)
    assert sorted(asked.texts()) == sorted(f"text {number}" for number in range(30))
    assert warehouse.version("embeddings") == 1  # few rows are one shard and one commit, whatever their buckets
    assert {row["bucket"] for row in warehouse.read("embeddings").select("bucket").collect()} == {0, 1}
    assert [one.rows for one in heard][-1] == 30
    assert held[-1] == 0, "staged answers go with their commit: a disk never holds those of all shards"
    assert all(one.rows_total == 30 for one in heard)
    assert (first.tokens, first.cut) == (60, 0)  # two words each
    assert [one.tokens for one in heard][-1] == 60

    loads, asks = len(asked.loads()), len(asked.texts())
    second = embed(inputs=many(spark, 30))
    assert (second.computed, second.saved, second.engine_id) == (0, 30, first.engine_id)
    assert (second.answered, second.missing) == (30, 0)
    assert second.tokens == 0
    assert (len(asked.loads()), len(asked.texts())) == (loads, asks)
    assert warehouse.version("embeddings") == 1

    third = embed(inputs=many(spark, 31))
    assert (third.rows_in, third.computed, third.saved) == (31, 1, 30)
    assert len(asked.texts()) == 31
    table = warehouse.read("embeddings")
    assert table.select("text_id").distinct().count() == table.count() == 31
    assert not list((tmp_path / "two buckets" / "_staging").iterdir())
    engines = warehouse.read("engines").select("engine_id", "kind", "simulated").collect()
    assert [tuple(row) for row in engines] == [(first.engine_id, "embedder", True)]


def test_bad_rows_are_quarantined_with_their_original_and_not_asked_again(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    texts: dict[str, str | None] = {f"r{number:04d}": f"fine {number}" for number in range(30)}
    texts |= {"bad": "BAD row", "long": "LONG row"}
    score = partial(
        fill, warehouse, table="rewards", inputs=responses(spark, texts), stage="score", shard_rows=100,
        max_error_share=0.1,
    )  # fmt: skip
    found = score(spec=asked.spec("reward"))
    assert found.quarantined == {"engine_error": 1, "overlong": 1}
    assert (found.rows_in, found.computed, found.answered, found.missing) == (32, 32, 30, 0)
    kept = {row["response_id"] for row in warehouse.read("rewards").collect()}
    assert kept == set(texts) - {"bad", "long"}
    rows = {row["reason"]: row for row in warehouse.read("quarantine").collect()}
    told = refusals(warehouse.read("quarantine"), [found.engine_id]).collect()
    assert {tuple(row) for row in told} == {("bad", found.engine_id), ("long", found.engine_id)}  # as Stage 2 sees it
    bad = rows["engine_error"]
    assert (bad["campaign"], bad["stage"], bad["row_key"]) == ("-", "score", f"bad:{found.engine_id}")
    assert bad["detail"] == "ValueError: cannot read BAD row"
    assert json.loads(bad["original"]) == {
        "response_id": "bad", "messages": [{"role": "user", "content": "hello"}], "text": "BAD row"
    }  # fmt: skip

    before = len(asked.texts())
    again = score(spec=asked.spec("reward"))
    assert (again.computed, again.saved, again.quarantined) == (0, 30, found.quarantined)
    assert len(asked.texts()) == before
    other = score(spec=asked.spec("reward", "counting two"))
    assert other.computed == 32


def test_what_was_lost_on_the_way_counts_as_failed_and_is_pending_in_the_next_run(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    texts: dict[str, str | None] = {f"r{number:04d}": f"fine {number}" for number in range(30)}
    texts |= {"bad": "BAD row", "gone": "LOST row", "still": "LOST twice"}
    score = partial(
        fill, warehouse, table="rewards", inputs=responses(spark, texts), shard_rows=100, spec=asked.spec("reward"),
        max_error_share=0.1,
    )  # fmt: skip
    first = score(stage="stage1")
    assert first.quarantined == {"engine_error": 1, "engine_unreachable": 2}
    assert first.answered == warehouse.read("rewards").count()
    assert first.missing == 0
    told = refusals(warehouse.read("quarantine"), [first.engine_id]).collect()
    assert {row["response_id"] for row in told} == {"bad", "gone", "still"}

    asked.mend("LOST row")
    second = score(stage="score")
    assert (second.computed, second.saved) == (2, 30)
    assert second.quarantined == {"engine_error": 1, "engine_unreachable": 1}
    assert second.answered == warehouse.read("rewards").count()
    assert second.missing == 0
    left = {(row["stage"], row["row_key"].split(":")[0]) for row in warehouse.read("quarantine").collect()}
    assert left == {("stage1", "bad"), ("score", "still")}

    asked.mend("LOST twice")
    assert (score(stage="score").computed, score(stage="score").computed) == (1, 0)
    assert {row["reason"] for row in warehouse.read("quarantine").collect()} == {"engine_error"}


def test_what_another_job_answered_meanwhile_is_counted_as_it_stands(
    spark: SparkSession, warehouse: Warehouse, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = work._commit

    def crossed(one: work.Work, shard: Shard, answers: DataFrame, *, failed: bool) -> int:
        commit(one, shard, answers.where("response_id = 'r1'"), failed=False)
        return commit(one, shard, answers, failed=failed)

    monkeypatch.setattr(work, "_commit", crossed)
    texts: dict[str, str | None] = {"r0": "fine", "r1": "fine as well", "long": "LONG row", "gone": "LOST row"}
    found = fill(
        warehouse, table="rewards", inputs=responses(spark, texts), spec=asked.spec("reward"), stage="score",
        shard_rows=100,
    )  # fmt: skip
    assert (found.rows_in, found.answered, found.missing) == (4, 2, 0)
    assert found.quarantined == {"overlong": 1, "engine_unreachable": 1}


def test_too_many_lost_rows_stop_the_stage(spark: SparkSession, warehouse: Warehouse, asked: Asked) -> None:
    texts: dict[str, str | None] = {f"r{number}": "LOST" if number < 3 else f"fine {number}" for number in range(20)}
    with pytest.raises(EngineError, match=r"failed on 3 of 20 rows.*engine_unreachable: no answer"):
        fill(
            warehouse, table="rewards", inputs=responses(spark, texts), spec=asked.spec("reward"), stage="score",
            shard_rows=100,
        )  # fmt: skip
    assert warehouse.read("quarantine").isEmpty()


def test_too_many_bad_rows_stop_the_stage_before_their_shard_is_committed(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    texts: dict[str, str | None] = {f"r{number}": "BAD" if number < 3 else f"fine {number}" for number in range(20)}
    with pytest.raises(EngineError, match=r"failed on 3 of 20 rows.*cannot read BAD"):
        fill(
            warehouse, table="rewards", inputs=responses(spark, texts), spec=asked.spec("reward"), stage="score",
            shard_rows=100,
        )  # fmt: skip
    assert warehouse.read("rewards").isEmpty()
    assert warehouse.read("quarantine").isEmpty()


def test_an_engine_that_cannot_go_on_is_an_engine_error_in_its_own_words(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    texts: dict[str, str | None] = {f"r{number:04d}": "FATAL" if number == 9 else "fine" for number in range(3000)}
    with pytest.raises(EngineError, match=r"rewards: engine counting stopped: .*the engine is gone"):
        fill(
            warehouse, table="rewards", inputs=responses(spark, texts), spec=asked.spec("reward", window=8),
            stage="score", shard_rows=5000,
        )  # fmt: skip
    assert warehouse.read("rewards").isEmpty()
    missing = EngineSpec.of("reward", "nowhere", None, factory="nowhere:make")
    with pytest.raises(InputError, match=r"^rewards: engine nowhere stopped: engine nowhere: factory 'nowhere:make'"):
        fill(
            warehouse, table="rewards", inputs=responses(spark, {"a": "fine"}), spec=missing, stage="score",
            shard_rows=100,
        )  # fmt: skip


def test_wrong_inputs_are_refused_before_any_engine_is_loaded(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    rows = responses(spark, {"a": "x", "b": "y"})
    score = partial(fill, warehouse, spec=asked.spec("reward"), stage="score", shard_rows=10)
    with pytest.raises(InputError, match="repeat 2 rows"):
        score(table="rewards", inputs=rows.union(rows))
    with pytest.raises(InputError, match="have 2 rows with a null in their key"):
        score(table="rewards", inputs=rows.withColumn("response_id", F.lit(None).cast("string")))
    with pytest.raises(InputError, match=r"lack the columns \['text'\]"):
        score(table="rewards", inputs=rows.drop("text"))
    with pytest.raises(InputError, match="fills rewards, not embeddings"):
        score(table="embeddings", inputs=rows)
    assert asked.loads() == []


def test_a_worker_loads_an_engine_once_for_many_shards_and_shares_the_cores(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    spec = asked.spec("embedder")
    fill(warehouse, table="embeddings", inputs=many(spark, 24), spec=spec, stage="embed", shard_rows=12, slots=1)
    workers = {load.split()[0] for load in asked.loads()}
    assert len(asked.loads()) == len(workers) <= 2
    assert {load.split()[1] for load in asked.loads()} == {"2"}  # two cores, one slot


def test_verdicts_come_in_canonical_order(spark: SparkSession, warehouse: Warehouse, asked: Asked) -> None:
    said = [
        ("c1", "ab", "FIRST"), ("c1", "ba", "FIRST"), ("c2", "ab", "SECOND"), ("c2", "ba", "EVEN"), ("c3", "ab", "?"),
    ]  # fmt: skip
    rows = [
        (comparison, f"hash-{order}", order, 0, prompt(f"{word} {comparison}{order}"), ["x", "y"], "p")
        for comparison, order, word in said
    ]
    schema = (
        "comparison_id string, prompt_hash string, `order` string, sample int, "
        "messages array<struct<role: string, content: string>>, few_shots array<string>, prompt_id string"
    )
    found = fill(
        warehouse, table="verdicts", inputs=spark.createDataFrame(rows, schema), spec=asked.spec("chat-judge"),
        stage="stage1", shard_rows=10, key=["comparison_id", "prompt_hash", "order", "sample"],
    )  # fmt: skip
    assert found.computed == 5
    verdicts = {
        (row["comparison_id"], row["order"]): (row["verdict"], row["p_a"] and round(row["p_a"], 6), row["few_shots"])
        for row in warehouse.read("verdicts").collect()
    }
    assert verdicts == {
        ("c1", "ab"): ("a", 0.9, ["x", "y"]),
        ("c1", "ba"): ("b", 0.1, ["x", "y"]),
        ("c2", "ab"): ("b", 0.2, ["x", "y"]),
        ("c2", "ba"): ("no_preference", 0.5, ["x", "y"]),
        ("c3", "ab"): ("unparsed", None, ["x", "y"]),
    }


def test_responses_to_one_prompt_reach_the_engine_side_by_side(
    spark: SparkSession, tmp_path: Path, asked: Asked
) -> None:
    rows = [(f"r{number}", prompt(f"p{number % 10}"), f"p{number % 10} {number}") for number in range(60)]
    schema = "response_id string, messages array<struct<role: string, content: string>>, text string"
    warehouse = Warehouse(spark, Location(path=str(tmp_path / "w")))
    found = fill(
        warehouse, table="rewards", inputs=spark.createDataFrame(rows, schema).repartition(7), stage="score",
        spec=asked.spec("reward"), shard_rows=25, slots=1,
    )  # fmt: skip
    assert found.computed == 60
    order = [text.split()[0] for text in asked.texts()]
    runs = 1 + sum(one != other for one, other in pairwise(order))
    assert runs <= 10 + 2  # three shards cut two prompts at most


@pytest.mark.parametrize("prompts", [1, 3, 200])
def test_every_task_gets_its_share_however_few_prompts_there_are(spark: SparkSession, prompts: int) -> None:
    rows = spark.range(1200).select(
        F.format_string("r%d", "id").alias("response_id"), (F.col("id") % prompts).cast("string").alias("messages")
    )
    spread_rows = spread(rows.repartition(5), 4, ["response_id"], ["messages"])
    task = spread_rows.withColumn("task", F.spark_partition_id())
    sizes = [row["count"] for row in task.groupBy("task").count().collect()]
    assert len(sizes) == 4
    assert max(sizes) < 1.3 * 1200 / 4
    # a cut goes through one prompt at most
    assert task.select("task", "messages").distinct().count() <= prompts + 3


@pytest.mark.parametrize(
    ("kind", "options", "together"),
    [
        ("reward", {}, ("xxhash64(messages)",)),
        ("reward", {"shared_prompt": "auto"}, ("xxhash64(messages)",)),
        ("reward", {"backend": "vllm"}, ("xxhash64(messages)",)),
        ("reward", {"shared_prompt": "off"}, ()),
        ("chat-judge", {}, BY_PROMPT),
        ("vllm-judge", {}, BY_PROMPT),
        ("http-judge", {}, BY_PROMPT),
        ("replay-judge", {}, ()),
        ("embedder", {}, ()),
    ],
)
def test_rows_are_grouped_by_what_they_begin_with_only_where_that_saves_work(
    kind: str, options: dict[str, str], together: tuple[str, ...]
) -> None:
    assert together_of(EngineSpec.of(kind, "engine", "model", **options)) == together


@pytest.mark.parametrize("buckets", [1, 2])
def test_requests_of_equal_examples_then_of_one_prompt_then_of_one_comparison_reach_a_judge_side_by_side(
    spark: SparkSession, tmp_path: Path, asked: Asked, buckets: int
) -> None:
    # Comparisons of one prompt are far apart by their ids, as hashes are.
    rows = [
        (
            f"c{number:02d}",
            order[::-1],
            order,
            sample,
            prompt(f"{shots} p{of} c{number:02d} {order} {sample}"),
            shots,
            of,
        )
        for number in range(24)
        for of in (str(number % 6),)
        for shots in ([["x"], ["x", "y"], ["w", "x"]][number % 3],)
        for order in ("ab", "ba")
        for sample in (0, 1)
    ]
    schema = (
        "comparison_id string, prompt_hash string, `order` string, sample int, "
        "messages array<struct<role: string, content: string>>, few_shots array<string>, prompt_id string"
    )
    fill(
        Warehouse(spark, Location(path=str(tmp_path / "w")), buckets=buckets), table="verdicts", stage="stage1",
        inputs=spark.createDataFrame(rows, schema).repartition(7), spec=asked.spec("chat-judge"), shard_rows=1000,
        slots=1,
    )  # fmt: skip
    seen = [text.rsplit(" ", 4) for text in asked.texts()]
    assert len(seen) == 96
    assert [(order, sample) for *_, order, sample in seen] == [
        ("ab", "0"), ("ab", "1"), ("ba", "0"), ("ba", "1"),
    ] * 24  # fmt: skip
    shots, prompts, comparisons = ([row[place] for row in seen] for place in range(3))
    assert _runs(comparisons) == 24
    assert _runs(prompts) == 6  # of four comparisons each, whatever their buckets
    assert _runs(shots) == 3


def _runs(values: list[str]) -> int:
    """Stretches of equal values."""
    return 1 + sum(one != other for one, other in pairwise(values))


def test_tasks_take_turns_on_the_one_gpu_that_the_settings_name(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    spec = asked.spec("embedder", gpus="5")
    done = fill(
        warehouse, table="embeddings", stage="embed", spec=spec, shard_rows=100, inputs=many(spark, 30), slots=2
    )
    assert done.computed == 30
    lines = asked.path.read_text().splitlines()
    loads = [place for place, line in enumerate(lines) if line.startswith("load ")]
    assert len(loads) in (1, 2)  # a worker's next task there finds its engine
    if len(loads) == 2:  # each task in a worker of its own
        assert (
            10 < loads[1] - loads[0] < 20
        )  # the second only began when the first task had asked about half of the rows
        stat = Path("/proc", lines[loads[0]].split()[1], "stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"  # it made room
