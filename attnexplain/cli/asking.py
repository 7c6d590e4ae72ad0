"""The quiz on a terminal or in a pipe: a question, an answer, and what to do again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attnexplain.cli.streams import NAME, write
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.exercises.quiz import Question

LONGEST = 60
"""Characters of a piped answer that are shown."""
GIVE_UP = ""
"""An empty answer: the reader wants to be told."""


def ask_all(questions: Sequence[Question], page: Callable[[str], str], *, as_json: bool) -> None:
    """Ask one question after another, each again after a first wrong answer, and end with the score.

    The end of input ends the quiz with the score so far.

    Args:
        questions: in their order.
        page: makes any text safe to show, and as wide as the screen.
        as_json: write a line of JSON for each answer instead, and no question.
    """
    right, answered = 0, 0
    missed: list[str] = []
    for number, question in enumerate(questions, start=1):
        first = _ask(f"{number} of {len(questions)}. {question.text}", question, page, as_json=as_json)
        if first is None:
            break
        answered += 1
        right += first
        if not first:
            missed.append(question.topic)
    topics = [topic for topic in dict.fromkeys(missed) if topic != "attention"]
    if as_json:
        write(json.dumps({"right": right, "answered": answered, "questions": len(questions), "look_at": topics}) + "\n")
        return
    looks = "".join(f"  {NAME} --explain {topic}\n" for topic in topics)
    ended = "" if answered == len(questions) else f" (of {len(questions)} questions)"
    write(page(f"\n{right} of {answered} right at the first try{ended}."))
    if looks:
        write(page("To look at again:") + looks)


def _ask(text: str, question: Question, page: Callable[[str], str], *, as_json: bool) -> bool | None:
    """Ask until the answer is right, or was wrong twice; whether the first was right, None at the end of input."""
    from attnexplain.exercises.quiz import is_number, is_right, slip_of

    tries = 0
    if not as_json:
        write("\n" + page(text))
    while True:
        given = _read(as_json=as_json)
        if given is None:
            return None
        is_answer = isinstance(question.answer, str) or given == GIVE_UP or is_number(given)
        if not is_answer and not as_json:
            write(page("A number is wanted, such as 3 or 0.29; an empty line to be told."))
            continue
        tries += 1
        is_good, slip = is_right(question, given), slip_of(question, given)
        if as_json:
            write(json.dumps({"question": question.id, "given": given, "right": is_good, "slip": slip}) + "\n")
            return is_good
        if is_good:
            write(page(f"Right: {question.written}."))
            return tries == 1
        if isinstance(question.answer, str):
            write(page(question.line))
            return False
        if tries == 2 or given == GIVE_UP:
            write(page(f"{question.line} is {question.written}."))
            return False
        says = f"Not quite: {slip}." if slip else "Not quite."
        write(page(f"{says} Once more: {question.line}"))


def _read(*, as_json: bool) -> str | None:
    """Read one answer; None at the end of the input."""
    if not as_json:
        write("> ")
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line:
        if not as_json:
            write("\n")
        return None
    if not as_json and not sys.stdin.isatty():  # where nobody sees what was typed
        write(visible(line)[:LONGEST] + "\n")
    return line.strip()
