"""The page of maths, against closed forms, scipy, PyTorch's stored numbers, and properties that must hold."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax as scipy_softmax

from attnexplain.attention import Head, attend, causal_mask, context, project, scaled_scores, scores, weights
from attnexplain.errors import NumbersError

REFERENCE = json.loads((Path(__file__).parent / "data" / "torch_reference.json").read_text())["cases"]
E = np.e

numbers = st.floats(-50, 50, allow_nan=False)


def matrices(rows, columns):
    return arrays(np.float64, (rows, columns), elements=numbers)


@st.composite
def problems(draw):
    n, d_model, d_k, d_v = (draw(st.integers(1, 6)) for _ in range(4))
    head = Head(draw(matrices(d_model, d_k)) / 50, draw(matrices(d_model, d_k)) / 50, draw(matrices(d_model, d_v)) / 50)
    return draw(matrices(n, d_model)), head


# Closed forms


def test_two_orthogonal_words_share_as_one_to_e():
    trace = attend(np.eye(2), Head(np.eye(2), np.eye(2), np.eye(2)), scale=1)
    assert_allclose(trace.weights, np.array([[E, 1], [1, E]]) / (1 + E), rtol=1e-15)
    assert_allclose(trace.context, trace.weights, rtol=1e-15)


def test_weights_of_zero_and_one_are_one_and_e_over_their_sum():
    assert_allclose(weights(np.array([[0.0, 1.0]])), np.array([[1, E]]) / (1 + E), rtol=1e-15)


def test_equal_scores_share_equally():
    assert_array_equal(weights(np.full((3, 4), 7.0)), np.full((3, 4), 0.25))


def test_scores_by_pencil():
    queries, keys = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    assert_array_equal(scores(queries, keys), [[11, 17], [-4, -6]])


def test_projection_by_pencil_with_biases():
    head = Head([[1, 0], [2, 1]], [[0, 1], [1, 0]], [[1], [1]], b_q=[10, 20], b_k=[1, 1], b_v=[0.5])
    queries, keys, values = project(np.array([[3.0, 4.0]]), head)
    assert_array_equal(queries, [[3 + 8 + 10, 4 + 20]])
    assert_array_equal(keys, [[4 + 1, 3 + 1]])
    assert_array_equal(values, [[7.5]])


def test_scores_are_divided_by_the_root_of_d_k():
    trace = attend(np.ones((2, 9)), Head(np.eye(9), np.eye(9), np.eye(9)))
    assert trace.scale == 3.0
    assert_array_equal(trace.scaled_scores, np.full((2, 2), 3.0))


def test_context_by_pencil():
    assert_array_equal(context(np.array([[0.25, 0.75]]), np.array([[4.0, 0.0], [8.0, 4.0]])), [[7.0, 3.0]])


def test_causal_mask_of_three():
    assert_array_equal(causal_mask(3), [[True, False, False], [True, True, False], [True, True, True]])


# Others


@given(matrices(3, 5))
def test_weights_agree_with_scipy(rows):
    assert_allclose(weights(rows), scipy_softmax(rows, axis=-1), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("case", REFERENCE, ids=[case["name"] for case in REFERENCE])
def test_context_agrees_with_pytorch(case):
    head = Head(*(case[name] for name in ("w_q", "w_k", "w_v", "b_q", "b_k", "b_v")))
    mask = causal_mask(len(case["x"])) if case["causal"] else None
    trace = attend(case["x"], head, scale=case["scale"], mask=mask)
    assert_allclose(trace.context, case["context"], rtol=1e-12, atol=1e-12)
    if "weights" in case:
        assert_allclose(trace.weights, case["weights"], rtol=1e-12, atol=1e-12)


# Properties


@given(problems())
def test_weights_of_each_query_sum_to_one(problem):
    trace = attend(*problem)
    assert_allclose(trace.weights.sum(axis=1), 1, rtol=1e-12)
    assert (trace.weights >= 0).all()


@given(matrices(2, 4), st.floats(-1000, 1000))
def test_adding_a_constant_to_a_row_changes_nothing(rows, constant):
    assert_allclose(weights(rows + constant), weights(rows), rtol=1e-9, atol=1e-12)


@given(problems(), st.randoms(use_true_random=False))
def test_permuting_the_words_permutes_the_result(problem, random):
    x, head = problem
    order = list(range(len(x)))
    random.shuffle(order)
    straight, permuted = attend(x, head), attend(x[order], head)
    assert_allclose(permuted.weights, straight.weights[np.ix_(order, order)], rtol=1e-9, atol=1e-12)
    assert_allclose(permuted.context, straight.context[order], rtol=1e-9, atol=1e-9)


@given(problems())
def test_context_lies_within_the_range_of_the_values(problem):
    trace = attend(*problem)
    slack = 1e-9 * (1 + np.abs(trace.values).max())
    assert (trace.context >= trace.values.min(axis=0) - slack).all()
    assert (trace.context <= trace.values.max(axis=0) + slack).all()


@given(problems())
def test_causal_weights_are_exactly_zero_above_the_diagonal(problem):
    x, head = problem
    trace = attend(x, head, mask=causal_mask(len(x)))
    assert_array_equal(trace.weights[~causal_mask(len(x))], 0.0)
    assert np.isneginf(trace.scaled_scores[~causal_mask(len(x))]).all()


@given(problems(), st.integers(0, 5), numbers)
def test_later_words_do_not_change_earlier_rows_under_a_causal_mask(problem, place, number):
    x, head = problem
    place = min(place, len(x) - 1)
    changed = x.copy()
    changed[place] = number
    mask = causal_mask(len(x))
    before, after = attend(x, head, mask=mask), attend(changed, head, mask=mask)
    assert_allclose(after.weights[:place], before.weights[:place], rtol=1e-12, atol=1e-15)
    assert_allclose(after.context[:place], before.context[:place], rtol=1e-12, atol=1e-12)


def test_huge_scores_do_not_overflow():
    assert_array_equal(weights(np.array([[1e300, -1e300], [1e4, 1e4]])), [[1, 0], [0.5, 0.5]])


def test_the_trace_cannot_be_changed():
    trace = attend(np.eye(2), Head(np.eye(2), np.eye(2), np.eye(2)))
    with pytest.raises(ValueError, match="read-only"):
        trace.weights[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        trace.head.w_q[0, 0] = 1


def test_the_arrays_that_were_given_stay_writable():
    x = np.eye(2)
    attend(x, Head(x, x, x))
    x[0, 0] = 5


def test_integers_are_computed_in_float64_and_float32_stays():
    eye = np.eye(2, dtype=int)
    assert attend(eye, Head(eye, eye, eye)).context.dtype == np.float64
    single = np.eye(2, dtype=np.float32)
    assert attend(single, Head(single, single, single)).context.dtype == np.float32


# Refusals

EYE = np.eye(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Head(EYE, np.eye(3), EYE), r"w_q of shape (2, 2) does not fit w_k of shape (3, 3): both"),
        (lambda: Head(EYE, EYE, np.ones((3, 2))), "w_v of shape (3, 2) does not fit w_q of shape (2, 2)"),
        (lambda: Head(EYE, EYE, EYE, b_k=[1]), "b_k of shape (1,) does not fit w_k of shape (2, 2)"),
        (lambda: Head([[1, 2], [3]], EYE, EYE), "the rows of w_q differ in length"),
        (lambda: Head([["a"]], EYE, EYE), "w_q holds something that is not a real number"),
        (lambda: Head([[True]], [[True]], [[True]]), "w_q holds something that is not a real number"),
        (lambda: Head([1, 2], EYE, EYE), "w_q has the shape (2,); expected rows and columns of numbers"),
        (lambda: Head(EYE, EYE, EYE, b_v=EYE), "b_v has the shape (2, 2); expected a list of numbers"),
        (lambda: Head([[np.nan, 1], [1, 1]], EYE, EYE), "w_q at (1, 1) is not finite"),
        (lambda: attend([[1, np.inf]], Head(EYE, EYE, EYE)), "embeddings at (1, 2) is not finite"),
        (lambda: attend(np.ones((2, 3)), Head(EYE, EYE, EYE)), "embeddings of shape (2, 3) does not fit w_q"),
        (lambda: attend(np.ones((0, 2)), Head(EYE, EYE, EYE)), "embeddings has the shape (0, 2)"),
        (lambda: attend(np.full((2, 2), 1e200), Head(EYE, EYE, EYE)), "scores at (1, 1) is not finite"),
        (lambda: attend(EYE, Head(EYE * 1e308, EYE, EYE), scale=1e-300),
         "scaled scores at (1, 1) is not finite"),
        (lambda: attend(EYE, Head(EYE, EYE, EYE), scale=0), "scores cannot be divided by 0"),
        (lambda: attend(EYE, Head(EYE, EYE, EYE), scale=np.nan), "scores cannot be divided by nan"),
        (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[True, True], [False, False]]), "leaves word 2 nothing"),
        (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[1, 1], [1, 1]]), "expected bool of shape (2, 2)"),
        (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[True]]), "expected bool of shape (2, 2)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(make, message):
    with pytest.raises(NumbersError) as caught:
        make()
    assert message in str(caught.value)


def test_scaled_scores_keep_the_order():
    row = np.array([[3.0, -1.0, 2.0]])
    assert_array_equal(np.argsort(scaled_scores(row, 4.0)), np.argsort(row))
