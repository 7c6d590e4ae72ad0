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

from attnexplain.attention import (
    Head,
    attend,
    attend_given,
    causal_mask,
    context,
    project,
    scaled_scores,
    scores,
    weights,
)
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


def test_given_queries_keys_and_values_go_through_the_same_steps():
    head = Head([[1, 0], [2, 1]], [[0, 1], [1, 0]], [[1], [1]])
    x, mask = np.array([[3.0, 4.0], [1.0, -2.0]]), causal_mask(2)
    whole = attend(x, head, mask=mask)
    part = attend_given(whole.queries, whole.keys, whole.values, mask=mask)
    assert (part.embeddings, part.head, part.d_model) == (None, None, 0)
    assert (part.d_k, part.d_v, part.scale) == (2, 1, whole.scale)
    for name in ("mask", "scores", "scaled_scores", "weights", "context"):
        assert_array_equal(getattr(part, name), getattr(whole, name))


def test_every_step_works_on_the_last_axis_of_a_stack_of_matrices():
    """As layers of heads are computed: (heads, n, n) at once."""
    stack = np.arange(24.0).reshape(2, 4, 3) % 7
    assert_allclose(weights(stack), scipy_softmax(stack, axis=-1), rtol=1e-14)
    mask = np.broadcast_to(causal_mask(4), (2, 4, 4))
    assert np.isneginf(scaled_scores(np.zeros((2, 4, 4)), 2.0, mask)[~mask]).all()
    blind = mask.copy()
    blind[1, 2] = False
    with pytest.raises(NumbersError):
        scaled_scores(np.zeros((2, 4, 4)), 2.0, blind)
    head = Head(np.ones((3, 2)), np.ones((3, 2)), np.ones((3, 1)))
    assert [part.shape for part in project(stack, head)] == [(2, 4, 2), (2, 4, 2), (2, 4, 1)]


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
    assert Head(eye, eye, eye).w_q.dtype == np.float64
    half = np.eye(2, dtype=np.float16)
    assert Head(half, half, half).w_q.dtype == np.float64
    single = np.eye(2, dtype=np.float32)
    assert attend(single, Head(single, single, single)).context.dtype == np.float32


# Refusals

EYE = np.eye(2)


HUGE = np.full((2, 2), 1e200)
HAS_A_HOLE = [[1, 1], [1, np.nan]]
NOT_FINITE = "is not finite: NaN, infinite, or numbers too large to multiply"
REFUSED = [
    (lambda: Head(EYE, np.eye(3), EYE), "w_q of shape (2, 2) does not fit w_k of shape (3, 3): both are (d_model, d_k)"),
    (lambda: Head(EYE, EYE, np.ones((3, 2))), "w_v of shape (3, 2) does not fit w_q of shape (2, 2): both have d_model rows"),
    (lambda: Head(EYE, EYE, EYE, b_k=[1]), "b_k of shape (1,) does not fit w_k of shape (2, 2): a bias has one number per column"),
    (lambda: Head([[1, 2], [3]], EYE, EYE), "the rows of w_q differ in length"),
    (lambda: Head([["a"]], EYE, EYE), "w_q holds something that is not a real number"),
    (lambda: Head([[True]], [[True]], [[True]]), "w_q holds something that is not a real number"),
    (lambda: Head([[1j]], EYE, EYE), "w_q holds something that is not a real number"),
    (lambda: Head([1, 2], EYE, EYE), "w_q has the shape (2,); expected rows and columns of numbers, and at least one"),
    (lambda: Head(EYE, EYE, EYE, b_v=EYE), "b_v has the shape (2, 2); expected a list of numbers, and at least one"),
    (lambda: Head([[np.nan, 1], [1, 1]], EYE, EYE), f"w_q at (1, 1) {NOT_FINITE}"),
    (lambda: attend([[1, np.inf]], Head(EYE, EYE, EYE)), f"embeddings at (1, 2) {NOT_FINITE}"),
    (lambda: attend(np.ones((2, 3)), Head(EYE, EYE, EYE)), "embeddings of shape (2, 3) does not fit w_q of shape (2, 2): an embedding has one number per row of w_q"),
    (lambda: attend(np.ones((0, 2)), Head(EYE, EYE, EYE)), "embeddings has the shape (0, 2); expected rows and columns of numbers, and at least one"),
    (lambda: attend(HUGE, Head(HUGE, EYE, EYE)), f"queries at (1, 1) {NOT_FINITE}"),
    (lambda: attend(HUGE, Head(EYE, HUGE, EYE)), f"keys at (1, 1) {NOT_FINITE}"),
    (lambda: attend(HUGE, Head(EYE, EYE, HUGE)), f"values at (1, 1) {NOT_FINITE}"),
    (lambda: attend(HUGE, Head(EYE, EYE, EYE)), f"scores at (1, 1) {NOT_FINITE}"),
    (lambda: attend(EYE, Head(EYE * 1e308, EYE, EYE), scale=1e-300), f"scaled scores at (1, 1) {NOT_FINITE}"),
    (lambda: context(np.ones((1, 2)), np.full((2, 1), 1.7e308)), f"context at (1, 1) {NOT_FINITE}"),
    (lambda: attend(EYE, Head(EYE, EYE, EYE), scale=0), "scores cannot be divided by 0: the scale is a finite number above 0"),
    (lambda: attend(EYE, Head(EYE, EYE, EYE), scale=np.nan), "scores cannot be divided by nan: the scale is a finite number above 0"),
    (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[True, True], [False, False]]), "the mask leaves word 2 nothing to attend to: each row needs at least one True"),
    (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[1, 1], [1, 1]]), "the mask is int64 of shape (2, 2); expected bool of shape (2, 2)"),
    (lambda: attend(EYE, Head(EYE, EYE, EYE), mask=[[True]]), "the mask is bool of shape (1, 1); expected bool of shape (2, 2)"),
    (lambda: attend_given(HAS_A_HOLE, EYE, EYE), f"queries at (2, 2) {NOT_FINITE}"),
    (lambda: attend_given(EYE, HAS_A_HOLE, EYE), f"keys at (2, 2) {NOT_FINITE}"),
    (lambda: attend_given(EYE, EYE, HAS_A_HOLE), f"values at (2, 2) {NOT_FINITE}"),
    (lambda: attend_given(EYE, np.eye(3), EYE), "queries of shape (2, 2) does not fit keys of shape (3, 3): both are (n, d_k)"),
    (lambda: attend_given(EYE, EYE, np.eye(3)), "values of shape (3, 3) does not fit queries of shape (2, 2): both have one row per word"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow")
@given(
    arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from([np.float32, np.float64]),
)
def test_scores_are_refused_where_one_is_not_finite_and_only_there(vectors, dtype):
    with np.errstate(all="ignore"):
        rows = vectors.astype(dtype)
        products = rows @ rows.T
        if np.isfinite(products).all():
            assert_array_equal(scores(rows, rows), products)
        else:
            with pytest.raises(NumbersError, match="scores at"):
                scores(rows, rows)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_does_not_fit_is_refused_by_name(make, message):
    with pytest.raises(NumbersError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("head", [Head(HUGE, EYE, EYE), Head(EYE, EYE, EYE)], ids=["queries", "scores"])
def test_numpy_says_nothing_on_the_way_to_a_refusal(head):
    with pytest.raises(NumbersError):
        attend(HUGE, head)


def test_scaled_scores_keep_the_order():
    row = np.array([[3.0, -1.0, 2.0]])
    assert_array_equal(np.argsort(scaled_scores(row, 4.0)), np.argsort(row))
