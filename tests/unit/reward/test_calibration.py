"""Calibration of p = sigmoid(margin), against cases computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synpref.reward.calibration import calibration, reliability_plot

MARGINS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-30, 30))


def test_hand_computed() -> None:
    # sigmoid(log 3) = 0.75: in the bin [0.7, 0.8) two of four are right, so it is 0.25 too sure
    found = calibration(np.array([math.log(3), math.log(3), -math.log(3), -math.log(3)]), bins=5)
    (one,) = found.bins
    assert (one.low, one.high) == pytest.approx((0.7, 0.8))
    assert (one.rows, one.accuracy) == (4, 0.5)
    assert one.confidence == pytest.approx(0.75)
    assert found.error == pytest.approx(0.25)
    assert found.loss == pytest.approx((2 * math.log(4 / 3) + 2 * math.log(4)) / 4)


def test_a_model_that_is_right_as_often_as_it_says_has_no_error() -> None:
    margin = math.log(3)
    assert calibration(np.array([margin] * 3 + [-margin])).error == pytest.approx(0)


def test_a_constant_scorer_is_calibrated_and_at_chance() -> None:
    found = calibration(np.zeros(10))
    assert found.error == 0
    assert found.loss == pytest.approx(math.log(2))


@settings(deadline=None)  # how long a case takes is the machine's, and it may be busy
@given(MARGINS, st.randoms())
def test_rows_add_up_whatever_their_order(
    margins: np.ndarray[tuple[int], np.dtype[np.float64]], random: object
) -> None:
    found = calibration(margins)
    assert sum(one.rows for one in found.bins) == len(margins)
    assert 0 <= found.error <= 1
    assert calibration(margins[::-1]).error == pytest.approx(found.error)
    assert all(one.low - 1e-9 <= one.confidence <= one.high + 1e-9 for one in found.bins)


def test_the_plot_shows_every_bin() -> None:
    found = calibration(np.linspace(-4, 4, 41))
    figure = reliability_plot(found, "mine")
    (axes,) = figure.axes
    measured = next(line for line in axes.lines if line.get_label() == "measured")
    assert list(np.asarray(measured.get_xdata())) == [100 * one.confidence for one in found.bins]
    assert axes.get_title().startswith("mine: calibration error")
