"""A session in which Spark starts slow tasks twice is refused before an engine is asked."""

from __future__ import annotations

import pytest

from synpref.errors import SettingsError
from synpref.inference.fill import check_speculation


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_speculation_is_refused_with_what_to_do(value: str) -> None:
    with pytest.raises(SettingsError, match=r"ask the engine twice\. Start the session with spark\.speculation=false"):
        check_speculation(value)


@pytest.mark.parametrize("value", ["false", "", None])
def test_a_session_without_it_passes(value: str | None) -> None:
    check_speculation(value)
