"""Cells worked by hand, against the trace they explain and against pencil and paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as scipy_entropy

from attnexplain import explain
from attnexplain.arithmetic import (
    dot_product,
    entropy,
    rounding_note,
    softmax_row,
    strongest_of_tiles,
    weighted_sum,
    write_number,
)


def test_a_dot_product_by_pencil():
    worked = dot_product(np.array([1.0, -2.0, 3.0]), np.array([4.0, 5.0, -6.0]), bias=0.5)
    assert worked.products.tolist() == [4, -10, -18]
    assert (worked.bias, worked.total) == (0.5, -23.5)
    assert dot_product(np.array([1.0]), np.array([2.0])).bias is None


def test_a_row_of_softmax_by_pencil():
    row = softmax_row(np.log([1.0, 2.0, 5.0]))
    assert row.largest == np.log(5.0)
    np.testing.assert_allclose(row.differences, np.log([0.2, 0.4, 1.0]), atol=1e-15)
    np.testing.assert_allclose(row.exponentials, [0.2, 0.4, 1.0])
    assert row.total == pytest.approx(1.6)
    np.testing.assert_allclose(row.shares, [1 / 8, 2 / 8, 5 / 8])


def test_a_weighted_sum_by_pencil():
    worked = weighted_sum(np.array([0.5, 0.25]), np.array([[4.0, 8.0], [-4.0, 0.0]]))
    assert worked.terms.tolist() == [[2, 4], [-1, 0]]
    assert worked.total.tolist() == [1, 4]


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
        (float("inf"), 2, "∞"),
        (0.0, 2, "0.00"),
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
    assert rounding_note("terms", np.array([0.25, -np.inf]), 0.25, 2) == ""


@given(arrays(np.float64, (3, 5), elements=st.floats(0.01, 1)))
def test_entropy_agrees_with_scipy(shares):
    weights = shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(entropy(weights), scipy_entropy(weights, axis=1), rtol=1e-12)


def test_entropy_of_all_on_one_is_zero_and_of_equal_shares_the_logarithm_of_their_number():
    measured = entropy(np.array([[0.0, 1.0, 0.0, 0.0], [0.25] * 4]))
    np.testing.assert_allclose(measured, [0, np.log(4)], atol=1e-15)
    assert not np.signbit(measured[0])
    assert entropy(np.full((2, 3, 4), 1 / 4)).shape == (2, 3)


@pytest.mark.parametrize(("tall", "wide"), [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (7, 9)])
@given(arrays(np.float64, (5, 6), elements=st.floats(-9, 9)))
def test_the_strongest_of_tiles_is_that_of_a_plain_loop(tall, wide, strengths):
    expected = [
        [max(strengths[i : i + tall, j : j + wide].flat, key=abs) for j in range(0, 6, wide)] for i in range(0, 5, tall)
    ]
    found = strongest_of_tiles(strengths, tall, wide)
    assert found.shape == np.shape(expected)
    np.testing.assert_array_equal(np.abs(found), np.abs(expected))
    assert np.isin(found, strengths).all()
