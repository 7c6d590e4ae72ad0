"""Everything that can go wrong, as a small tree. A leaf's exit code is the command's exit code."""

from __future__ import annotations


class AttnExplainError(Exception):
    """An error that the reader of its message can mend.

    Attributes:
        message: one line that says what is wrong.
        hint: one line that says what to type next, or "" where the message says enough.
        place: where in the input it happened, such as "notes.txt, line 3: ", or "".
        exit_code: what the command ends with.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = ""


class OutputError(AttnExplainError):
    """The output could not be written."""

    exit_code = 1


class CommandError(AttnExplainError, ValueError):
    """An option, a value or a combination of them does not work: fix the command."""

    exit_code = 2


class PhraseError(CommandError):
    """A phrase that does not occur in the text."""

    def __init__(self, phrase: str) -> None:
        super().__init__(
            f"the phrase {phrase!r} does not occur in the text",
            hint="a phrase is words that follow one another there, with nothing but space between them",
        )
        self.phrase = phrase


class WordError(CommandError):
    """A word or a position that is not in the sentence.

    Attributes:
        option: which names it.
        word: the word.
    """

    def __init__(self, option: str, word: str, message: str, *, hint: str) -> None:
        super().__init__(f"{option}: {message}", hint=hint)
        self.option = option
        self.word = word


class DataError(AttnExplainError, ValueError):
    """What was read does not work: fix the data."""

    exit_code = 3


class TextError(DataError):
    """A text that is empty, not valid Unicode, or too long."""


class NumbersError(DataError):
    """Numbers that attention cannot be computed from: shapes that do not fit, NaN, infinities."""


class CheckpointError(DataError):
    """A checkpoint that cannot be used: files that contradict each other, formats that are not read."""
