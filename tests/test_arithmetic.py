"""Cells worked by hand from printed numbers, against pencil and paper and against the trace that they explain."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from scipy.stats import entropy as scipy_entropy

from attnexplain import explain
from attnexplain.arithmetic import (
    as_printed,
    digits_of,
    dot_product,
    enough_digits,
    entropy,
    result,
    rounded,
    softmax_row,
    strongest_of_tiles,
    weighted_sum,
    write_number,
)


def numbers(*written):
    return tuple(Decimal(number) for number in written)


def test_a_dot_product_by_pencil():
    worked = dot_product(np.array([1.0, -2.0, 3.0]), np.array([4.0, 5.0, -6.0]), 2, bias=0.5)
    assert worked.products == numbers("4", "-10", "-18")
    assert (worked.bias, worked.total) == numbers("0.5", "-23.5")
    assert worked.is_exact
    assert dot_product(np.array([1.0]), np.array([2.0]), 2).bias is None


def test_a_dot_product_starts_from_the_printed_numbers():
    """1.004 is printed as 1.00 and 0.005 × 1 as 0.01: the sum is that of what is seen, not of what is behind it."""
    worked = dot_product(np.array([1.004, 0.15]), np.array([3.0, 0.1]), 2)
    assert worked.left == numbers("1.00", "0.15")
    assert worked.products == numbers("3.00", "0.02")
    assert worked.total == Decimal("3.02")
    assert not worked.is_exact


def test_a_long_dot_product_writes_out_the_eight_largest_and_puts_the_rest_together():
    left = np.arange(1.0, 41.0)
    worked = dot_product(left, np.ones(40), 2)
    assert worked.places == tuple(range(32, 40))
    assert worked.rest == sum(range(1, 33))
    assert worked.total == sum(range(1, 41))


def test_a_row_of_softmax_by_pencil():
    """e^0 = 1, e^0.69 = 1.99, e^1.61 = 5.00; together 7.99."""
    row = softmax_row(np.log([1.0, 2.0, 5.0]), 1.0, 2)
    assert row.largest is None
    assert row.scaled == numbers("0.00", "0.69", "1.61")
    assert row.exponentials == numbers("1.00", "1.99", "5.00")
    assert row.total == Decimal("7.99")
    assert row.shares == numbers("0.13", "0.25", "0.63")


def test_the_largest_is_subtracted_where_numbers_would_be_huge():
    row = softmax_row(np.array([0.0, 23.0]), 2.0, 2)
    assert row.largest == Decimal("11.50")
    assert row.differences == numbers("-11.50", "0.00")
    assert row.exponentials == numbers("0.00", "1.00")
    assert softmax_row(np.array([0.0, 20.0]), 2.0, 2).largest is None  # at 10 exactly: not yet
    assert softmax_row(np.array([0.0, 20.0]), 2.0, 2, subtract=True).largest == Decimal("10.00")


def test_a_masked_place_has_no_share():
    row = softmax_row(np.array([1.0, 1.0]), 1.0, 2, scaled=np.array([1.0, -np.inf]))
    assert row.shares == numbers("1", "0")
    assert row.scaled[1].is_infinite()


def test_a_whole_divisor_is_printed_as_one():
    assert str(softmax_row(np.array([6.0]), 3.0, 2, is_whole=True).divisor) == "3"
    assert str(softmax_row(np.array([6.0]), 2**0.5, 0).divisor) == "1.41"


def test_a_weighted_sum_by_pencil():
    worked = weighted_sum(np.array([0.5, 0.25]), np.array([4.0, -4.0]), 2)
    assert worked.products == numbers("2", "-1")
    assert worked.total == 1
    assert worked.is_exact
    part = weighted_sum(np.array([0.5, 0.25, 0.25]), np.array([4.0, -4.0, 8.0]), 2, places=[0])
    assert (part.rest, part.total, part.is_exact) == (1, 3, False)


def test_worked_cells_are_the_cells_of_the_trace():
    """With eight digits nothing but rounding stands between what is worked and what was computed."""
    trace = explain("The cat sat on the mat", model="untrained", causal=True)
    for i in range(6):
        row = softmax_row(trace.scores[i], trace.scale, 8, scaled=trace.scaled_scores[i])
        np.testing.assert_allclose([float(share) for share in row.shares], softmax(trace.scaled_scores[i]), atol=1e-7)
        for k in range(trace.values.shape[1]):
            worked = weighted_sum(trace.weights[i], trace.values[:, k], 8)
            assert float(worked.total) == pytest.approx(trace.context[i, k], abs=1e-6)
        for j in range(6):
            worked = dot_product(trace.queries[i], trace.keys[j], 8)
            assert float(worked.total) == pytest.approx(trace.scores[i, j], abs=1e-6)


@given(
    arrays(np.float64, 5, elements=st.floats(-50, 50)), arrays(np.float64, 5, elements=st.floats(-50, 50)),
    st.integers(0, 8),
)  # fmt: skip
def test_what_is_worked_follows_from_what_is_printed(left, right, digits):
    """The products as printed add up to the total as printed, exactly, whatever was rounded on the way."""
    worked = dot_product(left, right, digits)
    assert sum(worked.products) == worked.total
    for a, b, product in zip(worked.left, worked.right, worked.products, strict=True):
        assert abs(a * b - product) <= Decimal("0.5").scaleb(-digits)


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


def test_a_result_is_rounded_as_a_reader_rounds_and_says_so():
    assert [rounded(Decimal(x), 2) for x in ("0.125", "-0.125", "0.124")] == [*numbers("0.13", "-0.13", "0.12")]
    assert not rounded(Decimal("-0.001"), 2).is_signed()
    assert rounded(Decimal("12345678"), 2) == Decimal("12300000")
    assert (result(Decimal("0.5"), 2).sign, result(Decimal("0.555"), 2).sign) == ("=", "≈")
    assert as_printed(float("-inf"), 2) == Decimal("-Infinity")


@given(st.floats(-1e5, 1e5), st.integers(0, 8))
def test_a_written_number_is_the_number_rounded_and_never_minus_zero(value, digits):
    written = write_number(value, digits)
    assert abs(float(written) - value) <= 0.5 * 10.0**-digits + 1e-9
    assert not (written.startswith("-") and float(written) == 0)


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


def test_a_long_list_writes_out_the_places_with_the_largest_products():
    left = np.array([0.01, *[1.0] * 18, 100.0])
    right = np.array([900.0, *[2.0] * 18, 0.5])
    right[5:11] = 7.0  # products: 9, 2, …, 7 in six places, …, 50
    worked = dot_product(left, right, 2)
    assert worked.places == (0, 5, 6, 7, 8, 9, 10, 19)
    assert worked.rest == Decimal("24.00")


def test_whole_numbers_keep_all_digits_up_to_a_million_millions():
    assert write_number(10**12 - 1, 0) == "999999999999"
    assert "e" in write_number(10**12, 0)
    assert rounded(Decimal(10**12 - 1), 0) == Decimal(10**12 - 1)
    assert digits_of([10**12 - 1.0, 2.0], 2) == 0
    assert digits_of([10.0**12, 2.0], 2) == 2


def test_a_number_gets_at_most_twenty_digits_to_be_seen():
    assert enough_digits(4e-15, 2) == 15
    assert enough_digits(1e-30, 2) == 20
    assert enough_digits(0.0, 2) == 2


@pytest.mark.parametrize(("largest", "is_subtracted"), [(10.0, False), (10.01, True), (-1.99, False), (-2.0, True)])
def test_the_largest_score_is_subtracted_where_powers_would_be_too_large_or_too_small(largest, is_subtracted):
    row = softmax_row(np.array([largest, largest - 1]), 1.0, 2)
    assert (row.largest is not None) == is_subtracted
