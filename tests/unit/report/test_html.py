"""The page: self-contained, complete, and deaf to what texts try to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from synpref.errors import InputError
from synpref.report.html import render_page, write_page
from synpref.report.page import Details, Sample

Make = Callable[..., dict[str, Any]]
MakeDetails = Callable[..., Details]
HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=y>\"' onload='x' {{ 7*7 }} {% raw %} $x_{$ \x00\u202e"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _parsed(page: str) -> _Tags:
    parser = _Tags()
    parser.feed(page)
    return parser


def test_the_page_needs_nothing_beside_it(page: str) -> None:
    tags = _parsed(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "form"})
    sources = [attributes["src"] or "" for tag, attributes in tags if tag == "img"]
    assert len(sources) == 8
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert all((attributes["href"] or "").startswith("#") for tag, attributes in tags if tag == "a")


def test_links_lead_to_sections_that_are_there(summary: Make, page: str) -> None:
    bare = render_page(summary(labels=None, judges={}, reward_models={}, intervals={}), Details())
    for tags in (_parsed(page).tags, _parsed(bare).tags):
        ids = {attributes.get("id") for tag, attributes in tags if tag == "section"}
        assert {(attributes["href"] or "")[1:] for tag, attributes in tags if tag == "a"} == ids


def test_what_engines_gave_no_answer_to_is_told(page: str) -> None:
    told = page[page.index("no answer by engines") :]
    assert told.index("<code>engine_unreachable</code> 2") < told.index("<code>overlong</code> 4")
    assert "<b>stage2</b> cut to an engine's maximum length: 1,204 inputs" in told
    assert told.count("cut to an engine") == 1


def test_how_many_answers_of_attributes_engines_are_valid_is_told(page: str) -> None:
    told = page[page.index("<b>attributes</b> valid answers") :]
    assert told.index("<code>smollm2</code> 2 of 6, ") < told.index("<code>second</code> 1,400 of 1,400</p>")


def test_figures_stand_beside_their_baseline_and_interval(page: str) -> None:
    text = re.sub(r"\s+", " ", " ".join(_parsed(page).text))
    for figure in (
        "24.3 %", "8.9 %", "length alone: 18.8 %", "69.4 %", "length alone: 44.7 %", "89.9 to 92.3 %",
        "+8.2 to +11.6 points", "+4.2", "65.1", "85.2", "a sample of 798 of 1,327 items", "790 of 1,327", "+12.3",
        "+35.0 to +55.0 points", "+0.41", "+2.2 to +6.2 points", "40 truth is tie", "benchmark_prompt_whole",
    ):  # fmt: skip
        assert figure in text


def test_nothing_is_said_of_truth_or_steps_but_what_the_run_says(summary: Make, details: MakeDetails) -> None:
    shown = render_page(summary(), details(models_caption="winners are labels; one seed"))
    assert "winners are labels; one seed" in shown
    assert "equal steps" not in shown


def test_breakdowns_correlations_and_the_ends_of_curves_are_on_the_page(page: str) -> None:
    text = re.sub(r"\s+", " ", " ".join(_parsed(page).text))
    for told in (
        "rm_bench in parts", "hard 33.3 % (28.3 to 38.3 %) 120 pairs", "length ratio quarter 4 50.0 %", "1.00 to 1.50",
        "scenario 48", "Correlation of benchmarks Pearson's r scorers rm_bench rmb -0.50 3", "since 2 of 9 lists",
    ):  # fmt: skip
        assert told in text


def test_what_an_older_run_left_has_its_page_too(
    summary: Make, details: MakeDetails, benchmarks: dict[str, Any]
) -> None:
    older = {name: value for name, value in benchmarks.items() if name not in ("breakdowns", "curve_notes")}
    assert "in parts" not in render_page(summary(), details(benchmarks=older))


def test_curves_alone_have_their_section(summary: Make, details: MakeDetails, benchmarks: dict[str, Any]) -> None:
    alone = {name: value if name == "curves" else [] for name, value in benchmarks.items()}
    assert 'id="benchmarks"' in render_page(summary(), details(benchmarks=alone))


def test_simulated_judges_are_named_simulated(page: str) -> None:
    rows = {row.split("</th>")[0]: row for row in page.split("<tr><th>")}
    assert "simulated" in rows["careful"]
    assert "simulated" not in rows["smollm2-135m-instruct"]


def test_answers_that_were_asked_for_again_are_told(page: str) -> None:
    rows = {row.split("</th>")[0]: row for row in page.split("<tr><th>")}
    assert "<td>1,240 of 1,250 repaired, 7 unparsed</td></tr>" in rows["smollm2-135m-instruct"]
    assert "repaired" not in rows["careful"]


def test_samples_are_shown_whole(page: str) -> None:
    parsed = _parsed(page)
    assert sum(tag == "details" for tag, _ in parsed.tags) == 5
    assert "The Rhine runs through Ulm, as everybody knows.\nReally." in parsed.text


def test_hostile_text_stays_text_everywhere(page: str, summary: Make, details: MakeDetails) -> None:
    sample = Sample(
        HOSTILE, {HOSTILE: HOSTILE}, [{"role": HOSTILE, "content": HOSTILE}], {HOSTILE: HOSTILE}, original=HOSTILE
    )
    row = {**details().by_source[0], "name": HOSTILE}
    hostile = details(
        title=HOSTILE, notes=[HOSTILE], by_source=[row], by_group=[row], curated=[sample], refused=[sample],
        left_out={HOSTILE: 2}, decisions=[{"decision": "keep", "reason": HOSTILE, "rows": 3}],
        probabilities={HOSTILE: [1, 2]}, curves=[{"model": HOSTILE, "step": 1, "loss": 0.5, "accuracy": None}],
        per_seed={},
    )  # fmt: skip
    run = summary(
        campaign=HOSTILE, git=HOSTILE, judges={HOSTILE: summary()["judges"]["careful"]}, versions={HOSTILE: HOSTILE},
        device={"name": HOSTILE, "features": [HOSTILE], "dtype": HOSTILE},
    )  # fmt: skip
    clean, dirty = _parsed(page), _parsed(render_page(run, hostile))
    assert {tag for tag, _ in dirty.tags} <= {tag for tag, _ in clean.tags}
    names = {name for _, attributes in dirty.tags for name in attributes}
    assert names <= {name for _, attributes in clean.tags for name in attributes}
    assert HOSTILE.split("\x00", maxsplit=1)[0] in "".join(dirty.text)


def test_a_bare_run_has_a_page_without_plots(summary: Make) -> None:
    page = render_page(summary(labels=None, judges={}, reward_models={}, intervals={}, stages=[]), Details())
    assert "<img" not in page
    assert "quality gate" in page


def test_a_run_that_kept_nothing_has_dashes(summary: Make) -> None:
    nothing: dict[str, Any] = {"rows": 0, "accuracy": None}
    flipped = nothing | {"recall": None}
    labels = {"pool": {"rows": 5, "accuracy": 0.6}, "kept": nothing, "flipped": flipped, "dropped": nothing,
              "by_length_equal_counts": {"kept": nothing, "flipped": flipped}}  # fmt: skip
    assert "label error of what was kept" in render_page(summary(labels=labels, intervals={}), Details())


def test_the_same_run_gives_the_same_page(page: str, summary: Make, details: MakeDetails) -> None:
    assert render_page(summary(), details()) == page


def test_it_is_written_into_a_folder_with_spaces_whatever_the_text(summary: Make, tmp_path: Path) -> None:
    path = tmp_path / "my runs" / "report.html"
    write_page(path, summary(), Details(title="lone \ud800 surrogate"))
    assert "lone ? surrogate" in path.read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(summary: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"report\.html.*cannot be written"):
        write_page(tmp_path / "file" / "report.html", summary(), Details())
