"""Short articles on one question each, on one screen where that can be, with an example computed on the spot."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from math import cos, log, sin

import numpy as np

from attnexplain.arithmetic import (
    FEWEST,
    as_printed,
    dot_product,
    result,
    rounded,
    softmax_row,
    weighted_sum,
    write_number,
)
from attnexplain.attention import AttentionTrace, Head, attend, causal_mask, weights
from attnexplain.errors import CommandError
from attnexplain.steps.blocks import (
    Block,
    Column,
    Equation,
    EquationLine,
    Formula,
    FormulaLine,
    Grid,
    Lesson,
    Number,
    Pair,
    Prose,
    Role,
    Step,
    Symbol,
    Term,
    places,
)
from attnexplain.steps.worked import dot_product_equation, dot_product_grid, exact_note, sum_line
from attnexplain.text import visible

WORDS = ("cats", "drink", "milk")
_X = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
_HEAD = Head(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 2.0]]))


def topic(name: str, digits: int = 2) -> Lesson:
    """Compose the article on a topic.

    Raises:
        CommandError: there is no such topic.
    """
    wanted = name.lower().replace(" ", "-")
    if wanted not in TOPICS:
        near = get_close_matches(wanted, TOPICS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise CommandError(f"there is no topic {visible(name)!r}", hint=f"{hint}The topics are: {', '.join(TOPICS)}")
    question, article = TOPICS[wanted]
    return Lesson(question, (Step(0, "", article(_trace(), digits)),))


def _trace(*, causal: bool = False) -> AttentionTrace:
    return attend(_X, _HEAD, mask=causal_mask(len(_X)) if causal else None)


def _formula(*parts: str | Symbol, shapes: str = "") -> Formula:
    return Formula((FormulaLine(parts, shapes),))


def _grid(title: str, numbers: object, role: Role = "other", columns: tuple[str, ...] | None = None) -> Grid:
    array = np.asarray(numbers)
    return Grid(title, WORDS, columns or places(array.shape[1]), array, role=role)


def _square(title: str, trace: AttentionTrace, role: Role) -> Grid:
    numbers = {"scores": trace.scores, "scaled_scores": trace.scaled_scores, "weights": trace.weights}[role]
    sums = (Column("sum", trace.weights.sum(axis=1).tolist(), is_total=True),) if role == "weights" else ()
    colours = "share" if role == "weights" else "signed"
    return Grid(title, WORDS, WORDS, numbers, colours, rows_ask=True, after=sums, role=role)  # type: ignore[arg-type]


def _worked(left: str, *lines: tuple[str, tuple[Term, ...]]) -> Equation:
    return Equation(left, tuple(EquationLine(sign, terms) for sign, terms in lines))


_Q, _K, _V, _S, _W, _C = map(Symbol, "QKVSWC")
_KT = Symbol("K", is_transposed=True)
_ROOT = Symbol("d", "k", is_under_root=True)


def _attention(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "In four steps. 1: each word gets a query, a key and a value, three lists of numbers. 2: the dot product "
            "of every query with every key is a score for each pair of words. 3: the scores are divided by √d_k (d_k "
            "is the length of a query), and softmax turns each row into shares that add up to 1, the attention "
            "weights. 4: each word adds up the values of all words, multiplied by its shares: its context vector."
        ),
        _formula(
            "attention(Q, K, V) = softmax(", _Q, "·", _KT, " / ", _ROOT, ")·", _V, shapes="Kᵀ: K turned on its side"
        ),
        _square("The weights of three words", trace, "weights"),
        Prose('See it on a sentence of your own: attnexplain "The river bank was flooded after the storm"'),
    )


def _qkv(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    worked = dot_product(_X[0], _HEAD.w_q[:, 0], digits)
    return (
        Prose(
            "Three roles that every word plays at once. Its query is what it asks for, its key what it offers to be "
            "matched on, its value what it hands over to those that attend to it. In a library you come with a "
            "question (query), compare it with the labels on the shelves (keys), and take home what is there (values)."
        ),
        Prose(
            "They are computed from the word's embedding by three parameter matrices. Training finds the numbers in "
            "the matrices; the same three serve every word."
        ),
        Formula(tuple(FormulaLine((Symbol(c), " = ", Symbol("X"), "·", Symbol("W", c.lower()))) for c in "QKV")),
        Pair(
            Grid("X, the embeddings", WORDS, places(2), _X, role="embeddings"),
            Grid("W_q", places(2), places(2), _HEAD.w_q, role="w_q"),
        ),
        dot_product_equation(
            f'place 1 of q("{WORDS[0]}")', f'x("{WORDS[0]}") · column 1 of W_q', worked, digits, trace.queries[0, 0]
        ),
    )


def _dot_product(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    a, b = np.array([2.0, -1.0, 3.0]), np.array([4.0, 5.0, 0.5])
    worked = dot_product(a, b, digits)
    return (
        Prose(
            "Two lists of numbers of the same length. Multiply them place by place, and add up the products. If both "
            "are large in the same places, the sum is large: the two go together. If one is large where the other is "
            "negative, the sum is negative: they are opposed. If they have nothing in common, it is near 0."
        ),
        _formula("a · b = a1·b1 + a2·b2 + …", shapes="two lists of d numbers in, one number out"),
        dot_product_grid("a", "b", worked, 3),
        dot_product_equation("a · b", "a1·b1 + a2·b2 + a3·b3", worked, digits, float(worked.total)),
    )


def _scores(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    one, other = (dot_product(trace.queries[i], trace.keys[j], digits) for i, j in ((0, 1), (1, 0)))
    return (
        Prose(
            "A score says how well one word's key answers another word's query: their dot product. There is one for "
            f'every pair, in both orders, and the two differ: what "{WORDS[0]}" asks of "{WORDS[1]}" is not what '
            f'"{WORDS[1]}" asks of "{WORDS[0]}".'
        ),
        _formula("score(i, j) = q(i)·k(j),  all: ", _S, " = ", _Q, "·", _KT, shapes="i asks, j answers; Kᵀ: K turned"),
        _square("S, the scores", trace, "scores"),
        dot_product_equation(f'score("{WORDS[0]}", "{WORDS[1]}")', "q · k", one, digits, float(one.total)),
        dot_product_equation(f'score("{WORDS[1]}", "{WORDS[0]}")', "q · k", other, digits, float(other.total)),
    )


def _softmax(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    numbers, fine = np.array([1.0, 0.0, -2.0]), max(digits, FEWEST)
    row, shifted = (softmax_row(numbers, 1.0, digits, is_whole=True, subtract=subtract) for subtract in (False, True))
    columns = ("number", "e^number", "share", "minus largest", "e^diff", "share")
    parts = (row.scores, row.exponentials, row.shares, shifted.differences, shifted.exponentials, shifted.shares)
    footer = (
        None, float(row.total), float(sum(row.shares)), None, float(shifted.total), float(sum(shifted.shares)),
    )  # fmt: skip
    table = np.array([[float(number) for number in part] for part in parts]).T
    share = result(row.exponentials[0] / row.total, fine)
    return (
        Prose(
            "Softmax turns any numbers into shares: each between 0 and 1, together 1, in the same order of size. Raise "
            "e = 2.718… to the power of each number, and divide each result by the sum of them all. A number that is "
            "larger by 1 has a share that is e times as large."
        ),
        _formula("softmax(s) = e^s / Σ e^s", shapes="Σ: the sum over all; n numbers in, n shares out"),
        Grid("Three numbers, both ways", ("a", "b", "c"), columns, table, "none", footer=("sum", footer),
             role="worked", column_digits=(digits, fine, fine, digits, fine, fine)),
        _worked(
            "share of a",
            ("≈", (Number(row.exponentials[0], fine), " / ", Number(row.total, fine))),
            (share.sign, (Number(share.value, fine),)),
        ),
        Prose(
            "Computers subtract the largest number first: powers and sum are then divided by the same number, so the "
            "shares are the same, but e^1000, which no computer can hold, never has to be computed."
        ),
    )  # fmt: skip


def _scaling(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    numbers = np.array([1.0, 0.0, -1.0])
    rows = [(1, 1.0), (16, 4.0), (64, 8.0)]
    table = np.array([weights(numbers * spread) for _, spread in rows])
    return (
        Prose(
            "A score adds up d_k products. Sums of more products spread wider: if the numbers are independent with "
            "variance 1, the sum has variance d_k, so it spreads like √d_k. Softmax of such numbers gives nearly all "
            "to the largest, and training learns little from that. Dividing by √d_k undoes it."
        ),
        _formula(_S, " / ", _ROOT, shapes="Vaswani et al. 2017, section 3.2.1"),
        Grid(
            "Softmax of (1, 0, -1), and of these numbers times √d_k",
            [f"d_k = {d_k}, √d_k = {spread:.0f}" for d_k, spread in rows],
            ("first", "second", "third"), table, "share",
        ),
        _worked(
            "8 / √64",
            ("=", (Number(Decimal(8), None), " / ", Number(Decimal(8), None))),
            ("=", (Number(Decimal(1), None),)),
        ),
        Prose("Divided by √d_k, all three rows look like the first."),
    )  # fmt: skip


def _weights(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "The attention weights of a word say how it shares its attention out among all words, itself included: "
            "numbers between 0 and 1, one for each word, together 1. They are the softmax of its scaled scores."
        ),
        _formula(_W, " = softmax(", _Q, "·", _KT, " / ", _ROOT, ")", shapes="Kᵀ: K turned on its side; √: the root"),
        _square("S / √d_k, the scaled scores", trace, "scaled_scores"),
        _square("W, the attention weights", trace, "weights"),
    )


def _context(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    worked = weighted_sum(trace.weights[0], trace.values[:, 0], digits)
    terms: list[Term] = []
    for place, (share, value) in enumerate(zip(worked.weights, worked.values, strict=True)):
        terms += [*([" + "] if place else []), Number(share, max(digits, FEWEST)), "×", Number(value, digits)]
    return (
        Prose(
            "The context vector of a word is a mixture of all words' values, each in the share that the word's "
            "attention gives it. So it carries what the sentence says about the word: elsewhere it is another."
        ),
        _formula(
            "context(i) = Σ_j weight(i, j)·v(j),  all: ",
            _C,
            " = ",
            _W,
            "·",
            _V,
            shapes="i asks, j answers; Σ_j: over all j",
        ),
        Pair(_square("W, the weights", trace, "weights"), _grid("V, the values", trace.values, "values")),
        Equation(
            f'place 1 of context("{WORDS[0]}")',
            (
                EquationLine("=", tuple(terms)),
                sum_line(worked.products, digits, is_exact=worked.is_exact),
                EquationLine(worked.total_sign, (Number(worked.total, digits),)),
            ),
            exact_note(worked.total, float(trace.context[0, 0]), digits),
        ),
    )


def _mask(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    masked = _trace(causal=True)
    return (
        Prose(
            "A model that writes must not look ahead at the words it is to guess. A causal mask hides from each word "
            "those that come later: their scaled scores are set to -∞, e^-∞ is 0, so their shares are exactly 0, and "
            "the others share all of the attention. The first word can only attend to itself. Try it: --causal"
        ),
        Prose(
            "Many newer models also have windows in some layers: a word sees only those a few positions away, and the "
            "others are hidden in the same way. --step 3 says how far a layer of your model sees."
        ),
        _square("The scaled scores, masked", masked, "scaled_scores"),
        Pair(_square("Weights with the mask", masked, "weights"), _square("And without", trace, "weights")),
    )


def _heads(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    other = attend(_X, Head(_HEAD.w_k, np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])))
    return (
        Prose(
            "A head is one set of the three parameter matrices, and so one way of looking. Models have many side by "
            "side in each layer; each computes the same four steps with matrices of its own, and their context vectors "
            "are put end to end and mixed by one more matrix."
        ),
        _formula(
            "heads side by side: [C1, C2, …]·", Symbol("W", "o"), shapes="W_o: h heads × d_v places a value, rows"
        ),
        Pair(_square("One head", trace, "weights"), _square("Another, same words", other, "weights")),
        Prose(
            "The learned model has three: --head 0 looks for meaning, --head 1 ahead to a noun, --head 2 back to "
            'one. See them together: attnexplain --overview "the dog bites the man"'
        ),
    )


def _embeddings(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "Computers know words as lists of numbers: embeddings. Training moves words that stand in the same company "
            "close together. A word has the same embedding in every sentence; what its sentence adds to it is the work "
            "of attention."
        ),
        Grid("X, the embeddings", WORDS, places(2), _X, role="embeddings"),
        Prose("The cosine says how alike two of them are: --explain cosine"),
    )


def _entropy(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    fine = max(digits, FEWEST)
    half, quarter = Decimal("0.5"), Decimal("0.25")
    logs = [rounded(Decimal(log(float(share))), fine) for share in (half, quarter)]
    parts = [
        result(-share * number, fine) for share, number in zip((half, quarter, quarter), (*logs, logs[1]), strict=True)
    ]
    total = sum((part.value for part in parts), Decimal(0))
    return (
        Prose(
            "Entropy measures how evenly a row of attention is shared out. It is 0 where all is on one word, and ln n "
            "where n words get the same (ln is the logarithm to the base e). A row that looks at few words has a low "
            "entropy, one that looks around a high one."
        ),
        _formula("entropy = -Σ w·ln w", shapes="the sum over the shares w of a row, in nats"),
        Equation(
            "entropy of (0.5, 0.25, 0.25)",
            (
                EquationLine(
                    "≈",
                    (
                        "-(", Number(half, 1), "×", Number(logs[0], fine), ") - (", Number(quarter, 2), "×",
                        Number(logs[1], fine), ") - (", Number(quarter, 2), "×", Number(logs[1], fine), ")",
                    ),
                ),
                sum_line([part.value for part in parts], fine, is_exact=all(part.is_exact for part in parts)),
                EquationLine("=", (Number(total, fine),)),
            ),
            exact_note(total, 1.5 * log(2), fine),
        ),
        Prose(f"The most that three words can have is ln 3 ≈ {write_number(log(3), fine)}."),
    )  # fmt: skip


def _sinks(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    names = ("[CLS]", "cats", "drink")
    table = np.array([[0.92, 0.05, 0.03], [0.90, 0.06, 0.04], [0.88, 0.05, 0.07]])
    return (
        Prose(
            "In real models much attention goes to a token that says nothing: the first one, or a separator such as "
            "[SEP]. A row must add up to 1, also where the head finds nothing to do for a word; models learn to leave "
            "the rest where it does no harm, on a token with a short value vector. Such a token is called a sink. Some "
            "models have one of their own: gpt-oss learns a score that stands beside every row, and what it takes goes "
            "nowhere."
        ),
        Grid("A head whose first token is a sink", names, names, table, "share", rows_ask=True),
        Prose(
            "Found by Clark et al. 2019 (arXiv:1906.04341, section 3.2) and Xiao et al. 2023 (arXiv:2309.17453). "
            "--overview names the heads that do it."
        ),
    )  # fmt: skip


def _cosine(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    a, b = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    return (
        Prose(
            "The cosine of two lists of numbers says how nearly they point the same way, whatever their lengths: 1 for "
            "the same direction, 0 where they have nothing in common, -1 for opposite directions. It is their dot "
            "product divided by both lengths. Words with a high cosine are near neighbours."
        ),
        _formula("cosine(a, b) = a·b / (|a|·|b|)", shapes="|a|: the root of the sum of a's squares"),
        Grid("Two lists", ("a", "b"), places(2), np.array([a, b]), "none", role="worked"),
        _worked(
            "cosine(a, b)",
            ("=", (Number(Decimal(24), None), " / (", Number(Decimal(5), None), " × ", Number(Decimal(5), None), ")")),
            ("=", (Number(Decimal("0.96"), 2),)),
        ),
        Prose("Because 3·4 + 4·3 = 24, and each length is √25 = 5."),
    )


def _layers(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "One layer of attention lets each word look at the others once. Models have many layers, one upon another: "
            "what comes out of one, added to what went in and passed through two more matrices, goes into the next. So "
            "the words that a higher layer compares know their sentence already, and it can find what one look cannot: "
            'that "it" is the animal, that a verb\'s object is a name.'
        ),
        _formula("x ← x + attention(x),  then  x ← x + feed-forward(x)", shapes="x: the vectors; ←: becomes"),
        Prose('See what enters a layer of a real model: attnexplain --model minilm --layer 3 --step 1 "…"'),
    )


def _position(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    fine = max(digits, FEWEST)
    table = np.array([[sin(p), cos(p), sin(p / 10), cos(p / 10)] for p in range(3)])
    return (
        Prose(
            'Attention by itself sees no order: "dog bites man" and "man bites dog" give the same weights. So models '
            "tell each word where it stands. The first transformers added a vector of sines and cosines to each "
            "embedding; BERT and GPT-2 learn one for each position; newer models rotate queries and keys (--explain "
            "rotation), and some add a number for the distance of two words to each score."
        ),
        _formula(
            "p(position) = sin, cos of position / base^(2i/d)", shapes="i: the pair of d places (Vaswani et al. 2017)"
        ),
        Grid("The positions 0, 1 and 2, with d = 4 and base 100", ("0", "1", "2"), places(4), table),
        _worked("place 3 of position 1", ("=", ("sin(1 / 10)",)), ("≈", (Number(as_printed(sin(0.1), fine), fine),))),
        Prose("The heads 1 and 2 of the learned model read such positions; head 0 does not."),
    )


def _training(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "Nobody writes the numbers of the matrices. They start at random; the model does a task, such as guessing "
            "a hidden word from the others; how wrong it was is measured, and every number is moved a little in the "
            "direction that makes it less wrong. After many thousand sentences W_q and W_k find what is worth looking "
            "at, for that is what helps with the task."
        ),
        _formula("w ← w - rate · ∂loss/∂w", shapes="w: any number; ∂loss/∂w: the loss's slope"),
        _worked(
            "a number of 0.50, a rate of 0.01, a slope of 3.00",
            ("=", (Number(Decimal("0.50"), 2), " - ", Number(Decimal("0.01"), 2), " × ", Number(Decimal("3.00"), 2))),
            ("=", (Number(Decimal("0.47"), 2),)),
        ),
        Prose("Compare before and after: --model untrained. How the learned model was trained: --model-card"),
    )


def _rotation(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    fine = max(digits, FEWEST)
    c, s = as_printed(cos(1.0), fine), as_printed(sin(1.0), fine)
    old, partner = Decimal(2), Decimal(1)
    parts = [result(old * c, fine), result(-partner * s, fine)]
    total = sum((part.value for part in parts), Decimal(0))
    return (
        Prose(
            "Newer models (Llama, Qwen, Gemma, Mistral …) tell position by turning: each pair of places of a query and "
            "of a key is rotated by an angle that grows with its position. The dot product of two rotated lists then "
            "depends on the distance of the two words alone, not on where they stand; that is why it is done."
        ),
        _formula(
            "new = old·cos(angle) - partner·sin(angle)",
            shapes="angle = position × base^(-2i/d), i: the pair of d places",
        ),
        Equation(
            "the pair (2, 1) at position 1, first pair: place 1",
            (
                EquationLine(
                    "≈", (Number(old, None), "×", Number(c, fine), " - ", Number(partner, None), "×", Number(s, fine))
                ),
                sum_line([part.value for part in parts], fine, is_exact=all(part.is_exact for part in parts)),
                EquationLine("=", (Number(total, fine),)),
            ),
        ),
        Prose("Su et al. 2021 (arXiv:2104.09864). On a model of yours: --model FOLDER --step 1"),
    )


def _shared_keys(trace: AttentionTrace, digits: int) -> tuple[Block, ...]:
    return (
        Prose(
            "In newer models several query heads share one head of keys and values (grouped-query attention): each "
            "still asks its own questions, but they look at the same labels and take home the same things. It saves "
            "memory while a model writes, for keys and values of all words before must be kept."
        ),
        _formula("query head h uses key head ⌊h / (heads / key heads)⌋", shapes="⌊ ⌋: rounded down"),
        _worked(
            "32 query heads for 8 key heads: those that share one",
            ("=", (Number(Decimal(32), None), " / ", Number(Decimal(8), None))),
            ("=", (Number(Decimal(4), None),)),
        ),
        Prose("Ainslie et al. 2023 (arXiv:2305.13245). On a model of yours: --model FOLDER --step 1"),
    )


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
    "entropy": ("How evenly is attention shared out?", _entropy),
    "sinks": ("Why does so much attention go to a token that says nothing?", _sinks),
    "cosine": ("How is it measured that two words are alike?", _cosine),
    "layers": ("Why do models have many layers?", _layers),
    "position": ("How does attention know the order of words?", _position),
    "training": ("Where do the numbers come from?", _training),
    "rotation": ("How do newer models know positions?", _rotation),
    "shared-keys": ("Why do several query heads share one key head?", _shared_keys),
}
