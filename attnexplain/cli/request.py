"""What is asked of the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attnexplain.facts import STEPS
from attnexplain.tokens import MAX_TOKENS

if TYPE_CHECKING:
    from attnexplain.exercises.sheet import Blank
    from attnexplain.render.figure import Shape
    from attnexplain.render.themes import ThemeName
    from attnexplain.steps.blocks import Place
    from attnexplain.steps.figure import Subject


class When(StrEnum):
    """When to use colours."""

    auto = "auto"
    always = "always"
    never = "never"


Numbers: TypeAlias = tuple[int, ...] | str
"""One number or several of layers or heads, "all" or "mean"."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    sentence: str | None = None
    file: str | None = None
    steps: tuple[int, ...] = ()
    query: str | None = None
    key: str | None = None
    phrases: tuple[str, ...] = ()
    model: str | None = None
    layers: Numbers | None = None
    heads: Numbers | None = None
    all_heads: bool = False
    overview: bool = False
    find: str | None = None
    merge_words: bool = False
    pair: str | None = None
    truncate: bool = False
    repeats: bool = False
    next: int = 0
    download: bool = False
    compare: str | None = None
    explain: str | None = None
    pause: bool = False
    causal: bool | None = None
    scale: bool | None = None
    json: bool = False
    output: str | None = None
    keep_going: bool = False
    force: bool = False
    worksheet: bool = False
    key_sheet: bool = False
    blanks: tuple[Blank, ...] = ()
    quiz: bool = False
    explore: bool = False
    place: Place | None = None
    figure: Subject | None = None
    shape: Shape = "slide"
    bare: bool = False
    theme: ThemeName | None = None
    json_schema: bool = False
    digits: int = 2
    seed: int = 0
    width: int | None = None
    color: When = When.auto
    ascii: bool = False
    brief: bool = False
    full: bool = False
    pager: bool | None = None
    max_tokens: int = MAX_TOKENS
    debug: bool = False
    model_card: bool = False
    version: bool = False

    @property
    def layer(self) -> int | None:
        """The layer, where one is asked for."""
        return _alone(self.layers)

    @property
    def head(self) -> int | None:
        """The head, where one is asked for."""
        return _alone(self.heads)

    @property
    def several(self) -> Mapping[str, Numbers]:
        """By the option, what is asked for in place of one number."""
        asked = {"--layer": self.layers, "--head": self.heads}
        return {option: numbers for option, numbers in asked.items() if numbers is not None and _alone(numbers) is None}

    @property
    def form(self) -> str:
        """What is written, by the ending of the file; "" for a lesson on the screen."""
        return (
            ".json"
            if self.json and self.output is None
            else ""
            if self.output is None
            else Path(self.output).suffix.lower()
        )

    @property
    def is_exercise(self) -> bool:
        """Whether something is to be worked out by the reader."""
        return self.worksheet or self.key_sheet or self.quiz

    @property
    def in_pages(self) -> bool:
        """Whether a file a page is wanted: its name has a %d."""
        return self.output is not None and "%d" in self.output

    @property
    def runs_every_head(self) -> bool:
        """Whether it is about all heads of a model, and not about one."""
        return self.overview or self.find is not None or self.figure == "overview"

    @property
    def averages(self) -> bool:
        """Whether what heads do is averaged over the sentences of a file."""
        return (self.overview or self.figure == "overview") and (self.file is not None or self.sentence == "-")

    @property
    def shown_steps(self) -> tuple[int, ...]:
        """The steps to show: all where none is chosen."""
        return self.steps or STEPS


def _alone(numbers: Numbers | None) -> int | None:
    return numbers[0] if isinstance(numbers, tuple) and len(numbers) == 1 else None
