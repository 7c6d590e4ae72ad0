"""The names of the rows: tokens as a reader sees them, told apart where one occurs twice."""

from __future__ import annotations

from collections.abc import Sequence

from attnexplain.explanation import Explanation
from attnexplain.models import FROM_LETTERS, UNKNOWN
from attnexplain.models.little import foreign_words
from attnexplain.naming import labels
from attnexplain.steps.blocks import Prose
from attnexplain.steps.choice import content_places
from attnexplain.text import word_key
from attnexplain.tokens import Tokens

LONGEST_NAME = 60
"""Characters; what is longer is cut. The sentence above the lesson has it in full."""
PRONOUNS = frozenset(("he", "him", "she", "her", "it", "they", "them", "his", "its", "their"))


def names_of(trace: Explanation) -> tuple[str, ...]:
    """Name the rows of a trace: each token as a reader sees it, a star behind those that stand for no word."""
    names = (text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…" for text in trace.shown)
    return labels([f"{name}*" if is_special else name for name, is_special in zip(names, trace.special, strict=True)])


def notes_of(trace: Explanation, names: Sequence[str]) -> tuple[Prose, ...]:
    """Say at the end which model it was, and what was done to the input, each only where it matters."""
    stored = f" Its numbers are quantized ({trace.model.quantized})." if trace.model.quantized else ""
    notes = [f"Model: {_model_name(trace)}. {trace.model.note}{stored}"]
    signs = []
    if trace.left_out:
        signs.append(f"Punctuation is left out: {' '.join(trace.left_out)}")
    if any(trace.special):
        signs.append("A star: no word.")
    signs += trace.legend
    if len(set(trace.tokens)) < len(trace.tokens):
        noun = trace.found.noun
        signs.append(f"In brackets: the position of a repeated {noun}.")
    notes += [" ".join(signs)] if signs else []
    notes += about_input(trace.found)
    typed = []
    if any(trace.made):
        made = dict(zip(trace.tokens, trace.made, strict=True))
        words = "; ".join(f'"{token}" ({how})' for token, how in made.items() if how)
        notes.append(f"Not in the vocabulary: {words}.")
    if trace.model.kind == "learned" and trace.model.head == 0:
        pronoun = next((token for token in trace.tokens if token.lower() in PRONOUNS), None)
        if pronoun is not None and content_places(trace):
            notes.append(f'This head cannot tell what "{pronoun}" stands for; head 2 looks back at nouns.')
        typed.append("Heads that see order: --head 1, --head 2. A real model: --model minilm")
    told = (Prose(text, is_note=True, id="note") for text in notes)
    return (*told, *(Prose(text, is_note=True, id="note", is_on_screen_only=True) for text in typed))


def about_input(tokens: Tokens) -> list[str]:
    """Say what was made of a pair of texts, or of one that was too long; each in a sentence."""
    says = []
    if tokens.segments is not None and 1 in tokens.segments:
        says.append(f"The second text is segment B from token {tokens.segments.index(1) + 1} on.")
    elif tokens.second_begins and tokens.spans is not None:
        place = next(i for i, (start, _) in enumerate(tokens.spans, 1) if start >= tokens.second_begins)
        says.append(f"The second text begins at token {place}; this model's tokenizer counts no segments.")
    if tokens.cut_from:
        says.append(f"The text has {tokens.cut_from} tokens; it was cut to {len(tokens.texts)} (--truncate).")
    return says


def knows_no_word(trace: Explanation) -> bool:
    """Whether the learned model knows no word of the sentence, so that its numbers say nothing about it.

    So it is of a text in another script, and of one whose words are for half, and two at least, little words of another
    language or unknown beside such.
    """
    if trace.model.kind != "learned" or all(how == UNKNOWN for how in trace.made):
        return trace.model.kind == "learned"
    foreign = {word_key(token) for token in trace.tokens} & foreign_words()
    unknown = [
        token for token, how in zip(trace.tokens, trace.made, strict=True)
        if how in (UNKNOWN, FROM_LETTERS) or word_key(token) in foreign
    ]  # fmt: skip
    return bool(foreign) and len(unknown) > 1 and 2 * len(unknown) >= len(trace.tokens)


def _model_name(trace: Explanation) -> str:
    name, kind = trace.model.name, trace.model.kind
    return name if name == kind else f"{name} ({kind})"
