"""What is asked of the command, and what cannot be asked for together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from attnexplain.errors import CommandError

if TYPE_CHECKING:
    from attnexplain.render.themes import ThemeName

ONE_SENTENCE = (".svg", ".html", ".npz")
"""Files that hold one sentence."""


class When(StrEnum):
    """When to use colours."""

    auto = "auto"
    always = "always"
    never = "never"


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    sentence: str | None
    file: str | None
    steps: tuple[int, ...]
    query: str | None
    key: str | None
    phrases: tuple[str, ...]
    model: str | None
    layer: int | None
    head: int | None
    overview: bool
    find: str | None
    merge_words: bool
    download: bool
    compare: str | None
    explain: str | None
    pause: bool
    causal: bool | None
    scale: bool | None
    json: bool
    output: str | None
    keep_going: bool
    force: bool
    theme: ThemeName
    json_schema: bool
    digits: int
    seed: int
    width: int | None
    color: When
    ascii: bool
    brief: bool
    max_tokens: int
    debug: bool
    model_card: bool
    version: bool

    @property
    def form(self) -> str:
        """What is written: ".svg", ".html", ".txt", ".json", ".npz"; "" for a lesson on the screen."""
        return ".json" if self.json else "" if self.output is None else Path(self.output).suffix.lower()

    @property
    def shown(self) -> tuple[int, ...]:
        """The steps to show: all where none is chosen."""
        return self.steps or (1, 2, 3, 4)


def refuse_conflicts(asked: Request) -> None:
    """Refuse options that exclude each other."""
    if asked.compare is not None and asked.key is not None:
        raise CommandError("--compare looks at one word, so --key does not go with it", hint="name it with --query")
    if asked.overview and asked.find is not None:
        raise CommandError("--overview and --find exclude each other", hint="give one of them")
    if asked.overview or asked.find is not None:
        of_one_head = {
            "--layer": asked.layer is not None, "--head": asked.head is not None, "--step": bool(asked.steps),
            "--query": asked.query is not None, "--key": asked.key is not None, "--compare": asked.compare is not None,
            "--causal": asked.causal is not None, "--scale": asked.scale is not None,
        }  # fmt: skip
        all_heads = "--overview" if asked.overview else "--find"
        for option, is_given in of_one_head.items():
            if is_given:
                raise CommandError(f"{all_heads} runs every head as it is, so {option} does not go with it")
    if asked.download and asked.model is None:
        raise CommandError("--download needs the name of a model", hint="--model openai-community/gpt2")


def refuse_outputs(asked: Request) -> None:
    """Refuse output files that cannot hold what is asked for, and those that exist."""
    if asked.force and asked.output is None:
        raise CommandError("--force replaces the file of --output, and there is none")
    if asked.output is None:
        return
    from attnexplain.cli.output import check_output

    check_output(asked.output, force=asked.force)
    if asked.json and not asked.output.lower().endswith(".json"):
        raise CommandError("--json and --output with another ending exclude each other", hint="--output FILE.json")
    is_trace = not (asked.overview or asked.find is not None or asked.compare is not None or asked.explain is not None)
    if asked.form == ".npz" and not is_trace:
        raise CommandError(".npz holds the trace of one sentence", hint="write .json, .txt, .svg or .html")
    if asked.form == ".json" and asked.explain is not None:
        raise CommandError("an article is a text", hint="write .txt, .svg or .html")
    if asked.pause:
        raise CommandError("--pause waits on a terminal, so --output does not go with it")
