"""All heads of a model at once: what each does with a sentence, and which of them link two words most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from attnexplain.arguments import check_flag, check_text
from attnexplain.arithmetic import entropy, ranked, strongest_of_tiles
from attnexplain.attention import causal_mask
from attnexplain.errors import CommandError
from attnexplain.many_heads import Opened, Which, open_all
from attnexplain.merging import Word, averaged, merged, text_of, words_of
from attnexplain.models import Model, ModelInfo
from attnexplain.naming import find_pieces
from attnexplain.text import word_key
from attnexplain.tokens import MAX_TOKENS, Repeats, Tokens

if TYPE_CHECKING:
    from attnexplain.attention import Array, Mask
    from attnexplain.variants import VariantTrace

Habit = Literal[
    "previous token", "next token", "same token", "sink", "duplicate token", "induction", "broad", "window", "other"
]
OnRepeats = Literal["duplicate token", "induction"]

HALF = 0.5
"""The share of its attention that a head spends in one way before it is named for it."""
NEARLY_EVEN = 0.8
"""The entropy from which on a head is called broad, as a part of the largest that is possible."""
THUMBNAIL = 64
"""The longest side of the picture that is kept of a head."""


@dataclass(frozen=True, eq=False)
class HeadSummary:
    """What one head does with a sentence."""

    layer: int | None
    """Counted from 0; None for the mean over all layers."""
    head: int | None
    """Of the layer, counted from 0; None for the mean over all heads."""
    does: Habit
    shares: dict[Habit, float]
    """The share of its attention that goes to the previous token, the next, the same, and to sinks."""
    on_repeats: dict[OnRepeats, float] | None
    """The same of random tokens, repeated: the share that goes to the same token elsewhere, and to what follows it."""
    entropy: float
    """How evenly a token shares its attention out, on average: -Σ w·ln w, in nats."""
    evenness: float
    """The same, as a part of the largest that is possible: 1 where all tokens in sight get the same."""
    is_windowed: bool
    """Whether a window hides tokens that others see."""
    picture: Array
    """The attention weights, (n, n); of a long sentence the strongest of every few."""
    weight: float | None
    """What the first of the words looked for puts on the second; None where none were looked for."""


@dataclass(frozen=True, eq=False, repr=False)
class Overview:
    """What every head of a model does with a sentence."""

    sentence: str
    tokens: Tokens
    model: ModelInfo
    scale: float
    """What the scores of the first layer are divided by."""
    causal: bool
    widths: tuple[int, int, int]
    """d_model, d_k and d_v."""
    words: tuple[Word, ...] | None
    """The words that the tokens are pieces of, where joining them was asked for."""
    heads: tuple[HeadSummary, ...]
    """In the order of layers and heads, or in which they were asked for."""
    pair: tuple[str, str] | None
    """The words that were looked for: which asks, and which answers."""
    link: tuple[int, int] | None = None
    """The tokens that they begin with."""
    windows: tuple[int | None, ...] = ()
    """For each layer how many tokens, itself too, a token sees on each side that it sees at all; None for all."""
    sentences: int = 1
    """How many sentences the measures of heads are means of; all else, pictures too, is of the first."""
    token_count: int = 0
    """How many tokens these sentences have together, where there are several."""
    cut_count: int = 0
    """How many of several were cut to what the model takes."""
    repeated: int = 0
    """How many random tokens were repeated, where heads were tried on such."""

    def __repr__(self) -> str:
        return f"Overview({self.sentence!r:.60}, {len(self.heads)} heads of {self.model.name})"

    @property
    def layers(self) -> tuple[int | None, ...]:
        """The numbers of the layers, in order; None alone for the mean over them."""
        return tuple(dict.fromkeys(head.layer for head in self.heads))

    def ranked(self) -> list[HeadSummary]:
        """Order the heads by the weight between the two words, the largest first."""
        return [self.heads[place] for place in ranked(np.array([head.weight or 0.0 for head in self.heads]))]


@runtime_checkable
class RandomTokens(Protocol):
    """A model that can make a sequence of random tokens of its vocabulary, several times over."""

    def repeats(self) -> Repeats | None:
        """Return it; None where the model takes too few tokens."""
        ...


def overview(
    sentence: str,
    *,
    model: str | PathLike[str] | Model,
    find: str | None = None,
    max_tokens: int = MAX_TOKENS,
    merge_words: bool = False,
    pair: str | None = None,
    truncate: bool = False,
    repeats: bool | None = None,
    layers: Which = None,
    heads: Which = None,
) -> Overview:
    """Run every head of every layer on a sentence, and say what it does.

    Args:
        sentence: any text.
        model: a checkpoint, or the name of one.
        find: "it:animal" weighs, in each head, what the first word puts on the second. Of a word of several pieces
            the columns are summed and the rows averaged.
        max_tokens: the longest sentence allowed.
        merge_words: judge the weights between words, not between their pieces.
        pair: a second text, for a checkpoint that marks where it begins.
        truncate: cut off what is too long for a checkpoint, as its pipeline does.
        repeats: look for duplicate token and induction heads, too, on up to a hundred random tokens of a checkpoint;
            unless given only where that takes no more than a moment, that is in models of up to 150 million parameters.
        layers: which layers, counted from 0, or from the last: -1; all unless given; "mean" for the mean over them.
        heads: which heads of each, in the same way.

    Raises:
        AttnExplainError: what is wrong, in one line.
    """
    check_text("find", find, optional=True)
    check_flag("repeats", repeats, optional=True)
    opened = open_all(sentence, model, layers=layers, heads=heads, max_tokens=max_tokens, pair=pair, truncate=truncate)
    source, sentence, tokens = opened.model, opened.sentence, opened.tokens
    asking, answering = _pair(sentence, tokens, find) if find is not None else ((), ())
    words = words_of(sentence, tokens) if merge_words else None
    is_special = tokens.special if words is None else [tokens.special[word.pieces[0]] for word in words]
    sequence = None
    if isinstance(source, RandomTokens) and (not source.is_large if repeats is None else repeats):
        sequence = source.repeats()
    scores = {} if sequence is None else {
        (run.layer, run.head): on_repeats(run.weights, sequence, causal=source.causal)
        for run in _runs(opened, sequence.tokens)
    }  # fmt: skip
    found, first = [], None
    windows: dict[int | None, int | None] = {}
    for run in _runs(opened):
        first = first or run.trace
        windows[run.layer] = None if run.layer is None else run.trace.variant.window
        weights, taken, visible = run.weights, run.taken, None if run.layer is None else run.trace.mask
        if words is not None:
            weights, taken, visible = (
                merged(weights, words),
                None if taken is None else averaged(taken, words),
                None if visible is None else merged(visible.astype(float), words) > 0,
            )
        does, shares, evenness = habit(weights, is_special, causal=source.causal, taken=taken, visible=visible)
        own = scores.get((run.layer, run.head))
        weight = float(run.weights[np.ix_(asking, answering)].sum(axis=1).mean()) if find is not None else None
        found.append(
            HeadSummary(
                run.layer,
                run.head,
                of_repeats(own) or does,
                shares,
                own,
                float(entropy(weights).mean()),
                evenness,
                hides(visible, causal=source.causal),
                strongest_of_tiles(weights, *[-(-len(weights) // THUMBNAIL)] * 2),
                weight,
            )
        )
    assert first is not None  # noqa: S101 - a model has at least one head
    rows, columns = opened.chosen.rows, opened.chosen.columns
    found.sort(key=lambda head: (rows.index(head.layer), columns.index(head.head)))
    names = tuple(_name(sentence, tokens, pieces) for pieces in (asking, answering))
    return Overview(
        sentence,
        tokens,
        source.info,
        first.scale,
        source.causal,
        (first.d_model, first.d_k, first.d_v),
        words,
        tuple(found),
        (names[0], names[1]) if find is not None else None,
        (asking[0], answering[0]) if find is not None else None,
        tuple(windows[layer] for layer in rows),
        repeated=0 if sequence is None else sequence.length,
    )


class _Run(NamedTuple):
    """The attention weights of one head, or the mean of those of several."""

    layer: int | None
    head: int | None
    weights: Array
    taken: Array | None
    """What a learned sink takes of each row."""
    trace: VariantTrace
    """Of the head, or of the last of several."""


def _runs(opened: Opened, tokens: Tokens | None = None) -> Iterator[_Run]:
    """Run the heads that are asked for, and yield each; where a mean is, they are added up, and come last."""
    chosen = opened.chosen
    sums: dict[tuple[int, int], _Run] = {}
    for layer, head, trace in opened.traces(tokens):
        place = chosen.place(layer, head)
        run = _Run(chosen.rows[place[0]], chosen.columns[place[1]], trace.weights, trace.sink_shares, trace)
        if chosen.parts == 1:
            yield run
        elif place not in sums:
            sums[place] = run
        else:
            weights, taken = sums[place].weights + run.weights, run.taken
            before = sums[place].taken
            sums[place] = run._replace(
                weights=weights, taken=None if taken is None or before is None else taken + before
            )
    for place in sorted(sums):
        run = sums[place]
        taken = None if run.taken is None else run.taken / chosen.parts
        yield run._replace(weights=run.weights / chosen.parts, taken=taken)


def habit(
    weights: Array,
    is_special: Sequence[bool],
    *,
    causal: bool,
    taken: Array | None = None,
    visible: Mask | None = None,
) -> tuple[Habit, dict[Habit, float], float]:
    """Name what a head does with its attention weights, (n, n), and return the shares and the evenness that decide.

    A head is named for the way in which it spends more than half of its attention, averaged over the tokens that are
    words: on the token before ("previous token"), behind ("next token"), on itself ("same token"), or on special tokens
    and the first one ("sink"); what a learned sink takes, (n,), counts with these. Of several the largest share counts;
    a special token next door counts as a sink only.
    Else it is "broad" where the entropy of its rows is at least 0.8 of what it can be (the logarithm of the number of
    tokens in sight), and "other" where it is not. Where a window hides tokens, that is "window": nearly even within it.

    Source: Clark et al. 2019, "What Does BERT Look At?", arXiv:1906.04341: more than half of the attention on the
    previous or the next token (section 3.1), separators as a no-op (3.2), entropy for broad heads (3.3). The sink of
    causal models is the first token (Xiao et al. 2023, arXiv:2309.17453). The bound of 0.8 is chosen here.

    >>> habit(np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0, 0.8, 0.2]]), [False] * 3, causal=False)[0]
    'previous token'
    """
    n = len(weights)
    places = np.arange(n)
    special = np.array(is_special)
    sinks = special | ((places == 0) & (causal or bool(special.any())))
    rows = places[~special & ~((places == 0) & causal)]
    if not len(rows):
        rows = places
    asked = weights[rows]  # [rows, n]
    distance = places[None, :] - rows[:, None]
    near: tuple[tuple[Habit, int], ...] = (("previous token", -1), ("next token", 1), ("same token", 0))
    shares: dict[Habit, float] = {}
    for name, offset in near:
        is_there = (distance == offset) & ~sinks[None, :]
        has_one = is_there.any(axis=1)
        shares[name] = float(asked[is_there].sum() / has_one.sum()) if has_one.any() else 0.0
    shares["sink"] = float(asked[:, sinks].sum(axis=1).mean()) + (0.0 if taken is None else float(taken[rows].mean()))
    in_sight = (causal_mask(n) if causal else np.ones((n, n), bool)) if visible is None else visible
    many = in_sight.sum(axis=1)[rows]
    seen = many > 1
    among_tokens = asked / np.maximum(asked.sum(axis=1, keepdims=True), 1e-12)  # without what a learned sink takes
    evenness = entropy(among_tokens)[seen] / np.log(many[seen]) if seen.any() else np.zeros(1)
    mean = float(evenness.mean())
    return named(shares, mean, is_windowed=hides(visible, causal=causal)), shares, mean


def hides(visible: Mask | None, *, causal: bool) -> bool:
    """Whether a mask (n, n) hides tokens that a model of this kind sees without a window.

    >>> hides(causal_mask(3), causal=True), hides(np.eye(3, dtype=bool), causal=True)
    (False, True)
    """
    if visible is None:
        return False
    return not visible[np.tril_indices(len(visible)) if causal else ...].all()


def named(shares: dict[Habit, float], evenness: float, *, is_windowed: bool = False) -> Habit:
    """Name a head for the way in which it spends more than half of its attention, or for how evenly it does so.

    >>> named({"previous token": 0.6, "sink": 0.3}, 0.9)
    'previous token'
    """
    best = max(shares, key=lambda name: shares[name])
    if shares[best] > HALF:
        return best
    if evenness < NEARLY_EVEN:
        return "other"
    return "window" if is_windowed else "broad"


class Means:
    """Gathers overviews of one model, sentence by sentence, and averages what each head does."""

    def __init__(self) -> None:
        self._first: Overview | None = None
        self._sums: list[tuple[dict[Habit, float], float, float]] = []
        self._windowed: list[bool] = []
        self.sentences = self._tokens = self._cut = 0

    def add(self, found: Overview) -> None:
        """Take one more sentence; the first of all may know what heads do with repeated tokens."""
        if self._first is None:
            self._first = found
            self._sums = [(dict.fromkeys(head.shares, 0.0), 0.0, 0.0) for head in found.heads]
            self._windowed = [False] * len(found.heads)
        self._windowed = [before or head.is_windowed for before, head in zip(self._windowed, found.heads, strict=True)]
        self.sentences += 1
        self._cut += found.tokens.cut_from > 0
        self._tokens += len(found.tokens.texts)
        self._sums = [
            (
                {name: sums[name] + head.shares[name] for name in sums},
                of_entropy + head.entropy,
                of_evenness + head.evenness,
            )
            for (sums, of_entropy, of_evenness), head in zip(self._sums, found.heads, strict=True)
        ]

    def result(self) -> Overview:
        """Return the overview of the first sentence, with the means over all in the place of its measures.

        Raises:
            ValueError: there was none.
        """
        if self._first is None:
            raise ValueError("there is no sentence to average over")
        heads = []
        for head, windowed, (sums, of_entropy, of_evenness) in zip(
            self._first.heads, self._windowed, self._sums, strict=True
        ):
            shares = {name: total / self.sentences for name, total in sums.items()}
            evenness = of_evenness / self.sentences
            does = of_repeats(head.on_repeats) or named(shares, evenness, is_windowed=windowed)
            mean = of_entropy / self.sentences
            heads.append(replace(head, does=does, shares=shares, entropy=mean, evenness=evenness, is_windowed=windowed))
        return replace(
            self._first,
            heads=tuple(heads),
            sentences=self.sentences,
            token_count=self._tokens,
            cut_count=self._cut,
        )


def of_repeats(scores: dict[OnRepeats, float] | None) -> OnRepeats | None:
    """Name a head for what it does with repeated random tokens: more than half of its attention in one way.

    >>> of_repeats({"duplicate token": 0.1, "induction": 0.8})
    'induction'
    """
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > HALF else None


def on_repeats(weights: Array, repeats: Repeats, *, causal: bool) -> dict[OnRepeats, float]:
    """Weigh what a head does with random tokens that are repeated; weights are (n, n).

    "induction" is the prefix matching score of Olsson et al. 2022, arXiv:2209.11895: of 25 random tokens (fewer where a
    model takes fewer), four times over behind a token that starts the sequence, the attention that a token pays to
    those behind the same token elsewhere, which is what a model that copies would need. "duplicate token" is what it
    pays to the same token itself elsewhere (Wang et al. 2022, arXiv:2211.00593). Both are averages over the tokens that
    have one to look at: in a causal model those of the second repeat on.
    """
    places = repeats.first + np.arange(repeats.length * repeats.times)
    rows = places[repeats.length :] if causal else places
    steps = places[None, :] - rows[:, None]
    is_copy = (steps % repeats.length == 0) & (steps != 0)
    follows_one = ((steps - 1) % repeats.length == 0) & (steps != 1)
    follows_one[:, 0] = False  # what the first token of all follows is none of the sequence
    if causal:
        is_copy, follows_one = is_copy & (steps < 0), follows_one & (steps < 0)
    asked = weights[np.ix_(rows, places)]
    return {
        "duplicate token": float((asked * is_copy).sum(axis=1).mean()),
        "induction": float((asked * follows_one).sum(axis=1).mean()),
    }


def _pair(sentence: str, tokens: Tokens, find: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find both words of "it:animal"."""
    first, colon, second = find.partition(":")
    if not colon or not first.strip() or not second.strip():
        raise CommandError(f"--find {find!r}: two words with a colon between them are wanted", hint="--find it:animal")
    asking, answering = (find_pieces(sentence, tokens, word.strip(), "--find") for word in (first, second))
    return asking, answering


def _name(sentence: str, tokens: Tokens, pieces: Sequence[int]) -> str:
    """Write a word as the sentence does, with its position where it occurs more than once: "the(6)".

    A special token, which is not in the sentence, goes by its own name.
    """
    if not pieces:
        return ""
    every = words_of(sentence, tokens)
    texts = [text_of(sentence, tokens, word.pieces) for word in every]
    place = next(i for i, word in enumerate(every) if pieces[0] in word.pieces)
    if len(every[place].pieces) != len(pieces):  # one piece of a word, by its text or its position
        return tokens.texts[pieces[0]]
    is_alone = [word_key(text) for text in texts].count(word_key(texts[place])) == 1
    return texts[place] if is_alone else f"{texts[place]}({pieces[0] + 1})"
