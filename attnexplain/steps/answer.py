"""The first screen: what the sentence does to one word, in words and bars, and how the four steps did it."""

from __future__ import annotations

from attnexplain.arithmetic import write_number
from attnexplain.explanation import Explanation
from attnexplain.models.model import Withheld
from attnexplain.steps.blocks import Answer, AnswerLine, Bar, View
from attnexplain.steps.choice import plain_tokens
from attnexplain.text import word_key

MOST_BARS = 8
WIDEST_LINE = 66
"""Columns that the text of one of the four lines has on a screen of 80."""
LONGEST_WORD = 20
"""Letters of a word in these lines."""
NOTHING_MUCH = 0.10
"""The share of the answering word below which the asking word has found nothing much."""

WHY_NONE: dict[Withheld, str] = {
    "little": "a little word, which says not much on its own",
    "identity": "it says who somebody is, and for such words no company is shown",
    "rare": "a rare word, or one too general to have company of its own",
    "unknown": "this model does not know the word",
}
"""What is said where no company of a word is shown."""


def answer(trace: Explanation, names: tuple[str, ...], view: View) -> Answer:
    """Say what the sentence does to the asking word."""
    words = plain_tokens(trace)
    word = words[view.query]
    bars, rest = _bars(trace, view)
    noun = "token" if trace.are_pieces else "word"
    seen = len(words) if trace.mask is None else int(trace.mask[view.query].sum())
    because = f'"{word}" looked at all {noun}s, itself too, and took something of each:'
    if seen == 1:
        because = f'"{word}" could look at itself alone:'
    elif seen < len(words):
        because = f'"{word}" looked at itself and the {noun}s before it, and took something of each:'
    company: tuple[tuple[str, str], ...] = ()
    if trace.neighbours is not None:
        near = trace.neighbours[view.query]
        if near.before:
            company = (
                (f'"{word}" on its own', ", ".join(near.before)),
                (f'"{word}" in this sentence', ", ".join(near.after)),
            )
            if near.before != near.after:
                because = f"It happened because {because}"
        elif near.withheld:
            company = ((f'"{word}"', f"no company is shown: {WHY_NONE[near.withheld]}"),)
    return Answer(company, because, bars, rest, _lines(trace, names, words, view))


def _bars(trace: Explanation, view: View) -> tuple[tuple[Bar, ...], str]:
    """Gather the row of the asking word: the same word several times with the same share is one bar."""
    words, row = plain_tokens(trace), trace.weights[view.query]
    groups: dict[tuple[str, str], list[int]] = {}
    for place, word in enumerate(words):
        if trace.mask is None or trace.mask[view.query, place]:
            share = write_number(float(row[place]), 6)
            groups.setdefault((word_key(word), share), []).append(place)
    ordered = sorted(groups.values(), key=lambda places: (-float(row[places[0]]), places[0]))
    most = MOST_BARS if len(ordered) <= MOST_BARS else MOST_BARS - 1
    bars = tuple(
        Bar(", ".join(dict.fromkeys(words[place] for place in places)), float(row[places[0]]), len(places) > 1)
        for places in ordered[:most]
    )
    others = [place for places in ordered[most:] for place in places]
    if not others:
        return bars, ""
    noun = "other" if len(others) == 1 else "others"
    return bars, f"{len(others)} {noun}, {write_number(float(row[others].sum()), max(view.digits, 2))} together"


def _lines(trace: Explanation, names: tuple[str, ...], words: tuple[str, ...], view: View) -> tuple[AnswerLine, ...]:
    digits = view.digits
    asking, answering = _quoted(words[view.query]), _quoted(words[view.key])
    if words.count(words[view.key]) > 1 or view.query == view.key:
        answering = _quoted(names[view.key])
    share = float(trace.weights[view.query, view.key])
    score = write_number(float(trace.scores[view.query, view.key]), digits)
    if trace.mask is not None and not trace.mask[view.query, view.key]:
        how, third = "masked", f"{answering} comes later, so its share is 0"
    else:
        written = write_number(share, max(digits, 2))
        how = "a good match" if share >= NOTHING_MUCH else "no good match"
        third = f"of all its attention, {asking} gives {answering} the share {written}"
        if share < NOTHING_MUCH and not view.is_asked:
            third = f"{asking} found nothing much: {answering} gets no more than {written}"
    sizes = f", lists of {trace.d_k} numbers"
    if trace.d_v != trace.d_k:
        sizes = f" of {trace.d_k}, {trace.d_k} and {trace.d_v} numbers"
    noun = "token" if trace.are_pieces else "word"
    second = f"the query of {asking} times the key of {answering}: {score}, {how}"
    short = f"{asking} asks, {answering} answers: {score}"
    fourth = f"the values of all {noun}s, mixed by these shares: the new {asking}"
    return (
        AnswerLine(1, "vectors", f"every {noun} gets a query, a key and a value{sizes}"),
        AnswerLine(2, "scores", _fitting(second, f"{short}, {how}", short)),
        AnswerLine(3, "weights", _fitting(third, third.removeprefix("of all its attention, "))),
        AnswerLine(4, "context", _fitting(fourth, f"the values, mixed so: the new {asking}")),
    )


def _quoted(word: str) -> str:
    """Quote a word; a very long one is cut, so that four lines stay four lines."""
    return f'"{word}"' if len(word) <= LONGEST_WORD else f'"{word[: LONGEST_WORD - 1]}…"'


def _fitting(*texts: str) -> str:
    """Take the first text that a screen of 80 columns need not cut, or the last, the shortest."""
    return next((text for text in texts if len(text) <= WIDEST_LINE), texts[-1])
