from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError, SettingsError
from synpref.pairs.identity import comparison_id, hash128, prompt_id, response_id
from synpref.pairs.ingest import read_input
from synpref.pairs.ingested import Ingested
from synpref.pairs.normalise import normalised_prompt_id, normalised_response_id, prompt_group
from synpref.pairs.write import count_rows
from synpref.store.contracts import TABLES

ROW = {"prompt": "p", "chosen": "c", "rejected": "r"}


def lines(path: Path, rows: list[dict[str, Any] | str]) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read(spark: SparkSession, path: Path | str, **settings: Any) -> Ingested:
    return read_input(spark, path=str(path), source="in", **settings)


def test_every_line_is_accounted_for_and_keys_are_those_of_the_python_rules(
    spark: SparkSession, tmp_path: Path
) -> None:
    good, flipped = {**ROW, "margin": 0.5, "lang": "en"}, {**ROW, "chosen": "r", "rejected": "c"}
    cut = json.dumps(ROW)[:-9]
    given: list[dict[str, Any] | str] = [good, flipped, ROW, ROW, "", cut, cut, "[1]", {**ROW, "chosen": None}]
    ingested = read(spark, lines(tmp_path / "a b [1].jsonl", given))
    (counts,) = count_rows(ingested.files, ingested.occurrences, [ingested.file_ids])
    assert (counts.rows_in, counts.comparisons, counts.duplicates) == (8, 1, 3)
    assert counts.quarantined == {"missing_response": 1, "unreadable_row": 3}
    assert counts.reconcile()

    messages = [{"role": "user", "content": "p"}]
    prompt = prompt_id(messages)
    chosen, rejected = response_id(prompt, "c"), response_id(prompt, "r")
    rows = {row["row"]: row for row in ingested.occurrences.collect()}
    kept = rows[hash128(json.dumps(good)) + "-0"]
    other = rows[hash128(json.dumps(flipped)) + "-0"]
    assert {hash128(json.dumps(ROW)) + "-0", hash128(json.dumps(ROW)) + "-1", hash128(cut) + "-1"} <= rows.keys()
    assert kept["comparison_id"] == other["comparison_id"] == comparison_id(chosen, rejected)
    assert (kept["label"], other["label"]) == (("a", "b") if chosen < rejected else ("b", "a"))
    assert (kept["margin"], kept["source"], kept["label_origin"], kept["group"]) == (0.5, "in", "unknown", None)
    assert json.loads(kept["extra"]) == {"margin": 0.5, "lang": "en"}

    (one,) = ingested.prompts.collect()
    folded = normalised_prompt_id(messages)
    assert (one["prompt_id"], one["normalised_prompt_id"], one["group"]) == (prompt, folded, prompt_group(messages))
    assert (one["turns"], one["characters"], one["language"]) == (1, 1, None)
    found = {row["response_id"]: row.asDict() for row in ingested.responses.collect()}
    assert found.keys() == {chosen, rejected}
    assert found[chosen]["normalised_response_id"] == normalised_response_id(folded, "c")
    (file,) = ingested.files.collect()
    assert (file["rows"], file["format"], file["shape"], file["use"]) == (8, "jsonl", "text", "pool")
    assert file["file_id"] == ingested.file_ids[0] == kept["file_id"]

    refused = {row["row_key"]: row for row in ingested.quarantine.collect()}
    assert refused[f"{file['file_id']}:{hash128(cut)}-0"]["original"] == cut
    assert {row["stage"] for row in refused.values()} == {"ingest"}
    for table in ("files", "occurrences", "prompts", "responses", "comparisons", "quarantine"):
        schema = getattr(ingested, table).schema
        expected = spark.createDataFrame([], ", ".join(f"`{c.name}` {c.type}" for c in TABLES[table].columns)).schema
        assert [(f.name, f.dataType.simpleString()) for f in schema] == [
            (f.name, f.dataType.simpleString()) for f in expected
        ], table


def test_the_shared_schema_keeps_provenance_and_group_from_extra(spark: SparkSession, tmp_path: Path) -> None:
    extra = {"annotator": "ann", "p_chosen": 0.75, "topic": "dogs_cats", "votes": {"a": 3}, "score_chosen": 4}
    row = {
        "pair_id": "1", "source": "src", "prompt": json.dumps([{"role": "user", "content": "p"}]), "chosen": "c",
        "rejected": "r", "label_origin": "gpt", "extra": json.dumps({**extra, "score_rejected": 1.5}),
    }  # fmt: skip
    broken = {**row, "source": None, "label_origin": "", "extra": "no json", "chosen": "d"}
    outside = {**row, "extra": json.dumps({"p_chosen": 7, "topic": "alone"}), "chosen": "e"}
    path = parquet(tmp_path / "x.parquet", [row, broken, outside])
    ingested = read(spark, path, group_column="extra.topic", group_pattern="^([^_]+)_", label_origin="human")
    assert ingested.shape == "json_prompt"
    first, second, third = ingested.occurrences.orderBy("row").collect()
    assert [first["row"], second["row"], third["row"]] == ["0", "1", "2"]
    assert (first["source"], first["label_origin"], first["annotator"]) == ("src", "gpt", "ann")
    assert (first["label_probability"], first["margin"], first["group"]) == (0.75, 2.5, "dogs")
    assert json.loads(first["extra"])["extra"]["votes"] == {"a": 3}
    assert json.loads(first["extra"])["pair_id"] == "1"
    assert (second["source"], second["label_origin"], second["annotator"]) == ("in", "human", None)
    assert json.loads(second["extra"])["extra"] == "no json"
    assert (third["label_probability"], third["group"]) == (None, None)


def test_an_input_of_which_no_row_has_a_group_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    row = {**ROW, "topic": "dogs_cats"}
    for path in (parquet(tmp_path / "x.parquet", [row, row]), lines(tmp_path / "x.jsonl", [row, "broken", row])):
        told = r"x\.\w+: no row has a group: groups\.column is 'topik'\. Columns found: .*topic"
        with pytest.raises(InputError, match=told):
            read(spark, path, group_column="topik")
        told = r"groups\.pattern '\^\(\\\\d\+\)_' matches no value of topic; one of them is 'dogs_cats'"
        with pytest.raises(InputError, match=told):
            read(spark, path, group_column="topic", group_pattern=r"^(\d+)_")
    shared = {**ROW, "extra": json.dumps({"topic": "t", "votes": 3})}
    with pytest.raises(InputError, match="Columns found: prompt, chosen, rejected, extra; in extra: topic, votes"):
        read(spark, parquet(tmp_path / "shared.parquet", [shared]), group_column="extra.topik")


def test_rows_that_fall_back_to_the_group_of_their_prompt_are_counted(spark: SparkSession, tmp_path: Path) -> None:
    blank, broken = {**ROW, "chosen": "d", "topic": " "}, {**ROW, "chosen": None}
    path = lines(tmp_path / "x.jsonl", [{**ROW, "topic": "t"}, ROW, blank, broken])
    ingested = read(spark, path, group_column="topic")
    (counts,) = count_rows(ingested.files, ingested.occurrences, [ingested.file_ids])
    assert (counts.comparisons + counts.duplicates, counts.ungrouped) == (3, 2)


def test_nested_parquet_columns_read_like_json_lines(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        {
            "chosen": [{"role": "human", "content": f"p{i}"}, {"role": "gpt", "content": "c"}],
            "rejected": [{"role": "human", "content": f"p{i}"}, {"role": "gpt", "content": "r"}],
            "meta": {"topic": f"t{i}"},
        }
        for i in range(3)
    ]
    typed = read(spark, parquet(tmp_path / "x.parquet", rows), group_column="meta.topic")
    plain = read(spark, lines(tmp_path / "x.jsonl.gz", list(rows)), group_column="meta.topic")
    assert typed.shape == plain.shape == "implicit"
    columns = ["comparison_id", "label", "group", "extra"]
    assert sorted(typed.occurrences.select(columns).collect()) == sorted(plain.occurrences.select(columns).collect())
    assert {row["group"] for row in typed.occurrences.collect()} == {"t0", "t1", "t2"}


def test_a_folder_and_a_glob_are_read_together_with_their_files_told_apart(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "set [1] x"
    lines(folder / "one.jsonl", [ROW])
    lines(folder / "deep" / "two.jsonl.gz", [ROW, {**ROW, "chosen": "d"}])
    lines(folder / "dataset_infos.json", [{"description": "no data"}])
    (folder / "README.md").write_text("no data")
    whole = read(spark, folder)
    files = {Path(row["path"]).name: row["rows"] for row in whole.files.collect()}
    assert files == {"one.jsonl": 1, "two.jsonl.gz": 2}
    assert count_rows(whole.files, whole.occurrences, [whole.file_ids])[0].duplicates == 1
    lines(tmp_path / "plain" / "a.jsonl", [ROW])
    lines(tmp_path / "plain" / "b.jsonl", [ROW])
    parts = read(spark, tmp_path / "plain" / "*.jsonl")
    assert len(parts.file_ids) == 2
    assert count_rows(parts.files, parts.occurrences, [parts.file_ids])[0].rows_in == 2


def test_columns_that_only_some_parquet_files_have_are_kept(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    parquet(folder / "1.parquet", [ROW])
    parquet(folder / "2.parquet", [{**ROW, "chosen": "d", "margin": 0.5, "topic": "t"}])
    rows = read(spark, folder, group_column="topic").occurrences.collect()
    assert sorted(((row["margin"], row["group"]) for row in rows), key=str) == [(0.5, "t"), (None, None)]


def test_a_column_of_two_types_is_named_with_its_files(spark: SparkSession, tmp_path: Path) -> None:
    parquet(tmp_path / "x" / "1.parquet", [{**ROW, "topic": 1}])
    parquet(tmp_path / "x" / "2.parquet", [{**ROW, "topic": "t"}])
    with pytest.raises(InputError, match=r"column topic is int64 in .*1\.parquet and string in .*2\.parquet\. Write"):
        read(spark, tmp_path / "x")


def test_hostile_lines_do_no_harm(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    invalid = b'{"prompt": "p\xff", "chosen": "c", "rejected": "r"}\n'
    twice = b'{"prompt": "p", "prompt": "q", "chosen": "c", "rejected": "r", "x": 1, "x": 2}\n'
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\n" + invalid + twice)
    ingested = read(spark, path)
    (counts,) = count_rows(ingested.files, ingested.occurrences, [ingested.file_ids])
    assert counts.rows_in == 3
    assert counts.reconcile()
    prompts = {row["messages"][0]["content"] for row in ingested.prompts.collect()}
    assert {"p", "p\ufffd"} <= prompts


def sampled(spark: SparkSession, path: Path, seed: int) -> list[tuple[str, str | None]]:
    ingested = read(spark, path, sample_prompts=3, sample_comparisons=2, seed=seed)
    rows = [(row["row"], row["comparison_id"]) for row in ingested.occurrences.collect()]
    prompts = ingested.prompts.count()
    assert prompts == 3
    return sorted(rows, key=str)


def test_a_sample_is_seeded_whole_in_its_duplicates_and_hides_no_broken_row(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [{"prompt": f"p{p}", "chosen": f"c{c}", "rejected": "r"} for p in range(8) for c in range(4)]
    path = lines(tmp_path / "x.jsonl", [*rows, *rows, "broken"])
    kept = sampled(spark, path, seed=1)
    ids = [comparison for _, comparison in kept if comparison]
    assert len(ids) == 2 * len(set(ids)) == 2 * 3 * 2
    assert len(kept) == len(ids) + 1
    assert sampled(spark, path, seed=1) == kept
    assert sampled(spark, path, seed=2) != kept


def test_other_reading_settings_are_another_file_id(spark: SparkSession, tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", [ROW])
    settings: list[dict[str, Any]] = [{}, {"seed": 1}, {"group_column": "prompt"}, {"use": "test"}]
    ids = [read(spark, path, **one).file_ids for one in settings]
    assert len(set(ids)) == len(settings)
    assert read(spark, path).file_ids == ids[0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.parquet", None, "x.parquet: there is no such file or folder"),
        ("*.parquet", None, "no file that matches"),
        ("x.jsonl", b"", "is empty"),
        ("x.jsonl", b"\n  \n\n", r"is empty \(no rows\)"),
        ("x.jsonl.gz", gzip.compress(b"", mtime=0), r"is empty \(no rows\)"),
        ("x.parquet", b"no parquet at all", "not a parquet file"),
        ("x.jsonl", b"one\ntwo\n", "not JSON Lines"),
        ("x.csv", b"prompt,chosen\n", "no data there"),
        ("x.jsonl", b'{"prompt": "p", "answer": "a"}\n', r"Columns found: prompt \(text\), answer"),
    ],
)
def test_bad_files_are_named(spark: SparkSession, tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=told) as error:
        read(spark, path)
    assert name in str(error.value)


def test_bad_folders_and_settings_are_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no data there"):
        read(spark, tmp_path / "empty")
    parquet(tmp_path / "mixed" / "x.parquet", [ROW])
    lines(tmp_path / "mixed" / "x.jsonl", [ROW])
    with pytest.raises(InputError, match="both parquet and JSON Lines"):
        read(spark, tmp_path / "mixed")
    assert read(spark, tmp_path / "mixed", format="parquet").shape == "text"
    empty = pa.schema([(name, pa.string()) for name in ROW])
    pq.write_table(empty.empty_table(), tmp_path / "none.parquet")
    with pytest.raises(InputError, match="no rows"):
        read(spark, tmp_path / "none.parquet")
    wrong: list[dict[str, Any]] = [
        {"format": "csv"}, {"shape": "trl"}, {"sample_prompts": 0},
    ]  # fmt: skip
    for setting in wrong:
        with pytest.raises(SettingsError):
            read(spark, tmp_path / "mixed" / "x.jsonl", **setting)


def damaged(path: Path, length: int) -> Path:
    """The file with bytes from its fifth on overwritten: `length` of them, or all before the last twelve."""
    content = bytearray(path.read_bytes())
    end = min(4 + length, len(content) - 12)
    content[4:end] = b"x" * (end - 4)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("length", [60, 1_000_000], ids=["data", "footer"])
def test_a_parquet_file_damaged_inside_is_named(spark: SparkSession, tmp_path: Path, length: int) -> None:
    path = parquet(tmp_path / "a b" / "x.parquet", [ROW])
    with pytest.raises(InputError, match=r"a b/x\.parquet: the file is damaged.*Fetch or write it again"):
        read(spark, damaged(path, length))
