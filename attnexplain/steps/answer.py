"""The first screen: what the sentence does to one word, in words and bars, and how the four steps did it."""

from __future__ import annotations

import numpy as np

from attnexplain.arithmetic import as_printed, digits_of, ranked, write_number
from attnexplain.explanation import Explanation
from attnexplain.models.model import FROM_LETTERS, UNKNOWN, Withheld
from attnexplain.steps.blocks import Answer, AnswerLine, Bar, View
from attnexplain.steps.choice import content_places, plain_tokens
from attnexplain.steps.sight import seen_beside_itself, why_hidden
from attnexplain.text import word_key

MOST_BARS = 8
WIDEST_LINE = 66
"""Columns that the text of one of the four lines has on a screen of 80."""
LONGEST_WORD = 16
"""Letters of a word in these lines."""
NOTHING_MUCH = 0.10
"""The share of the answering word below which the asking word has found nothing much."""

WIDEST_NOTE = 68
"""Columns that a note on unknown words has, on one line of a screen of 80, but for "and 9 more"."""
FEW = 0.5
"""The share of unknown content words from which on a sentence is one that the model knows little of."""

WHY_NONE: dict[Withheld, str] = {
    "little": "a function word",
    "identity": "a name, or a word for who somebody is",
    "rare": "this model keeps no neighbours of it",
    "unknown": "not known to this model",
}
"""What is said where no company of a word is shown."""


def answer(trace: Explanation, names: tuple[str, ...], view: View) -> Answer:
    """Say what the sentence does to the asking word."""
    words = plain_tokens(trace)
    word = words[view.query]
    bars, rest = _bars(trace, names, view)
    noun = trace.found.noun
    seen = len(words) if trace.mask is None else int(trace.mask[view.query].sum())
    quoted = _quoted(word)
    because = f"{quoted} looked at all {noun}s, itself too, and took this share of each:"
    if seen == 1:
        because = f"{quoted} could look only at itself:"
    elif seen < len(words):
        because = f"{quoted} looked at itself and {seen_beside_itself(trace, view.query)}, and took this share of each:"
    company: tuple[tuple[str, str], ...] = ()
    note, knows_little = _note(trace)
    if trace.neighbours is not None and not knows_little:
        near = trace.neighbours[view.query]
        if near.before:
            company = ((f"{quoted} on its own", ", ".join(near.before)),)
            if near.before != near.after:
                company = (*company, (f"{quoted} in this sentence", ", ".join(near.after)))
                because = because if set(near.before) == set(near.after) else f"It happened because {because}"
            elif seen > 1:
                company = (*company, (f"{quoted} in this sentence", "the same"))
        elif near.withheld:
            company = ((quoted, f"no company is shown: {WHY_NONE[near.withheld]}"),)
    return Answer(company, because, bars, rest, _lines(trace, names, words, view), note)


def _note(trace: Explanation) -> tuple[str, bool]:
    """Say what a head does that sees order; or name the words that the model knows nothing of.

    Also say whether these are so many that company would say nothing.
    """
    contents = content_places(trace)
    made = {place: trace.made[place] for place in contents if trace.made[place] in (UNKNOWN, FROM_LETTERS)}
    if trace.model.kind != "learned" or not made:
        return trace.model.purpose, False
    words = plain_tokens(trace)
    unknown = list(dict.fromkeys(_quoted(words[place]) for place in made))
    knows_little = len(made) > FEW * len(contents)
    start = (
        "The model knows English, and little of this. Unknown: " if knows_little else "Unknown, guessed from letters: "
    )
    named = unknown[:1]
    while len(named) < len(unknown) and len(start + ", ".join([*named, unknown[len(named)]])) <= WIDEST_NOTE:
        named.append(unknown[len(named)])
    more = f" and {len(unknown) - len(named)} more" if len(named) < len(unknown) else ""
    return f"{start}{', '.join(named)}{more}", knows_little


def _bars(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[tuple[Bar, ...], str]:
    """Gather the row of the asking word: a word that occurs several times with one share is one bar, 0.00 is none."""
    words, row = plain_tokens(trace), trace.weights[view.query]
    groups: dict[tuple[str, str], list[int]] = {}
    for place, word in enumerate(words):
        if trace.mask is None or trace.mask[view.query, place]:
            share = write_number(float(row[place]), 6)
            groups.setdefault((word_key(word), share), []).append(place)
    often = [key for key, _ in groups]
    by_first = {places[0]: places for places in groups.values()}
    ordered = [by_first[place] for place in ranked(row).tolist() if place in by_first]
    nothing = [places for places in ordered if not as_printed(float(row[places[0]]), view.fine)]
    if len(nothing) > 1:
        ordered = [places for places in ordered if places not in nothing] + nothing
    drawn = len(ordered) - (len(nothing) if 1 < len(nothing) < len(ordered) else 0)
    most = drawn if drawn <= MOST_BARS - (drawn < len(ordered)) else MOST_BARS - 1
    bars = tuple(
        Bar(
            ", ".join(
                dict.fromkeys((names if often.count(word_key(words[place])) > 1 else words)[place] for place in places)
            ),
            float(row[places[0]]),
            len(places) > 1,
            float(row[places[0]] / row[ordered[0][0]]) if row[ordered[0][0]] else 0.0,
        )
        for places in ordered[:most]
    )
    others = [place for places in ordered[most:] for place in places]
    noun = "other" if len(others) == 1 else "others"
    rest = f"{len(others)} {noun}, {write_number(float(row[others].sum()), view.fine)} together" if others else ""
    if (taken := trace.sink_shares) is not None:
        sink = f"the sink, which is no word, {write_number(float(taken[view.query]), view.fine)}"
        rest = f"{rest}; {sink}" if rest else sink
    return bars, rest


def _lines(trace: Explanation, names: tuple[str, ...], words: tuple[str, ...], view: View) -> tuple[AnswerLine, ...]:
    asking, answering = _quoted(words[view.query]), _quoted(words[view.key])
    if words.count(words[view.key]) > 1 or view.query == view.key:
        answering = _quoted(names[view.key])
    share = float(trace.weights[view.query, view.key])
    score = write_number(float(trace.scores[view.query, view.key]), digits_of(trace.scores, view.digits))
    if trace.mask is not None and not trace.mask[view.query, view.key]:
        how, third = "masked", f"{answering} {why_hidden(trace, view.query, view.key)}, so its share is 0"
    else:
        written = write_number(share, view.fine)
        how = _rank(trace, view)
        third = f"of all its attention, {asking} gives {answering} the share {written}"
        same = [place for place, word in enumerate(words) if word_key(word) == word_key(words[view.key])]
        if float(trace.weights[view.query, same].sum()) < NOTHING_MUCH and not view.is_asked:
            third = f"{asking} found nothing much: {answering} gets {written}"
    sizes = f", lists of {trace.d_k} numbers" if trace.d_k > 1 else ", one number each"
    if trace.d_v != trace.d_k:
        sizes = f" of {trace.d_k}, {trace.d_k} and {trace.d_v} numbers"
    noun = trace.found.noun
    second = f"the query of {asking} times the key of {answering}: {score}, {how}"
    shorter = f"query of {asking} times key of {answering}: {score}, {how.removeprefix('the ')}"
    short = f"{asking} asks, {answering} answers: {score}"
    seen = f"the {noun}s it sees" if trace.mask is not None else f"all {noun}s"
    fourth = f"the values of {seen}, mixed by these shares: the new {asking}"
    return (
        AnswerLine(1, "vectors", f"every {noun} gets a query, a key and a value{sizes}"),
        AnswerLine(2, "scores", _fitting(second, shorter, f"{short}, {how}", short)),
        AnswerLine(3, "weights", _fitting(third, third.removeprefix("of all its attention, "))),
        AnswerLine(4, "context", _fitting(fourth, f"their values, mixed: the new {asking}")),
    )


def _rank(trace: Explanation, view: View) -> str:
    """Say how good the score is, beside those of the other words that the asking word sees.

    The same word again is none of the others; the same piece of a word is, for it may be of another word.
    """
    row, words = trace.scores[view.query], plain_tokens(trace)
    if view.query == view.key:
        return "its own"
    seen = np.ones(len(words), bool) if trace.mask is None else trace.mask[view.query]
    keys = [f"{word_key(word)} {place if trace.are_pieces else ''}" for place, word in enumerate(words)]
    others = [j for j in range(len(words)) if seen[j] and j != view.query and keys[j] != keys[view.query]]
    better = sum(float(row[j]) > float(row[view.key]) for j in others if keys[j] != keys[view.key])
    if not others:
        return "the same word again"
    if len(others) < 2:
        return f"the only other {trace.found.noun}{' it sees' * (not seen.all())}"
    whom = "of the others it sees" if not seen.all() else "of the others"
    return f"the highest {whom}" if not better else f"place {better + 1} {whom.replace('of', 'among', 1)}"


def _quoted(word: str) -> str:
    """Quote a word; a very long one is cut, so that four lines stay four lines."""
    return f'"{word}"' if len(word) <= LONGEST_WORD else f'"{word[: LONGEST_WORD - 1]}…"'


def _fitting(*texts: str) -> str:
    """Take the first text that a screen of 80 columns need not cut, or the last, the shortest."""
    return next((text for text in texts if len(text) <= WIDEST_LINE), texts[-1])
