"""Cells worked by hand, against the trace they explain and against pencil and paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnexplain import explain
from attnexplain.arithmetic import dot_product, rounding_note, softmax_row, weighted_sum, write_number


def test_a_dot_product_by_pencil():
    worked = dot_product(np.array([1.0, -2.0, 3.0]), np.array([4.0, 5.0, -6.0]), bias=0.5)
    assert worked.products.tolist() == [4, -10, -18]
    assert worked.total == -23.5


def test_worked_cells_are_the_cells_of_the_trace():
    trace = explain("The cat sat on the mat", model="untrained", causal=True)
    for i in range(6):
        row = softmax_row(trace.scaled_scores[i])
        np.testing.assert_allclose(row.shares, trace.weights[i], rtol=1e-14)
        np.testing.assert_allclose(weighted_sum(trace.weights[i], trace.values).total, trace.context[i], rtol=1e-12)
        for j in range(6):
            assert dot_product(trace.queries[i], trace.keys[j]).total == pytest.approx(trace.scores[i, j], rel=1e-12)


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0.125, 2, "0.12"),
        (-0.004, 2, "0.00"),
        (-0.0, 0, "0"),
        (-0.6, 0, "-1"),
        (1e6, 1, "1.0e+06"),
        (-999999.4, 0, "-999999"),
        (float("-inf"), 2, "-∞"),
        (1 / 3, 8, "0.33333333"),
    ],
)
def test_numbers_as_written(value, digits, written):
    assert write_number(value, digits) == written


@given(st.floats(-1e5, 1e5), st.integers(0, 8))
def test_a_written_number_is_the_number_rounded_and_never_minus_zero(value, digits):
    written = write_number(value, digits)
    assert abs(float(written) - value) <= 0.5 * 10.0**-digits + 1e-9
    assert not (written.startswith("-") and float(written) == 0)


def test_rounding_is_admitted_only_where_it_shows():
    assert rounding_note("terms", np.array([0.25, 0.5]), 0.75, 2) == ""
    assert (
        rounding_note("terms", np.array([0.333, 0.333, 0.333]), 0.999, 2)
        == "rounded: the terms as shown add up to 0.99"
    )
