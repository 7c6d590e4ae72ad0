"""Reading the command line.

Typer reads the options, and nothing more: it hands back a `Request`, and the work is done outside of it, so that its
own ways with errors, panels and signals stay out. (No `from __future__ import annotations` here: Typer would have to
evaluate each of them, which takes as long as drawing a step.)
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from difflib import get_close_matches
from enum import StrEnum
from io import StringIO
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from attnexplain.cli.request import Request, When
from attnexplain.cli.streams import NAME, WIDTHS, reported
from attnexplain.errors import AttnExplainError, CommandError, OutputError
from attnexplain.text import for_shell
from attnexplain.tokens import MAX_TOKENS, MOST_NEXT, MOST_TOKENS

EXAMPLES = f"""Examples:

\b
  {NAME} "The river bank was flooded after the storm"
  {NAME} --step 3 "The cat sat on the mat"
  {NAME} --query cat --key mat "The cat sat on the mat"
  {NAME} --model untrained "The cat sat on the mat"
  {NAME} --model minilm --layer 3 --head 5 "The cat sat on the mat"
  {NAME} --model minilm --overview "The cat sat on the mat"
  {NAME} --model minilm --find mat:cat "The cat sat on the mat"
  {NAME} --phrase "Hare Krishna" "Chanting Hare Krishna mantra"
  {NAME} "The river bank flooded" --compare "She robbed the bank"
  {NAME} --figure weights -o weights.svg "The cat sat on the mat"
  {NAME} --worksheet -o sheet.html "The river bank was flooded"
  {NAME} --explain softmax
  {NAME} --json "The cat sat" | python3 -m json.tool
  echo "The cat sat" | {NAME} --step 3 --brief -
  {NAME} -- "-5 degrees is cold"

Exit codes: 0 done, 1 the output could not be written, 2 fix the command, 3 fix the data, 70 a bug of ours."""


FIRST_HELP = f"""Usage: {NAME} [OPTIONS] SENTENCE

  See self-attention happen on your own sentence: four steps, with every number.

  --step N             one step: 1 vectors, 2 scores, 3 weights, 4 context
  --query W --key W    the words that are worked out by hand
  --full               every matrix and every number
  --compare SENTENCE   the same word in two sentences
  --explain TOPIC      a short article: attention, softmax, heads and more
  --explore            the lesson as a screen that answers to keys and mouse
  -m, --model SOURCE   untrained, numbers.json, minilm, a folder, a .gguf file
  --layer N --head N   which head of it
  --overview           every head on one screen; --find it:animal ranks them
  --next N             what a model expects next
  --worksheet, --quiz  exercises for a class
  --json               for other programs; -o FILE for .svg .html .md .txt .npz
  --figure weights     one picture for a slide, with -o FILE.svg

  {NAME} "The river bank was flooded after the storm"
  {NAME} --step 3 "The river bank was flooded after the storm"

{NAME} --help lists every option, with examples."""
"""What -h shows: no longer than a screen."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "What": ("file", "step", "query", "key", "place", "phrase", "compare", "pair", "truncate"),
    "How much": ("full", "brief", "digits", "max_tokens"),
    "The model": (
        "model", "layer", "head", "seed", "causal", "scale", "merge_words", "download", "model_card",
    ),
    "Many heads": ("overview", "find", "all_heads", "repeats", "next"),
    "Learn": ("explain", "explore", "worksheet", "key_sheet", "blanks", "quiz"),
    "Out": ("json", "json_schema", "output", "force", "figure", "shape", "bare", "theme", "keep_going"),
    "The screen": ("width", "color", "ascii", "pager", "pause"),
}  # fmt: skip
"""The headings of --help, and what stands below each; what is named nowhere stands below the last, About."""


class Grouped(TyperCommand):
    """A command whose help has its options below headings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write them."""
        by_name = {parameter.name: parameter.get_help_record(ctx) for parameter in self.get_params(ctx)}
        sentence = ("SENTENCE", (by_name.pop("sentence") or ("", ""))[1])
        for heading, names in {**GROUPS, "About": [name for name in by_name if name not in _GROUPED]}.items():
            records = [record for name in names if (record := by_name[name]) is not None]
            with formatter.section(heading):
                formatter.write_dl([*([sentence] if heading == "What" else []), *records])


_GROUPED = frozenset(name for names in GROUPS.values() for name in names)


def _first_help(is_asked: bool) -> None:
    if is_asked:
        typer.echo(FIRST_HELP)
        raise typer.Exit


class Theme(StrEnum):
    """The paper of a picture."""

    dark = "dark"
    light = "light"


class Figure(StrEnum):
    """What a figure shows."""

    weights = "weights"
    scores = "scores"
    queries = "queries"
    keys = "keys"
    values = "values"
    context = "context"
    links = "links"
    overview = "overview"


class Blank(StrEnum):
    """What an exercise can leave out."""

    queries = "queries"
    keys = "keys"
    scores = "scores"
    scaled_scores = "scaled_scores"
    exponentials = "exponentials"
    sum = "sum"
    weights = "weights"
    context = "context"


class Shape(StrEnum):
    """What a figure is for."""

    slide = "slide"
    column = "column"


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Make a parser of whole numbers in a range."""

    def parse(text: str | int) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", str(text)) or not lowest <= int(text) <= highest:
            raise typer.BadParameter(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _numbers(text: str | tuple[int, ...]) -> tuple[int, ...] | str:
    """Read "3", "-1", "0-2", "0,5", "all" or "mean"."""
    if isinstance(text, tuple) or text in ("all", "mean"):
        return text
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r" *(-[0-9]{1,9}|[0-9]{1,9}(?= *$)|[0-9]{1,3}(?= *-)) *(?:- *([0-9]{1,3}) *)?", part)
        if match is None or (match[2] and match[1].startswith("-")):
            raise typer.BadParameter(
                f"{text!r} is no number, such as 3 or -1, nor several such as 0-2 or 0,5, all or mean"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise typer.BadParameter(f"{text!r} runs backwards")
        found += range(first, last + 1)
    return tuple(found)


def _place(text: Any) -> Any:
    """Read "3" or "q3", "k3", "v3": a place, counted from 1, of the query, the key or the value."""
    from attnexplain.steps.blocks import Place, Vectors

    if isinstance(text, Place):
        return text
    match = re.fullmatch(r"([qkv]?)([1-9][0-9]{0,4})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no place, such as 3, or k3 of the key, or v3 of the value")
    vectors: dict[str, Vectors] = {"": "queries", "q": "queries", "k": "keys", "v": "values"}
    return Place(int(match[2]) - 1, vectors[match[1]])


def _steps(text: str | tuple[int, ...]) -> tuple[int, ...]:
    """Read "3", "1-2" or "2,3"."""
    if isinstance(text, tuple):
        return text
    found: list[int] = []
    for part in text.split(","):
        if not (match := re.fullmatch(r" *([1-4]) *(?:- *([1-4]) *)?", part)):
            several = ", nor several such as 1-2 or 2,3" if "-" in text or "," in text else ""
            raise typer.BadParameter(f"{text!r} is not a whole number from 1 to 4{several}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise typer.BadParameter(f"{text!r} runs backwards")
        found += range(first, last + 1)
    return tuple(found)


def _blanks(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Read "scores,weights"."""
    if isinstance(text, tuple):
        return text
    return tuple(str(BLANK(name.strip())) for name in text.split(","))


def _one_of(kind: type[StrEnum]) -> Callable[[str], Any]:
    """Make a parser of one of a few words, which suggests the nearest one."""

    def parse(text: str) -> Any:
        if text in list(kind):
            return kind(text)
        near = get_close_matches(text.lower(), list(kind), n=1, cutoff=0.5)
        suggested = f" (did you mean {near[0]}?)" if near else ""
        names = ", ".join(f"{name!r}" for name in map(str, kind))
        raise typer.BadParameter(f"{text!r} is not one of {names}{suggested}")

    return parse


COLOUR, THEME, FIGURE, SHAPE, BLANK = map(_one_of, (When, Theme, Figure, Shape, Blank))
COUNT, DIGITS, SEED = _whole_number(0, 999), _whole_number(0, 8), _whole_number(0, 10**15)
COLUMNS, TOKENS, NEXT = _whole_number(*WIDTHS), _whole_number(1, MOST_TOKENS), _whole_number(1, MOST_NEXT)
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Grouped, context_settings={"help_option_names": ["--help"]}, epilog=EXAMPLES)
def request(
    sentence: Annotated[
        str | None, typer.Argument(metavar="SENTENCE", help="The text; - or a pipe reads standard input.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Sentences from FILE, one a line; blank lines and # comments skipped."
        ),
    ] = None,
    step: Annotated[
        list[Any] | None,
        typer.Option(
            "--step", "-s", parser=_steps, metavar="N", help="Only these steps: 3, 1-2 or 2,3; may be repeated."
        ),
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="WORD", help="The asking word to work out by hand, or its position from 1.")
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="WORD", help="The answering word, or its position from 1.")] = None,
    phrase: Annotated[
        list[str] | None, typer.Option(metavar='"TWO WORDS"', help="Treat these words as one; may be repeated.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="SOURCE",
            autocompletion=lambda incomplete: _beginning_with(incomplete, ("tiny", "untrained", "minilm")),
            help="tiny (learned), untrained (random), a .json or .npz file of numbers, or a real checkpoint: minilm, a "
            "folder, a .gguf file, ollama:NAME, a name in the Hugging Face cache.",
        ),
    ] = None,
    layer: Annotated[
        Any,
        typer.Option(
            parser=_numbers,
            metavar="N",
            help="Of a checkpoint, counted from 0, or -1 for the last; 0 if not given. Of many heads also 0-2, 0,5, "
            "all, mean.",
        ),
    ] = None,
    head: Annotated[
        Any,
        typer.Option(
            parser=_numbers,
            metavar="N",
            help="Of that layer, in the same way; mean also for --figure weights or links.",
        ),
    ] = None,
    all_heads: Annotated[
        bool, typer.Option("--all-heads", help="The weights of every head, with --json or -o FILE.npz.")
    ] = False,
    overview: Annotated[
        bool, typer.Option("--overview", help="Every layer and head of a checkpoint on one screen.")
    ] = False,
    find: Annotated[
        str | None, typer.Option(metavar="WORD:WORD", help="Rank all heads by the weight of the first on the second.")
    ] = None,
    merge_words: Annotated[
        bool, typer.Option("--merge-words", help="Join a checkpoint's pieces of words into words.")
    ] = False,
    pair: Annotated[
        str | None, typer.Option(metavar="SENTENCE", help="A second sentence, for a checkpoint that takes pairs.")
    ] = None,
    truncate: Annotated[
        bool, typer.Option("--truncate", help="Cut off what is too long for a checkpoint, as pipelines do.")
    ] = False,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Look for induction heads in a large checkpoint, too; small ones do.")
    ] = False,
    next: Annotated[
        int | None,
        typer.Option(
            parser=NEXT, metavar="N", help="End with the N most probable next tokens, or words in place of [MASK]."
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the checkpoint from the Hugging Face hub first.")
    ] = False,
    causal: Annotated[
        bool | None, typer.Option("--causal/--no-causal", help="Each word sees only itself and those before it.")
    ] = None,
    scale: Annotated[
        bool | None, typer.Option("--scale/--no-scale", help="Divide the scores by the root of d_k, or leave it out.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="SENTENCE", help="The same word in two sentences: what changed.")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="TOPIC",
            autocompletion=lambda incomplete: _beginning_with(incomplete, _topics()),
            help="A short article: qkv, dot-product, softmax, mask, heads and more.",
        ),
    ] = None,
    pause: Annotated[
        bool, typer.Option("--pause", help="Wait for Enter after each screen and step, on a terminal.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per sentence, one per line.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write FILE, a .svg, .html, .md, .txt, .json or .npz."),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Skip a line that does not work, and say so.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")] = False,
    worksheet: Annotated[
        bool,
        typer.Option("--worksheet", help="A sheet to print: the four steps with numbers for the head, and blanks."),
    ] = False,
    key_sheet: Annotated[bool, typer.Option("--key-sheet", help="The same sheet filled in, with the working.")] = False,
    blanks: Annotated[
        list[Any] | None,
        typer.Option(
            "--blanks",
            parser=_blanks,
            metavar="LIST",
            help="What a sheet or a quiz leaves out: queries, keys, scores, scaled_scores, exponentials, sum, weights "
            "and context.",
        ),
    ] = None,
    quiz: Annotated[bool, typer.Option("--quiz", help="Ask for one number after another; name the slips.")] = False,
    place: Annotated[
        Any,
        typer.Option(
            parser=_place, metavar="N", help="Which number of a vector is worked out in the steps 1 and 4: 3, k3, v3."
        ),
    ] = None,
    explore: Annotated[
        bool, typer.Option("--explore", help="The lesson as a screen that answers to keys and mouse.")
    ] = False,
    figure: Annotated[
        Figure | None,
        typer.Option(
            parser=FIGURE,
            metavar="MATRIX",
            help="One picture for a slide or a paper, with -o: weights, links, scores, queries, keys, values, context, "
            "overview.",
            autocompletion=lambda incomplete: _beginning_with(incomplete, Figure),
        ),
    ] = None,
    shape: Annotated[
        Shape,
        typer.Option(
            parser=SHAPE,
            metavar="SHAPE",
            help="Of a figure: slide (16:9) or column (of a paper).",
            autocompletion=lambda incomplete: _beginning_with(incomplete, Shape),
        ),
    ] = Shape.slide,
    bare: Annotated[bool, typer.Option("--bare", help="A figure without title and caption.")] = False,
    theme: Annotated[
        Theme | None,
        typer.Option(
            parser=THEME,
            metavar="THEME",
            help="dark or light paper, also of your terminal; a page follows its reader's if not given.",
            autocompletion=lambda incomplete: _beginning_with(incomplete, Theme),
        ),
    ] = None,
    json_schema: Annotated[bool, typer.Option("--json-schema", help="Show the JSON Schema of --json.")] = False,
    digits: Annotated[int, typer.Option(parser=DIGITS, metavar="N", help="Digits after the point, 0 to 8.")] = 2,
    seed: Annotated[
        int,
        typer.Option(parser=SEED, metavar="N", help="Of the untrained model; another worksheet of the same sentence."),
    ] = 0,
    width: Annotated[
        int | None,
        typer.Option(parser=COLUMNS, metavar="N", help="Columns; your terminal's if not given."),
    ] = None,
    color: Annotated[
        When,
        typer.Option(
            parser=COLOUR,
            metavar="WHEN",
            help="auto, always or never.",
            autocompletion=lambda incomplete: _beginning_with(incomplete, When),
        ),
    ] = When.auto,
    ascii: Annotated[bool, typer.Option("--ascii", help="Draw with plain ASCII.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Every matrix and every number.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Tables and heatmaps without the prose.")] = False,
    pager: Annotated[
        bool | None, typer.Option("--pager/--no-pager", help="Page a lesson longer than the screen, or don't.")
    ] = None,
    max_tokens: Annotated[
        int,
        typer.Option(parser=TOKENS, metavar="N", help=f"Refuse longer sentences; up to {MOST_TOKENS}."),
    ] = MAX_TOKENS,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a bug.")] = False,
    model_card: Annotated[
        bool, typer.Option("--model-card", help="Show what the learned model is and can do.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.")] = False,
    first_help: Annotated[
        bool, typer.Option("-h", is_eager=True, callback=_first_help, help="What most need, on one screen.")
    ] = False,
) -> Request:
    """See self-attention happen on your own sentence: four steps, with every number."""
    return Request(
        sentence=_text(sentence),
        file=file,
        steps=tuple(sorted({number for numbers in step or () for number in numbers})),
        query=_text(query),
        key=_text(key),
        phrases=tuple(map(_text, phrase or ())),
        model=model,
        layers=layer,
        heads=head,
        all_heads=all_heads,
        overview=overview,
        find=_text(find),
        merge_words=merge_words,
        pair=_text(pair),
        truncate=truncate,
        repeats=repeats,
        next=next or 0,
        download=download,
        compare=_text(compare),
        explain=_text(explain),
        pause=pause,
        causal=causal,
        scale=scale,
        json=json,
        output=output,
        keep_going=keep_going,
        force=force,
        worksheet=worksheet,
        key_sheet=key_sheet,
        blanks=tuple(dict.fromkeys(name for names in blanks or () for name in names)),
        quiz=quiz,
        explore=explore,
        place=place,
        figure=None if figure is None else figure.value,
        shape=shape.value,
        bare=bare,
        theme=None if theme is None else theme.value,
        json_schema=json_schema,
        digits=digits,
        seed=seed,
        width=width,
        color=color,
        ascii=ascii,
        brief=brief,
        full=full,
        pager=pager,
        max_tokens=max_tokens,
        debug=debug,
        model_card=model_card,
        version=version,
    )


def _topics() -> Iterable[str]:
    from attnexplain.steps.topics import TOPICS

    return TOPICS


def _beginning_with(typed: str, choices: Iterable[str]) -> list[str]:
    return [str(choice) for choice in choices if choice.startswith(typed)]


def _text(argument: Any) -> Any:
    """Read a text as UTF-8 where the locale could not: Python keeps its bytes as surrogates then (PEP 383)."""
    if argument is None or argument.isascii() or not any("\udc80" <= sign <= "\udcff" for sign in argument):
        return argument
    with suppress(UnicodeError):
        return os.fsencode(argument).decode()
    return argument


_CHECKED: Mapping[str, Callable[[Any], Any]] = {
    "blanks": lambda texts: [_blanks(text) for text in texts],
    "step": lambda texts: [_steps(text) for text in texts],
    "place": _place,
    "layer": _numbers,
    "head": _numbers,
    "digits": DIGITS,
    "next": NEXT,
    "seed": SEED,
    "width": COLUMNS,
    "max_tokens": TOKENS,
    "color": COLOUR,
    "theme": THEME,
    "figure": FIGURE,
    "shape": SHAPE,
}
"""How the values of options are checked, where any text will not do."""


def read(arguments: Sequence[str]) -> Request | int:
    """Let Typer read the options. An int is the exit code of --help and of the completion options."""
    command = typer.main.get_command(app)
    if (ordinary := read_ordinary(command, arguments)) is not None:
        return ordinary
    said = StringIO()
    try:
        with reported(), redirect_stderr(said):
            result: Request | int = command.main(list(arguments), prog_name=NAME, standalone_mode=False)
    except SystemExit as ended:  # how the completion options end
        result = int(ended.code or 0)
    except AttnExplainError:
        raise
    except Exception as error:
        # Typer's own errors are those of click or of its copy of it; both have this method, and neither a common base.
        if not hasattr(error, "format_message"):
            raise
        raise _usage_error(error, arguments) from error
    if isinstance(result, int) and result:
        message = " ".join(said.getvalue().split()).rstrip(".") or "completion does not work here"
        raise CommandError(message[:1].lower() + message[1:], hint="completion is for bash, zsh, fish and pwsh")
    if isinstance(result, int) and sys.stdout is None:
        raise OutputError("standard output is closed")
    return result


def read_ordinary(command: Any, arguments: Sequence[str]) -> Request | None:
    """Read an ordinary command line with the parser of Typer's command alone; None for all that is not ordinary.

    Typer then checks each value with pydantic, whose import takes as long as all of the lesson; the values that need
    checking are checked here by the same functions. Help, completion and every mistake are left to Typer as a whole.
    """
    if f"_{NAME.upper()}_COMPLETE" in os.environ:
        return None
    try:
        context = typer.Context(command, **command.context_settings)
        values, too_many, order = command.make_parser(context).parse_args(list(arguments))
        given: dict[str, Any] = {
            name: _CHECKED[name](value) if name in _CHECKED else value
            for name, value in values.items()
            if isinstance(value, str | bool | list)
        }
    except Exception:
        return None
    if given.get("first_help"):
        return None
    _refuse_twice(order)
    return None if too_many or not given.keys() <= request.__annotations__.keys() else request(**given)


def _refuse_twice(order: Sequence[Any]) -> None:
    """Refuse an option that has one value, and is given twice: it is unclear which one counts."""
    seen: set[str] = set()
    for parameter in order:
        takes_one = not parameter.multiple and (not getattr(parameter, "is_flag", False) or parameter.secondary_opts)
        if takes_one and parameter.name in seen:
            raise CommandError(f"{max(parameter.opts, key=len)} is given twice", hint="give it once")
        seen.add(parameter.name)


def _usage_error(error: Any, arguments: Sequence[str]) -> CommandError:
    message = re.sub(r"^Invalid value for '(--[a-z-]+)'[^:]*", r"\1", str(error.format_message()).strip().rstrip("."))
    message = message[:1].lower() + message[1:]
    hint = f"{NAME} --help lists the options"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and option is not None:
        possibilities = ", ".join(sorted(getattr(error, "possibilities", None) or ()))
        message = f"no such option: {option}" + (f" (did you mean {possibilities}?)" if possibilities else "")
        text = next((argument for argument in arguments if argument.startswith(option)), option)
        if not re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", text):
            hint = f"for text that starts with a dash: {NAME} -- {for_shell(text)}"
    elif "--explain" in message and "requires an argument" in message:
        from attnexplain.steps.topics import TOPICS

        message, hint = "--explain needs a topic", f"the topics are: {', '.join(TOPICS)}"
    elif "extra argument" in message:
        message = "the sentence must be one argument, and there are several"
        words = [argument for argument in arguments if not argument.startswith("-")]
        hint = f"put it in quotes: {NAME} {for_shell(' '.join(words))}"
    return CommandError(message, hint=hint)
