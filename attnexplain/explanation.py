"""A sentence and a model become a trace of the four steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.arguments import (
    check_choice,
    check_flag,
    check_model,
    check_steps,
    check_text,
    check_texts,
    check_whole,
    check_word,
)
from attnexplain.attention import AttentionTrace
from attnexplain.errors import CommandError
from attnexplain.facts import STEPS
from attnexplain.merging import Word, averaged, merged, words_of
from attnexplain.models import DEFAULT_MODEL, Embedded, Model, ModelInfo, load_model
from attnexplain.models.model import Predicted, Withheld
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.tokens import MAX_TOKENS, MOST_NEXT, MOST_TOKENS, Tokens
from attnexplain.variants import VariantTrace, attend, attend_given, attend_projected, visible_mask

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.render.figure import Shape
    from attnexplain.render.files import Shown
    from attnexplain.render.themes import ThemeName
    from attnexplain.steps.blocks import Lesson
    from attnexplain.steps.figure import Subject

COMPANY = 5
"""How many neighbours a vector is shown with."""


@dataclass(frozen=True)
class Neighbours:
    """The company that a word keeps: words of the vocabulary, nearest first."""

    before: tuple[str, ...]
    """Those with values nearest to its value vector, which knows nothing of the sentence."""
    after: tuple[str, ...]
    """Those with values nearest to its context vector."""
    cosine: float
    """How nearly both vectors point the same way: 1 for the same direction as before."""
    moved: float = 1.0
    """The mean cosine between the values of both companies: the lower, the farther the sentence moved the word."""
    withheld: Withheld = ""
    """Why no company is shown, where none is: then both are empty."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(VariantTrace):
    """A trace that knows whose numbers it holds.

    It draws itself where Python shows it, and imports what draws only then: the one exception to imports that run
    downwards.
    """

    sentence: str
    found: Tokens
    """The n tokens of the sentence, with all that is known of them."""
    causal: bool
    """Whether each token sees only itself and those before it."""
    model: ModelInfo
    made: tuple[str, ...]
    """For each token that the model does not know, how its embedding was made; "" for the others."""
    neighbours: tuple[Neighbours, ...] | None
    """For each token; None where the model has no vocabulary, or they were not asked for."""
    words: tuple[Word, ...] | None = None
    """The words that the tokens are pieces of, where joining them was asked for."""
    worked: tuple[int, int] | None = None
    """Which token asks and which answers, in a run that was stored."""
    predicted: Predicted | None = None
    """What the model predicts; None where it was not asked for."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The texts of the n tokens, words or pieces of words, one for each row."""
        return self.found.texts

    @property
    def shown(self) -> tuple[str, ...]:
        """For each token, how a reader sees it."""
        return self.found.shown

    @property
    def special(self) -> tuple[bool, ...]:
        """For each token, whether it stands for no word: [CLS], <|endoftext|>."""
        return self.found.special

    @property
    def are_pieces(self) -> bool:
        """Whether the tokens are pieces of words, and not words."""
        return self.found.are_pieces

    @property
    def left_out(self) -> tuple[str, ...]:
        """The punctuation that the tokens leave out."""
        return self.found.left_out

    @property
    def legend(self) -> tuple[str, ...]:
        """What the signs in the tokens mean."""
        return self.found.legend

    def __repr__(self) -> str:
        sentence = self.sentence if len(self.sentence) <= 40 else self.sentence[:39] + "…"
        where = f"{self.model.name}, layer {self.model.layer}, head {self.model.head}"
        return f"Explanation({sentence!r}, {len(self.tokens)} tokens, {where})"

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` writes, as plain Python: lists of rows, a masked score as None."""
        from attnexplain.render.json import to_dict
        from attnexplain.steps.choice import worked_pair

        return to_dict(self, worked=worked_pair(self, None, None))

    def show(
        self,
        step: int | Sequence[int] | None = None,
        *,
        query: str | int | None = None,
        key: str | int | None = None,
        full: bool = False,
        digits: int = 2,
        theme: ThemeName | None = None,
    ) -> Shown:
        """Show the answer, and the asked steps, in a notebook or at the prompt.

        Args:
            step: 1 to 4, or several of them; the answer alone where none is asked for.
            query: the word that asks, or its position from 1.
            key: the word that answers.
            full: every matrix and every number; all four steps where none is asked for.
            digits: digits after the point, 0 to 8.
            theme: light or dark; as the notebook is where none is asked for.

        Raises:
            CommandError: there is no such step, or the query or the key is not a word of the sentence.
            TypeError: an argument of the wrong type.
        """
        from attnexplain.render.files import Shown

        steps, query, key = check_steps(step), check_word("query", query), check_word("key", key)
        check_flag("full", full)
        check_whole("digits", digits, 0, 8)
        check_choice("theme", theme, ("light", "dark"))
        wanted = steps or (STEPS if full else ())
        lesson = self._lesson(wanted, query=query, key=key, full=full, digits=digits)
        return Shown(lesson.on_paper(), digits, theme)

    def save(
        self,
        path: str | PathLike[str],
        *,
        figure: Subject | None = None,
        step: int | Sequence[int] | None = None,
        query: str | int | None = None,
        key: str | int | None = None,
        full: bool = False,
        digits: int = 2,
        theme: ThemeName | None = None,
        shape: Shape = "slide",
        bare: bool = False,
    ) -> None:
        """Write a file, which is replaced where it exists: .svg, .html, .md, .txt, .json or .npz.

        Args:
            path: its ending says what to write.
            figure: one picture for a slide or a paper instead of the lesson: weights, scores, queries, keys, values,
                context or links; .svg or .html.
            step: 1 to 4, or several of them; the whole lesson where none is asked for.
            query: the word that asks, or its position from 1.
            key: the word that answers.
            full: every matrix and every number.
            digits: digits after the point, 0 to 8.
            theme: light or dark.
            shape: of a figure: slide (16:9) or column (of a paper).
            bare: a figure without title and caption.

        Raises:
            CommandError: the ending or the step is not known, or the query or the key is not a word of the sentence.
            OSError: the file cannot be written.
            TypeError: an argument of the wrong type.
        """
        from attnexplain.render.files import render_figure_file, render_file
        from attnexplain.steps.choice import worked_pair
        from attnexplain.steps.figure import SUBJECTS

        steps, query, key = check_steps(step), check_word("query", query), check_word("key", key)
        check_flag("full", full)
        check_whole("digits", digits, 0, 8)
        check_choice("theme", theme, ("light", "dark"))
        check_flag("bare", bare)
        check_choice("shape", shape, ("slide", "column"), optional=False)
        check_choice("figure", figure, [subject for subject in SUBJECTS if subject != "overview"])
        if "%d" in fspath(path):
            raise CommandError("%d in the name of a file numbers pages in the command alone", hint="leave it out")
        _check_saved(path, steps, query, key, full=full, digits=digits, theme=theme)
        if self.predicted is not None and Path(path).suffix.lower() == ".npz":
            raise CommandError(".npz has no place for next tokens", hint="write .json")
        if figure is None and (shape != "slide" or bare):
            raise CommandError("shape and bare are for a figure, and there is none")
        if figure is not None and (steps or key is not None or full):
            raise CommandError("a figure is one picture, so step, key and full do not go with it")
        if figure is not None:
            data = render_figure_file(
                self, fspath(path), figure, query=query, digits=digits, theme=theme, shape=shape, bare=bare
            )
        else:
            compose = partial(self._lesson, steps, query=query, key=key, full=full, digits=digits, alone=True)
            worked = worked_pair(self, query, key)
            data = render_file(self, fspath(path), compose, worked=worked, digits=digits, theme=theme)
        Path(path).write_bytes(data)

    def _lesson(
        self, steps: Sequence[int], *, query: str | None, key: str | None, full: bool, digits: int, alone: bool = False
    ) -> Lesson:
        """Compose a lesson; the answer stands before chosen steps too, unless they are to stand alone."""
        from attnexplain.steps import lesson

        if alone:
            return lesson(self, query=query, key=key, steps=steps, digits=digits, full=full)
        whole = lesson(self, query=query, key=key, digits=digits, full=full)
        return whole._replace(steps=tuple(step for step in whole.steps if step.number in steps), ways_on=())

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Draw the lesson where Rich prints."""
        from attnexplain.render.terminal import lesson_page
        from attnexplain.steps import lesson

        yield lesson_page(lesson(self), console)

    def _repr_html_(self) -> str:
        """Show the answer in a notebook; `show` shows more."""
        return self.show()._repr_html_()

    @property
    def word_weights(self) -> Array | None:
        """The attention weights between words, (words, words): columns sum, rows average."""
        return None if self.words is None else merged(self.weights, self.words)

    @property
    def word_sink_shares(self) -> Array | None:
        """What a sink takes of each word, (words,); None without a sink, or where words were not asked for."""
        taken = self.sink_shares
        return None if self.words is None or taken is None else averaged(taken, self.words)


def _check_saved(
    path: str | PathLike[str],
    steps: Sequence[int],
    query: str | None,
    key: str | None,
    *,
    full: bool,
    digits: int,
    theme: str | None,
) -> None:
    """Refuse what has no effect on a file of this kind."""
    ending = Path(path).suffix.lower()
    if ending in (".json", ".npz") and (steps or full or digits != 2):
        raise CommandError(f"{ending} has every number with all its digits, so step, full and digits do not go with it")
    if ending == ".npz" and (query is not None or key is not None):
        raise CommandError(".npz has no worked cell, so query and key do not go with it")
    if ending in (".json", ".npz", ".txt", ".md") and theme is not None:
        raise CommandError(f"{ending} has no colours, so theme does not go with it")


def explain(
    sentence: str | None = None,
    *,
    model: str | PathLike[str] | Model = DEFAULT_MODEL,
    phrases: Sequence[str] = (),
    layer: int | None = None,
    head: int | None = None,
    causal: bool | None = None,
    scale: bool | None = None,
    max_tokens: int = MAX_TOKENS,
    neighbours: bool = True,
    merge_words: bool = False,
    pair: str | None = None,
    truncate: bool = False,
    next_tokens: int = 0,
) -> Explanation:
    """Compute the four steps of self-attention for a sentence.

    Args:
        sentence: any text; None for a model that brings its own example.
        model: a name or a path that `load_model` knows, or a model.
        phrases: words to be kept together as one token each.
        layer: of a checkpoint that is given by its name, counted from 0; 0 unless given. A model that is loaded already
            has one, which no other may be asked of.
        head: of that layer, counted from 0; 0 unless given.
        causal: let each token see only itself and those before it; the model decides unless given.
        scale: divide the scores by √d_k (by 1 if not); the model decides unless given.
        max_tokens: the longest sentence allowed.
        neighbours: find the words nearest to each value and context vector.
        merge_words: find the words that the tokens are pieces of.
        pair: a second text, for a checkpoint that marks where it begins; `sentence` is both then, a space between them.
        truncate: cut off what is too long for a checkpoint, as its pipeline does; `found.cut_from` says of how many.
        next_tokens: find so many of the most probable next tokens of a checkpoint, or words in place of its masks, for
            which all of its layers are run; 0 for none, 100 at most.

    Raises:
        AttnExplainError: what is wrong, in one line.
        TypeError: an argument of the wrong type.

    >>> explain("The cat sat").weights.sum(axis=1).round(9)
    array([1., 1., 1.])
    """
    check_text("sentence", sentence, optional=True)
    check_texts("phrases", phrases)
    for name, flag in {"causal": causal, "scale": scale}.items():
        check_flag(name, flag, optional=True)
    check_flag("neighbours", neighbours)
    check_flag("merge_words", merge_words)
    check_text("pair", pair, optional=True)
    check_flag("truncate", truncate)
    check_whole("max_tokens", max_tokens, 1, MOST_TOKENS)
    check_whole("next_tokens", next_tokens, 0, MOST_NEXT)
    source = _loaded(model, layer, head)
    if sentence is None and source.example is None:
        raise CommandError("there is no sentence, and the model brings none")
    if sentence is not None and source.example is not None:
        raise CommandError(f"{source.info.name} is a finished example", hint="leave the sentence out")
    text = sentence if sentence is not None else source.example or ""
    text, tokens = source.read(text, phrases, max_tokens, pair=pair, truncate=truncate)
    if merge_words and not tokens.are_pieces:
        raise CommandError(f"--merge-words joins pieces of words, and the tokens of {source.info.name} are whole words")
    causal = source.causal if causal is None else causal
    divisor = source.scale if scale is None else None if scale else 1.0
    predicted = source.predicted
    if next_tokens:
        if causal != source.causal or (scale is not None and not _is_own_scale(source, divisor)):
            option = "--causal" if causal != source.causal else "--scale"
            raise CommandError(f"--next runs every head as it is, so {option} does not go with it")
        predicted = source.predict(tokens, next_tokens)
    embedded = source.embed(tokens)
    variant = embedded.variant
    mask = visible_mask(len(tokens.texts), causal=causal, window=variant.window)
    if source.head is not None:
        trace = attend(embedded.vectors, source.head, scale=divisor, mask=mask, variant=variant)
    else:
        run = attend_projected if source.are_projected else attend_given
        trace = run(*(source.vectors or ((), (), ())), scale=divisor, mask=mask, variant=variant)
    return Explanation(
        **vars(trace),
        sentence=text,
        found=tokens,
        causal=causal,
        model=source.info,
        made=embedded.made,
        neighbours=_neighbours(source, trace, tokens.texts, embedded) if neighbours else None,
        words=words_of(text, tokens) if merge_words else None,
        worked=source.worked,
        predicted=predicted,
    )


def _is_own_scale(model: Model, divisor: float | None) -> bool:
    """Whether a model divides its scores by that, unless the user says otherwise; None for √d_k."""
    if model.head is None:
        return divisor == model.scale
    root = float(np.sqrt(model.head.d_k))
    return bool(np.isclose(divisor or root, model.scale or root))


def _loaded(model: str | PathLike[str] | Model, layer: int | None, head: int | None) -> Model:
    """Load a model by its name; one that is there already must be of the layer and head that are asked for."""
    loaded = load_model(model, layer=layer or 0, head=head or 0) if isinstance(model, str | PathLike) else model
    if isinstance(loaded, AttentionWeights):
        raise loaded.refusal()
    check_model(loaded)
    if loaded is model:
        for name, asked, own in (("layer", layer, loaded.info.layer), ("head", head, loaded.info.head)):
            if asked not in (None, own):
                which = f"layer {loaded.info.layer}, head {loaded.info.head} of {loaded.info.name}"
                hint = f"load_model(…, {name}={asked!r}) loads another"
                raise CommandError(f"{name}={asked!r}: the model is {which}", hint=hint)
    return loaded


def _neighbours(
    model: Model, trace: AttentionTrace, words: Sequence[str], embedded: Embedded
) -> tuple[Neighbours, ...] | None:
    shown = [place for place, why in enumerate(embedded.withheld) if not why]
    own = [words[place] for place in shown]
    before, after = (model.neighbours(vectors[shown], COMPANY, own) for vectors in (trace.values, trace.context))
    if before is None or after is None:
        return None
    found = dict(zip(shown, zip(before, after, strict=True), strict=True))
    products = (trace.values * trace.context).sum(axis=1)  # [n, d_v] -> [n]
    lengths = np.linalg.norm(trace.values, axis=1) * np.linalg.norm(trace.context, axis=1)
    cosines = np.divide(products, lengths, out=np.zeros(len(words)), where=lengths > 0)
    return tuple(
        Neighbours((), (), float(cosine), withheld=why)
        if why
        else Neighbours(tuple(found[place][0]), tuple(found[place][1]), float(cosine), model.likeness(*found[place]))
        for place, (cosine, why) in enumerate(zip(cosines, embedded.withheld, strict=True))
    )
