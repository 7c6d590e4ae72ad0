"""The quiz on a terminal or in a pipe: a question, an answer, and what to do again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attnexplain.cli.streams import NAME, tell, write
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.exercises.quiz import Question

LONGEST_OF_JSON = 200
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
    right, answered, predicted = 0, 0, ""
    missed: list[str] = []
    counted = [question for question in questions if not question.choices]
    for number, question in enumerate(questions, start=1):
        first = _ask(f"{number} of {len(questions)}. {question.text}", question, page, as_json=as_json)
        if first is None:
            break
        if question.choices:
            predicted = (
                f'The largest share is that of "{question.written}": your guess was {"right" if first else "another"}.'
            )
            continue
        answered += 1
        right += first
        if not first:
            missed.append(question.topic)
    topics = list(dict.fromkeys(missed))
    if as_json:
        write(json.dumps({"right": right, "answered": answered, "questions": len(counted), "look_at": topics}) + "\n")
        return
    if predicted:
        write("\n" + page(predicted))
    guess = ", without the guess" if len(counted) < len(questions) else ""
    ended = "" if answered == len(counted) else f" (of {len(counted)} questions{guess})"
    write("\n" + page(f"{right} of {answered} right at the first try{ended}."))
    if topics:
        write(page("To look at again:") + "".join(f"  {NAME} --explain {topic}\n" for topic in topics))


def _ask(text: str, question: Question, page: Callable[[str], str], *, as_json: bool) -> bool | None:
    """Ask until the answer is right, or was wrong twice; whether the first was right, None at the end of input."""
    from attnexplain.exercises.quiz import is_choice, is_number, is_right, slip_of

    tries = 0
    if not as_json:
        write("\n" + page(text))
    elif sys.stdin is not None and sys.stdin.isatty():
        tell(text)  # where the lines of JSON go elsewhere
    while True:
        given = _read(as_json=as_json)
        if given is None:
            return None if tries == 0 else False
        is_answer = is_choice(question, given) if question.choices else is_number(given)
        if not as_json and given != GIVE_UP and not is_answer:
            wanted = f"One of {', '.join(question.choices)}" if question.choices else "A number, such as 3 or 0.29,"
            write(page(f"{wanted} is wanted; an empty line to be told."))
            continue
        tries += 1
        is_good, slip = is_right(question, given), slip_of(question, given)
        if as_json:
            line = {
                "question": question.id,
                "text": question.text,
                "given": given[:LONGEST_OF_JSON],
                "right": is_good,
                "slip": slip,
            }
            write(json.dumps(line | {"answer": question.written}) + "\n")
            return is_good
        if question.choices:
            write(page(question.line))
            return is_good
        if is_good:
            write(page(f"Right: {question.written}."))
            return tries == 1
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
