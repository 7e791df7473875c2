"""Data Docs: Great Expectations' pages of every check in a run's folder, as a static site that fetches nothing."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from synpref.quality.gate import Gate
from synpref.quality.result import Result

SITE, INDEX, RESULTS = "data_docs", "index.html", "results.jsonl"
# The pages name style sheets and scripts on foreign hosts; their scripts only decorate.
_FOREIGN = re.compile(r"<script\b.*?</script\s*>|<link\b[^>]*>|<img\b[^>]*>|@import[^;]*;", re.DOTALL | re.IGNORECASE)
_FOREIGN_URL = re.compile(r"url\((['\"]?)(?:https?:)?//[^)]*\)", re.IGNORECASE)
STYLE = """<style>
body { font-family: system-ui, sans-serif; margin: 2rem; color: #1c2733; line-height: 1.4 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } .collapse, .modal { display: block }
td, th { border: 1px solid #cfd6dd; padding: .3rem .6rem; text-align: left; vertical-align: top; max-width: 60rem }
td { overflow-wrap: anywhere } th { background: #eef1f4 } .no td:first-child { color: #b00020; font-weight: bold }
nav, .navbar, .sidebar { font-size: .9rem }
</style>"""
_HEAD = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>{STYLE}</head><body>'


def build_data_docs(gate: Gate, folder: Path | str) -> Path:
    """Add all that `gate` checked to the site in local `folder`; what other commands checked there before stays.

    Return its index.html: every expectation with its outcome, escaped, in the order of the checks, above links to the
    pages of each check. What the index shows is kept beside it, in results.jsonl.
    """
    root = Path(folder).absolute()
    pages = root.with_name(f".{root.name}.new")
    shutil.rmtree(pages, ignore_errors=True)
    _render(gate, pages)
    (pages / INDEX).unlink(missing_ok=True)
    for page in pages.rglob("*.html"):
        _write(root / page.relative_to(pages), self_contained(page.read_text(encoding="utf-8")))
    shutil.rmtree(pages, ignore_errors=True)
    lines = _lines(root / RESULTS, gate.results)
    _write(root / RESULTS, "".join(f"{line}\n" for line in lines))
    _write(root / INDEX, index(map(_result, lines), _links(root)))
    return root / INDEX


def self_contained(page: str) -> str:
    """Return an HTML page without scripts and without anything fetched from elsewhere, with a style of its own."""
    bare = _FOREIGN_URL.sub("none", _FOREIGN.sub("", page))
    return bare.replace("</head>", f"{STYLE}</head>", 1)


def index(results: Iterable[Result], links: Iterable[str]) -> str:
    """Return the entry page: results as a table (all text escaped), then `links` to pages, relative to it."""
    rows = "\n".join(_row(result) for result in results)
    listed = "\n".join(f'<li><a href="{quote(link)}">{html.escape(link)}</a></li>' for link in links)
    heads = "".join(f"<th>{head}</th>" for head in ("met", "table", "suite", "expectation", "observed", "checked"))
    return (
        f"{_HEAD}<h1>Data Docs</h1>\n<p>What every command with this folder checked, also in the table "
        f"quality_results.</p>\n<table><tr>{heads}</tr>\n{rows}\n</table>\n"
        f"<h2>Pages by Great Expectations</h2>\n<ul>{listed}</ul></body></html>\n"
    )


def _lines(kept: Path, results: Iterable[Result]) -> list[str]:
    """Outcomes as JSON, one a line: those that stand in the file, then those of `results` that do not."""
    before = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
    news = (json.dumps({**asdict(one), "checked": one.checked.isoformat()}) for one in results)
    return list(dict.fromkeys([*before, *news]))


def _result(line: str) -> Result:
    told = json.loads(line)
    return Result(**{**told, "checked": datetime.fromisoformat(told["checked"])})


def _write(path: Path, text: str) -> None:
    """The whole text or what stood there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _row(result: Result) -> str:
    cells = (
        "yes" if result.success else "no", result.table, result.suite, result.expectation, result.observed,
        result.checked.isoformat(timespec="seconds"),
    )  # fmt: skip
    return f'<tr class="{cells[0]}">' + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _render(gate: Gate, pages: Path) -> None:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(pages)}
    if SITE in gate.context.list_data_docs_sites():
        gate.context.delete_data_docs_site(SITE)
    gate.context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "store_backend": store,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    gate.context.build_data_docs(site_names=[SITE])


def _links(pages: Path) -> list[str]:
    return sorted(str(page.relative_to(pages)) for page in pages.rglob("*.html") if page.name != INDEX)
