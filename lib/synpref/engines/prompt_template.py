"""The prompt templates of conf/prompts: loading them, and the tags that fence quoted text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from synpref.config import conf_file
from synpref.engines.hostile import escape_tags, neutralise_markers

if TYPE_CHECKING:
    from jinja2 import Template

TAGS = ("conversation", "criteria", "candidate_1", "candidate_2")


def template_source(name: str) -> str:
    """Text of conf/prompts/<name>.jinja; part of an engine's identity. Raises SettingsError where it is missing."""
    return conf_file(f"prompts/{name}.jinja").read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def compiled(source: str) -> Template:
    """Compile a template: a name it lacks is an error, trailing block lines leave no blanks."""
    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # the output is a prompt, not HTML; `quote` fences what it quotes
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(source)


def quote(text: str) -> str:
    """Make text safe to stand between our tags: it can close or open none of them, nor a chat turn."""
    return escape_tags(neutralise_markers(text), TAGS)
