"""How sources write a verdict over two responses, and what it means for their canonical order."""

from __future__ import annotations

FIRST, SECOND, TIE, NONE = "first", "second", "tie", "none"

# Numbers are indices into (response_a, response_b): the first response is 0.
SPELLINGS = {
    **dict.fromkeys(("A", "0", "0.0", "A>B", "A>>B", "[[A]]", "RESPONSE_A", "MODEL_A"), FIRST),
    **dict.fromkeys(("B", "1", "1.0", "B>A", "B>>A", "[[B]]", "RESPONSE_B", "MODEL_B"), SECOND),
    **dict.fromkeys(("TIE", "A=B", "B=A", "[[C]]", "DRAW", "EQUAL"), TIE),
    **dict.fromkeys(("", "NONE", "NULL"), NONE),
}


def preference(label: str | None) -> str | None:
    """Read a label as first, second, tie or none (where there is none); None where the spelling is unknown."""
    return NONE if label is None else SPELLINGS.get(label.strip(" ").upper())


def canonical_label(preferred: str, first: str, second: str) -> str:
    """Turn a preference over (first, second), given by their response ids, into a / b / tie / none."""
    if preferred not in {FIRST, SECOND}:
        return preferred
    return "a" if (preferred == FIRST) == (first <= second) else "b"
