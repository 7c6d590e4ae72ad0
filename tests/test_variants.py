"""What newer models add to the four steps, against closed forms and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from attnexplain.attention import Head, attend
from attnexplain.errors import NumbersError
from attnexplain.variants import Norm, Rotation, Variant, attend_given, attend_projected, visible_mask
from attnexplain.variants import attend as attend_variant

RANDOM = np.random.default_rng(0)
Q, K, V = RANDOM.normal(size=(3, 6, 8))
FREQUENCIES = 50.0 ** (-np.arange(0, 8, 2) / 8)


def complex_rotation(vectors, frequencies, *, interleaved):
    """Rotate as complex numbers are: a pair is one number, times e^(i·angle)."""
    half = len(frequencies)
    first, second = (
        (vectors[:, : 2 * half : 2], vectors[:, 1 : 2 * half : 2])
        if interleaved
        else (vectors[:, :half], vectors[:, half : 2 * half])
    )
    turned = (first + 1j * second) * np.exp(1j * np.arange(len(vectors))[:, None] * frequencies)
    expected = vectors.copy()
    if interleaved:
        expected[:, : 2 * half : 2], expected[:, 1 : 2 * half : 2] = turned.real, turned.imag
    else:
        expected[:, :half], expected[:, half : 2 * half] = turned.real, turned.imag
    return expected


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("pairs", [1, 3, 4])
def test_rotation_is_multiplication_of_complex_numbers(pairs, interleaved):
    rotation = Rotation(FREQUENCIES[:pairs], 50.0, is_interleaved=interleaved)
    expected = complex_rotation(Q, FREQUENCIES[:pairs], interleaved=interleaved)
    np.testing.assert_allclose(rotation(Q), expected, atol=1e-12)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 100))
def test_a_rotated_score_depends_on_the_distance_alone(i, j, later):
    rotation = Rotation(FREQUENCIES, 50.0)
    here = rotation(Q[:1], [i]) @ rotation(K[:1], [j]).T
    there = rotation(Q[:1], [i + later]) @ rotation(K[:1], [j + later]).T
    np.testing.assert_allclose(here, there, atol=1e-9)


def test_a_norm_makes_the_root_of_the_mean_square_the_gain():
    normed = Norm(np.full(8, 3.0), 0.0)(Q)
    np.testing.assert_allclose(np.sqrt(np.mean(normed**2, axis=1)), 3.0)
    np.testing.assert_allclose(normed / Q, (normed / Q)[:, :1] * np.ones(8))


def test_step_three_is_that_of_the_definition():
    """weights = softmax(mask(cap(Q·Kᵀ / scale) + bias)), and a sink beside each row."""
    bias = RANDOM.normal(size=(6, 6))
    mask = visible_mask(6, causal=True, window=3)
    trace = attend_given(Q, K, V, scale=2.0, mask=mask, variant=Variant(softcap=1.5, bias=bias, window=3, sink=0.7))
    logits = np.where(mask, 1.5 * np.tanh(Q @ K.T / 2.0 / 1.5) + bias, -np.inf)
    expected = softmax(np.column_stack([logits, np.full(6, 0.7)]), axis=1)
    np.testing.assert_allclose(trace.weights, expected[:, :-1], atol=1e-12)
    np.testing.assert_allclose(trace.sink_shares, expected[:, -1], atol=1e-12)
    np.testing.assert_allclose(trace.weights.sum(axis=1) + trace.sink_shares, 1)
    np.testing.assert_allclose(trace.context, expected[:, :-1] @ V, atol=1e-12)
    np.testing.assert_array_equal(trace.scaled_scores, logits)


def test_nothing_added_is_plain_attention():
    head = Head(*RANDOM.normal(size=(3, 8, 8)))
    plain, variant = attend(Q, head), attend_variant(Q, head)
    for part in ("queries", "keys", "values", "scores", "scaled_scores", "weights", "context"):
        np.testing.assert_array_equal(getattr(plain, part), getattr(variant, part))
    assert variant.projected_queries is None
    assert variant.sink_shares is None
    assert variant.variant.is_plain


def test_projected_vectors_are_kept_where_something_follows():
    trace = attend_projected(Q, K, V, variant=Variant(rotation=Rotation(FREQUENCIES, 50.0)))
    np.testing.assert_array_equal(trace.projected_queries, Q)
    assert np.abs(trace.queries[1:] - Q[1:]).max() > 0.1
    np.testing.assert_array_equal(trace.queries[0], Q[0])  # position 0 is not turned


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 1, 2, 5, 9])
def test_a_window_counts_the_word_itself(window, causal):
    mask = visible_mask(6, causal=causal, window=window)
    for i in range(6):
        for j in range(6):
            is_near = window is None or abs(i - j) < window
            expected = is_near and (j <= i or not causal)
            assert (mask is None or bool(mask[i, j])) == expected


def test_a_cap_of_nothing_is_refused():
    for cap in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(NumbersError, match="a soft cap is a finite number above 0"):
            attend_given(Q, K, V, variant=Variant(softcap=cap))
