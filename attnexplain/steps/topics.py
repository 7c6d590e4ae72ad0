"""Short articles on one question each, with a small example that is computed on the spot."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import numpy as np

from attnexplain.arithmetic import dot_product, softmax_row, write_number
from attnexplain.attention import AttentionTrace, Head, attend, causal_mask, weights
from attnexplain.errors import CommandError
from attnexplain.steps.step import ROWS_ASK, Block, Column, Equation, Formula, Grid, Lesson, Prose, Step, places
from attnexplain.steps.worked import dot_product_grid, rounding_notes, sum_of, total_of_products
from attnexplain.text import visible

WORDS = ("cats", "drink", "milk")
_X = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
_HEAD = Head(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 2.0]]))


def topic(name: str, digits: int = 2) -> Lesson:
    """Compose the article on a topic.

    Raises:
        CommandError: there is no such topic.
    """
    if name.lower() not in TOPICS:
        near = get_close_matches(name.lower(), TOPICS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise CommandError(f"there is no topic {visible(name)!r}", hint=f"{hint}The topics are: {', '.join(TOPICS)}")
    question, article = TOPICS[name.lower()]
    return Lesson(question, (), (Step(0, name.lower(), article(_trace(), digits)),))


def _trace(*, causal: bool = False) -> AttentionTrace:
    return attend(_X, _HEAD, mask=causal_mask(len(_X)) if causal else None)


def _example() -> Prose:
    return Prose(
        f'An example with three words, "{WORDS[0]}", "{WORDS[1]}" and "{WORDS[2]}", and vectors of two numbers:'
    )


def _attention(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "In four steps. 1: each word gets a query, a key and a value vector. 2: every query is multiplied with "
            "every key, which gives a score for each pair of words. 3: the scores are divided by √d_k, and softmax "
            "turns each row of them into shares that add up to 1, the attention weights. 4: each word adds up the "
            "value vectors of all words, multiplied by its weights: its context vector."
        ),
        Formula((("attention(Q, K, V) = softmax(Q·Kᵀ / √d_k)·V", "n words in, n context vectors out"),)),
        _example(),
        Grid("1: Q, the queries", WORDS, places(2), trace.queries),
        Grid("1: K, the keys", WORDS, places(2), trace.keys),
        Grid("1: V, the values", WORDS, places(2), trace.values),
        Grid("2: S = Q·Kᵀ, the scores", WORDS, WORDS, trace.scores, note=ROWS_ASK),
        _weights_grid("3: W = softmax(S / √2), the attention weights", trace),
        Grid("4: C = W·V, the context vectors", WORDS, places(2), trace.context),
    )


def _qkv(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    worked = dot_product(_X[0], _HEAD.w_q[:, 0])
    result, _ = total_of_products(worked, digits)
    return (
        Prose(
            "Three roles that every word plays at once. Its query is what it asks for. Its key is what it offers to be "
            "matched on. Its value is what it hands over to those that attend to it. Think of a library: you come with "
            "a question (query), compare it with the labels on the shelves (keys), and take home what stands there "
            "(values)."
        ),
        Prose(
            "They are computed from the word's embedding, a list of numbers, by three parameter matrices. Training "
            "finds the numbers in the matrices; the same three serve every word."
        ),
        Formula((("Q = X·W_q", "K = X·W_k    V = X·W_v"),)),
        _example(),
        Grid("X, the embeddings", WORDS, places(2), _X),
        Grid("W_q", places(2), places(2), _HEAD.w_q),
        Grid("Q = X·W_q", WORDS, places(2), trace.queries, mark=(0, 0)),
        Equation(
            f'place 1 of q("{WORDS[0]}")',
            (f'x("{WORDS[0]}") · column 1 of W_q', result, write_number(worked.total, digits)),
        ),
    )


def _dot_product(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    worked = dot_product(np.array([2.0, -1.0, 3.0]), np.array([4.0, 5.0, 0.5]))
    result, note = total_of_products(worked, digits)
    return (
        Prose(
            "Two lists of numbers of the same length. Multiply them place by place, and add up the products. If both "
            "lists are large in the same places, the sum is large: the two go together. If one is large where the "
            "other is negative, it is negative: they are opposed. If they have nothing to do with one another, it is "
            "near 0."
        ),
        Formula((("a · b = a1·b1 + a2·b2 + …", "two lists of d numbers in, one number out"),)),
        dot_product_grid("a", "b", worked),
        Equation("a · b", (result, write_number(worked.total, digits)), note),
    )


def _scores(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    worked = dot_product(trace.queries[0], trace.keys[2])
    result, note = total_of_products(worked, digits)
    return (
        Prose(
            "A score says how well one word's key answers another word's query: their dot product. There is one for "
            "every pair, and both orders: what a word asks of another is not what that one asks of it."
        ),
        Formula((("score(i, j) = q(i) · k(j)", "all at once: S = Q·Kᵀ"),)),
        _example(),
        Grid("Q, the queries", WORDS, places(2), trace.queries),
        Grid("K, the keys", WORDS, places(2), trace.keys),
        Grid("S, the scores", WORDS, WORDS, trace.scores, note=ROWS_ASK, mark=(0, 2)),
        Equation(f'score("{WORDS[0]}", "{WORDS[2]}")', (result, write_number(worked.total, digits)), note),
    )


def _softmax(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    numbers = np.array([2.0, 1.0, -1.0])
    row = softmax_row(numbers)
    raw = np.exp(numbers)
    table = np.column_stack([numbers, raw, raw / raw.sum(), row.differences, row.exponentials, row.shares])
    total, shifted = write_number(float(raw.sum()), digits), write_number(row.total, digits)
    columns = ("number", "e^", f"÷ {total}", f"- {write_number(row.largest, digits)}", "e^", f"÷ {shifted}")
    footer = (None, float(raw.sum()), 1.0, None, row.total, 1.0)
    return (
        Prose(
            "Softmax turns any numbers into shares: each between 0 and 1, all together 1, in the same order of size. "
            "Raise e = 2.718… to the power of each number, and divide each result by the sum of them all. One more in "
            "the number makes the share e times larger."
        ),
        Formula((("softmax(s_i) = e^s_i / Σ e^s", "n numbers in, n shares out"),)),
        Prose(
            "Computers subtract the largest number first, as in the last three columns. Every power and their sum are "
            "divided by the same number then, so the shares stay the same; but e^1000, which no computer can hold, "
            "never has to be computed."
        ),
        Grid("Three numbers, both ways", ("a", "b", "c"), columns, table, "none", footer=("sum", footer)),
        *rounding_notes("columns the shares", table.T[[2, 5]], (1.0, 1.0), digits),
    )


def _scaling(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    numbers = np.array([1.0, 0.0, -1.0])
    rows = [(1, 1.0), (16, 4.0), (64, 8.0)]
    table = np.array([weights(numbers * spread) for _, spread in rows])
    return (
        Prose(
            "A score is a sum of d_k products. The longer the vectors, the farther from 0 such a sum lies: if the "
            "numbers are independent with variance 1, it has variance d_k, so it grows like √d_k. Softmax of large "
            "numbers gives nearly all to the largest, and training learns little from that. Dividing by √d_k undoes "
            "the growth."
        ),
        Formula((("S / √d_k", "Vaswani et al. 2017, section 3.2.1"),)),
        Grid(
            "Softmax of (1, 0, -1) when it is not divided and grows like √d_k",
            [f"d_k = {d_k}, × {write_number(spread, 0)}" for d_k, spread in rows],
            ("first", "second", "third"),
            table,
            "share",
        ),
        Prose("Divided by √d_k, all three lines would be as the first."),
    )


def _weights(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "The attention weights of a word say how it shares its attention out among all words, itself included: "
            "numbers between 0 and 1, one for each word, together 1. They are the softmax of its scaled scores."
        ),
        Formula((("W = softmax(Q·Kᵀ / √d_k)", "(n, n): one row of shares for each word"),)),
        _example(),
        Grid("S / √2, the scaled scores", WORDS, WORDS, trace.scaled_scores, note=ROWS_ASK),
        _weights_grid("W, the attention weights", trace),
    )


def _context(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    terms = trace.weights[0] * trace.values[:, 0]
    return (
        Prose(
            "The context vector of a word is a mixture of all words' values, each in the share that the word's "
            "attention gives it. So it carries what the sentence says about the word: the same word in another "
            "sentence has another context vector."
        ),
        Formula((("context(i) = Σ_j weight(i, j)·v(j)", "all at once: C = W·V"),)),
        _example(),
        _weights_grid("W, the attention weights", trace),
        Grid("V, the values", WORDS, places(2), trace.values),
        Grid("C, the context vectors", WORDS, places(2), trace.context, mark=(0, 0)),
        Equation(
            f'place 1 of context("{WORDS[0]}")',
            (
                " + ".join(
                    f"{write_number(float(w), digits)}×{write_number(float(v), digits)}"
                    for w, v in zip(trace.weights[0], trace.values[:, 0], strict=True)
                ),
                sum_of(terms, digits),
                write_number(float(trace.context[0, 0]), digits),
            ),
        ),
    )


def _mask(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    masked = _trace(causal=True)
    return (
        Prose(
            "A model that writes must not look ahead at the words it is to guess. A causal mask hides from each word "
            "those that come later: their scaled scores are set to -∞, and e^-∞ is 0, so their weights are exactly 0 "
            "and the others share all of the attention. The first word can only attend to itself. Try it: --causal"
        ),
        _example(),
        Grid("The scaled scores, masked", WORDS, WORDS, masked.scaled_scores, note=ROWS_ASK),
        _weights_grid("The attention weights with the mask", masked),
        _weights_grid("The attention weights without", trace),
    )


def _heads(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    other = attend(_X, Head(_HEAD.w_k, _HEAD.w_q, np.array([[0.0, 1.0], [1.0, 0.0]])))
    return (
        Prose(
            "A head is one set of the three parameter matrices, and so one way of looking: one may link a verb to its "
            "subject, another a word to the one before it. Models have many heads side by side in each layer; each "
            "computes the same four steps with matrices of its own, and their context vectors are put end to end and "
            "mixed by one more matrix."
        ),
        Formula((("heads side by side: [C1, C2, …]·W_o", "(n, h·d_v)·(h·d_v, d_model)"),)),
        _example(),
        _weights_grid("One head", trace),
        _weights_grid("Another head, the same words", other),
        Grid("Both context vectors, end to end", WORDS, places(4), np.hstack([trace.context, other.context])),
    )


def _embeddings(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "Computers know words as lists of numbers: embeddings. Training moves words that stand in the same company "
            "close together. A word has the same embedding in every sentence; what its sentence adds to it is the work "
            "of attention."
        ),
        _example(),
        Grid("X, the embeddings", WORDS, places(2), _X),
    )


def _weights_grid(title: str, trace: AttentionTrace) -> Grid:
    sums = Column("sum", [float(total) for total in trace.weights.sum(axis=1)])
    return Grid(title, WORDS, WORDS, trace.weights, "share", note=ROWS_ASK, after=sums)


Article = Callable[[AttentionTrace, int], tuple[Block, ...]]
TOPICS: dict[str, tuple[str, Article]] = {
    "attention": ("How is self-attention calculated?", _attention),
    "embeddings": ("What is an embedding?", _embeddings),
    "qkv": ("What are query, key and value vectors, and how are they computed?", _qkv),
    "dot-product": ("What is a dot product?", _dot_product),
    "scores": ("What is an attention score?", _scores),
    "scaling": ("Why are the scores divided by √d_k?", _scaling),
    "softmax": ("How is softmax computed?", _softmax),
    "weights": ("What are attention weights?", _weights),
    "context": ("What is a context vector?", _context),
    "mask": ("What is a causal mask?", _mask),
    "heads": ("What is a head, and why are there many?", _heads),
}
