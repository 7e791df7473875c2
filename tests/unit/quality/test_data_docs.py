from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from synpref.quality.data_docs import build_data_docs, index, self_contained
from synpref.quality.gate import Gate
from synpref.quality.result import Result

PAGE = """<html><head><link rel="stylesheet" href="https://cdn.example/x.css">
<script src="https://cdn.example/x.js"></script><style>@import url(https://cdn.example/y.css);
body { background: url('https://cdn.example/z.png') }</style></head>
<body><SCRIPT>
$(".x").modal()
</SCRIPT ><p>kept</p><img src="https://cdn.example/logo.svg"></body></html>"""


def result(text: str, *, success: bool = True) -> Result:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Result(table="t", suite="s", expectation=text, success=success, observed="{}", checked=moment)


def test_a_page_loses_all_it_would_fetch_or_run_and_keeps_its_text() -> None:
    page = self_contained(PAGE)
    assert "cdn.example" not in page
    assert "script" not in page.lower()
    assert "<p>kept</p>" in page


@given(st.text())
def test_the_index_escapes_whatever_was_observed(text: str) -> None:
    page = index([result(f"<b>{text}</b>")], ["a b/c#1.html"])
    assert "<b>" not in page
    assert 'href="a%20b/c%231.html"' in page


def test_the_index_tells_met_from_unmet() -> None:
    page = index([result("one"), result("two", success=False)], [])
    assert page.count('<tr class="yes">') == 1
    assert page.count('<tr class="no">') == 1
    assert "2026-01-02T03:04:05+00:00" in page


def test_what_an_earlier_command_checked_stays_and_a_stage_s_own_checks_stand_once(tmp_path: Path) -> None:
    folder = tmp_path / "my run" / "data_docs"
    before, now = Gate(), Gate()
    before.results.append(result("of stage1"))
    build_data_docs(before, folder)
    (folder / "validations").mkdir()
    (folder / "validations" / "page.html").write_text("of stage1")
    now.results.append(result("of stage2", success=False))
    build_data_docs(now, folder)
    now.results.append(result("of train"))
    page = build_data_docs(now, folder).read_text(encoding="utf-8")
    assert page.count("<tr class=") == 3
    assert page.index("of stage1") < page.index("of stage2") < page.index("of train")
    assert 'href="validations/page.html"' in page
    assert not list(tmp_path.rglob(".*.new"))
