"""Options in, exit code out. The only place that prints, writes files or exits.

Typer reads the options, and nothing more: it hands back a `Request`, and the work is done outside of it, so that its
own ways with errors, panels and signals stay out. Heavy imports wait until they are needed: `--version` and `--help`
load no numpy, `--json` loads no Rich.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from attnexplain import __version__
from attnexplain.errors import AttnExplainError, CommandError, DataError, OutputError, PhraseError, TextError
from attnexplain.tokens import MAX_TOKENS, MOST_TOKENS, visible

if TYPE_CHECKING:
    from attnexplain.explain import Explanation
    from attnexplain.models import Model
    from attnexplain.models.stored import GivenWeights
    from attnexplain.render.ink import Ink, Palette
    from attnexplain.render.themes import ThemeName
    from attnexplain.steps.step import Lesson

NAME = "attnexplain"
WIDTHS = (20, 500)
HEIGHT = 100
"""Lines of a screen that is none."""
PICTURE_WIDTH = 100
"""Columns of an .svg."""
ONE_SENTENCE = (".svg", ".html", ".npz")
LONG = 256
"""The number of words from which on JSON is written row by row."""
LONGEST_LINE = 1 << 20
"""Bytes of one line of input."""

Written = str | bytes | Iterator[str]
"""What is made of a sentence: a text, the bytes of a file, or a long text piece by piece."""

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
  {NAME} --explain softmax
  {NAME} --json "The cat sat" | python3 -m json.tool
  {NAME} --file sentences/ambiguous.txt --step 3 --brief
  {NAME} -- "-5 degrees is cold"

Exit codes: 0 done, 1 the output could not be written, 2 fix the command, 3 fix the data, 70 a bug of ours."""


class Theme(StrEnum):
    """The paper of a picture."""

    dark = "dark"
    light = "light"


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


@dataclass(frozen=True)
class Line:
    """One sentence, and where it stands."""

    text: str | None
    """None for the example that the model itself brings."""
    place: str = ""
    """"file.txt, line 3: ", or "" for the sentence of the command line."""
    error: TextError | None = None
    """What is wrong with the line itself."""
    read: int = 0
    """How many bytes of the file came up to its end."""


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Make a parser of whole numbers in a range."""

    def parse(text: str | int) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", str(text)) or not lowest <= int(text) <= highest:
            raise typer.BadParameter(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


STEP, COUNT, DIGITS, SEED = _whole_number(1, 4), _whole_number(0, 999), _whole_number(0, 8), _whole_number(0, 10**15)
COLUMNS, TOKENS = _whole_number(*WIDTHS), _whole_number(1, MOST_TOKENS)

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
def request(
    sentence: Annotated[
        str | None, typer.Argument(metavar="[SENTENCE]", help="The text; - or a pipe reads standard input.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Sentences from FILE, one a line; blank lines and # comments skipped."
        ),
    ] = None,
    step: Annotated[
        list[int] | None,
        typer.Option("--step", "-s", parser=STEP, metavar="1-4", help="Only this step; may be repeated."),
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
            help="tiny (learned), untrained (random), a .json or .npz file of numbers, or a real checkpoint: minilm, a "
            "folder, a name in the Hugging Face cache.",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(parser=COUNT, metavar="N", help="Of a checkpoint, counted from 0; 0 if not given."),
    ] = None,
    head: Annotated[
        int | None,
        typer.Option(parser=COUNT, metavar="N", help="Of that layer, counted from 0; 0 if not given."),
    ] = None,
    overview: Annotated[
        bool, typer.Option("--overview", help="Every layer and head of a checkpoint on one screen.")
    ] = False,
    find: Annotated[
        str | None, typer.Option(metavar="WORD:WORD", help="Rank all heads by the weight of the first on the second.")
    ] = None,
    merge_words: Annotated[
        bool, typer.Option("--merge-words", help="Join a checkpoint's pieces of words into words.")
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the checkpoint from the Hugging Face hub first.")
    ] = False,
    causal: Annotated[
        bool | None, typer.Option("--causal/--no-causal", help="Each word sees only itself and those before it.")
    ] = None,
    scale: Annotated[
        bool | None, typer.Option("--scale/--no-scale", help="Divide the scores by √d_k, or leave it out.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="SENTENCE", help="The same word in two sentences: what changed.")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(metavar="TOPIC", help="A short article: qkv, dot-product, softmax, mask, heads and more."),
    ] = None,
    pause: Annotated[bool, typer.Option("--pause", help="Wait for Enter between the steps, on a terminal.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per sentence, one per line.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write FILE, a .svg, .html, .txt, .json or .npz."),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Skip a line that does not work, and say so.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")] = False,
    theme: Annotated[Theme, typer.Option(metavar="THEME", help="dark or light, for .svg and .html.")] = Theme.dark,
    json_schema: Annotated[bool, typer.Option("--json-schema", help="Show the JSON Schema of --json.")] = False,
    digits: Annotated[int, typer.Option(parser=DIGITS, metavar="N", help="Digits after the point, 0 to 8.")] = 2,
    seed: Annotated[int, typer.Option(parser=SEED, metavar="N", help="For the untrained model.")] = 0,
    width: Annotated[
        int | None,
        typer.Option(parser=COLUMNS, metavar="N", help="Columns; your terminal's if not given."),
    ] = None,
    color: Annotated[When, typer.Option(metavar="WHEN", help="auto, always or never.")] = When.auto,
    ascii: Annotated[bool, typer.Option("--ascii", help="Draw with plain ASCII.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Tables and heatmaps without the prose.")] = False,
    max_tokens: Annotated[
        int,
        typer.Option(parser=TOKENS, metavar="N", help=f"Refuse longer sentences; up to {MOST_TOKENS}."),
    ] = MAX_TOKENS,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a bug.")] = False,
    model_card: Annotated[
        bool, typer.Option("--model-card", help="Show what the learned model is and can do.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.")] = False,
) -> Request:
    """See self-attention happen on your own sentence: four steps, with every number."""
    return Request(
        sentence, file, tuple(step or ()), query, key, tuple(phrase or ()), model, layer, head, overview, find,
        merge_words, download, compare, explain, pause, causal, scale, json,
        output, keep_going, force, theme.value, json_schema, digits, seed, width, color, ascii, brief,
        max_tokens, debug, model_card, version,
    )  # fmt: skip


_CHECKED: Mapping[str, Callable[[Any], Any]] = {
    "step": lambda texts: [STEP(text) for text in texts],
    "layer": COUNT,
    "head": COUNT,
    "digits": DIGITS,
    "seed": SEED,
    "width": COLUMNS,
    "max_tokens": TOKENS,
    "color": When,
    "theme": Theme,
}
"""How the values of options are checked, where any text will not do."""


def run() -> NoReturn:
    """Be the command: Ctrl-C and a closed pipe end the process as those signals do."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the caller ignores it, as nohup does
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Read the command line, do what it asks, and return the exit code."""
    try:
        try:
            if list(arguments) in (["--version"], ["-V"]):  # needs no Typer, which takes as long as all the rest
                asked: Request | int = _show_version()
            else:
                asked = _read(arguments)
            return asked if isinstance(asked, int) else _serve(asked)
        except OSError as error:  # only writing leaves one: reading turns its own into a CommandError
            raise OutputError(f"standard output: {error.strerror or error}") from error
    except AttnExplainError as error:
        _complain(error.place + error.message, error.hint)
        if isinstance(error, OutputError):
            _abandon_output()
        return error.exit_code
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        _complain(f"a bug of ours: {type(error).__name__}: {error}", "please report it, with what --debug shows")
        return AttnExplainError.exit_code


# Reading the command line


def _read(arguments: Sequence[str]) -> Request | int:
    """Let Typer read the options. An int is the exit code of --help and of the completion options."""
    command = typer.main.get_command(app)
    if (ordinary := _ordinary(command, arguments)) is not None:
        return ordinary
    try:
        result: Request | int = command.main(list(arguments), prog_name=NAME, standalone_mode=False)
    except Exception as error:
        # Typer's own errors are those of click or of its copy of it; both have this method, and neither a common base.
        if not hasattr(error, "format_message"):
            raise
        raise _usage_error(error, arguments) from error
    return result


def _ordinary(command: Any, arguments: Sequence[str]) -> Request | None:
    """Read an ordinary command line with the parser of Typer's command alone; None for all that is not ordinary.

    Typer then checks each value with pydantic, whose import takes as long as all of the lesson; the values that need
    checking are checked here by the same functions. Help, completion and every mistake are left to Typer as a whole.
    """
    if f"_{NAME.upper()}_COMPLETE" in os.environ:
        return None
    try:
        context = typer.Context(command, **command.context_settings)
        values, too_many, _ = command.make_parser(context).parse_args(list(arguments))
        given: dict[str, Any] = {
            name: _CHECKED[name](value) if name in _CHECKED else value
            for name, value in values.items()
            if isinstance(value, str | bool | list)
        }
    except Exception:
        return None
    return None if too_many or not given.keys() <= request.__annotations__.keys() else request(**given)


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
            hint = f"for text that starts with a dash: {NAME} -- {shlex.quote(text)}"
    elif "extra argument" in message:
        message = "the sentence must be one argument, and there are several"
        words = [argument for argument in arguments if not argument.startswith("-")]
        hint = f"put it in quotes: {NAME} {shlex.quote(' '.join(words))}"
    return CommandError(message, hint=hint)


# Doing what it asks


def _serve(asked: Request) -> int:
    if (code := _answer_at_once(asked)) is not None:
        return code
    from attnexplain.models import DEFAULT_MODEL, load_model

    model = load_model(
        asked.model or DEFAULT_MODEL, seed=asked.seed, layer=asked.layer or 0, head=asked.head or 0,
        download=asked.download,
    )  # fmt: skip
    if model.example is None and asked.sentence is None and asked.file is None and _is_terminal(sys.stdin):
        raise CommandError(
            "there is no sentence", hint=f"{NAME} --model {shlex.quote(str(asked.model))} 'your sentence'"
        )
    draw = _drawer(asked)
    pieces: list[Written] = []
    deliver = _write if asked.output is None else pieces.append
    count = 0
    held: Written = ""
    unseen = list(dict.fromkeys(asked.phrases))
    for line in _watched(asked, _lines(asked, model.example)):
        try:
            text = _answer(asked, line, model, unseen, draw)
        except AttnExplainError as error:
            error.place = line.place
            if not (asked.keep_going and isinstance(error, DataError)):
                raise
            _complain(f"{error.place}{error.message}; skipped", error.hint)
            continue
        if count:
            text = _following(asked, text)
        if asked.phrases:  # one sentence waits, so that nothing is written when the only one lacks a phrase
            held, text = text, held
        deliver(text)
        count += 1
    if not count:
        raise TextError(f"{_source(asked)} has no sentence in it{' that works' if asked.keep_going else ''}")
    if unseen:
        raise PhraseError(unseen[0])
    deliver(held)
    _save(asked, pieces)
    return 0


def _following(asked: Request, text: Written) -> Written:
    """Put what follows another sentence's behind an empty line, where there may be several."""
    if asked.form in ONE_SENTENCE:
        raise CommandError(f"{asked.form} holds one sentence, and there are several", hint="write .txt or .json")
    return "\n" + text if isinstance(text, str) and asked.form in ("", ".txt") else text


def _save(asked: Request, pieces: Sequence[Written]) -> None:
    """Write the output file, where there is one."""
    if asked.output is not None:
        from attnexplain.output import write_file

        data = b"".join(piece if isinstance(piece, bytes) else "".join(piece).encode() for piece in pieces)
        write_file(asked.output, data, force=asked.force)


def _answer(asked: Request, line: Line, model: Model, unseen: list[str], draw: Callable[..., Written]) -> Written:
    """Make of one sentence what is asked for."""
    if line.error is not None:
        raise line.error
    if model.info.kind == "trace":
        from attnexplain.models.stored import GivenWeights

        if isinstance(model, GivenWeights):
            return _only_weights(asked, model)
    if asked.overview or asked.find is not None:
        return _looked_over(asked, line, model)
    return _explained(asked, line, model, unseen, draw)


def _only_weights(asked: Request, given: GivenWeights) -> Written:
    """Draw attention weights that were made elsewhere, as they are."""
    if asked.sentence is not None or asked.file is not None:
        raise CommandError(f"{given.info.name} has its own tokens", hint="leave the sentence out")
    if missing := set(asked.steps) - {3}:
        raise CommandError(f"{given.info.name} holds attention weights alone: step {min(missing)} cannot be shown")
    if asked.form == ".npz" or asked.compare is not None or asked.overview or asked.find is not None:
        raise CommandError(f"{given.info.name} holds attention weights alone: only step 3 can be drawn from them")
    if off := given.rows_that_are_off:
        _warn(f"{off} of {len(given.tokens)} rows of {given.info.name} do not add up to 1")
    if asked.form == ".json":
        from attnexplain.render.json import render_weights

        return render_weights(given)
    from attnexplain.steps.given import given_lesson

    return _page(asked)(given_lesson(given, query=asked.query, key=asked.key, digits=asked.digits))


def _looked_over(asked: Request, line: Line, model: Model) -> Written:
    """Run all heads on one sentence."""
    from attnexplain.overview import overview

    found = overview(
        line.text or "", model=model, find=asked.find, max_tokens=asked.max_tokens, merge_words=asked.merge_words
    )
    if asked.form == ".json":
        from attnexplain.render.json import render_overview

        return render_overview(found)
    from attnexplain.steps.heads import overview_lesson, ranking_lesson

    return _page(asked)(overview_lesson(found) if asked.find is None else ranking_lesson(found, asked.digits))


def _explained(asked: Request, line: Line, model: Model, unseen: list[str], draw: Callable[..., Written]) -> Written:
    """Explain one sentence. In one of many, the phrases that it lacks do not matter."""
    is_alone = asked.sentence not in (None, "-") and asked.compare is None
    traces = []
    for text in (line.text, asked.compare) if asked.compare is not None else (line.text,):
        trace, phrases = _traced(asked, text, model, is_alone=is_alone)
        unseen[:] = [phrase for phrase in unseen if phrase not in phrases]
        traces.append(trace)
    return draw(*traces)


def _traced(asked: Request, text: str | None, model: Model, *, is_alone: bool) -> tuple[Explanation, list[str]]:
    from attnexplain.explain import explain
    from attnexplain.models import FROM_LETTERS, UNKNOWN

    phrases = list(asked.phrases)
    while True:
        try:
            trace = explain(
                text, model=model, phrases=phrases, causal=asked.causal, scale=asked.scale,
                max_tokens=asked.max_tokens, neighbours=4 in asked.shown, merge_words=asked.merge_words,
            )  # fmt: skip
        except PhraseError as error:
            if is_alone:
                raise
            phrases.remove(error.phrase)
        else:
            if trace.made and all(how in (UNKNOWN, FROM_LETTERS) for how in trace.made):
                _warn(f"the model knows no word of {trace.sentence[:40]!r}; what it shows says little about them")
            return trace, phrases


def _drawer(asked: Request) -> Callable[..., Written]:
    """Choose what becomes of a trace, or of two to be compared: JSON, arrays, or a lesson."""
    if asked.form == ".json":
        from attnexplain.render.json import render_json, stream_json

        alone = asked.file is None and asked.sentence != "-" and not asked.steps
        is_stream = asked.output is None and asked.compare is None
        return lambda *traces: (
            stream_json(traces[0], asked.shown, parameters=alone)
            if is_stream and len(traces[0].tokens) >= LONG
            else "".join(render_json(trace, asked.shown, parameters=alone) for trace in traces)
        )
    if asked.form == ".npz":
        from attnexplain.render.npz import render_npz

        return render_npz
    from attnexplain.steps import lesson

    page = _page(asked)

    def draw(trace: Explanation, other: Explanation | None = None) -> str:
        if other is not None:
            from attnexplain.steps.compare import comparison

            composed = comparison(trace, other, query=asked.query, digits=asked.digits)
        else:
            composed = lesson(trace, query=asked.query, key=asked.key, steps=asked.shown, digits=asked.digits)
        return page(composed)

    return draw


def _page(asked: Request) -> Callable[[Lesson], str]:
    """Choose how a lesson is drawn."""
    from attnexplain.render.ink import Ink
    from attnexplain.render.terminal import render_text

    if asked.form in (".svg", ".html"):
        return _picture(asked, Ink("truecolor", asked.ascii, asked.digits))
    if asked.output is not None:
        palette, is_ascii = (_palette(asked.color, os.environ) if asked.color is When.always else None), asked.ascii
    else:
        palette, is_ascii = _palette(asked.color, os.environ), asked.ascii or not _can_draw(sys.stdout)
    ink = Ink(palette, is_ascii, asked.digits)
    width, height = asked.width or _width(os.environ), _height(os.environ)
    if asked.pause and _is_terminal(sys.stdout) and _is_terminal(sys.stdin):
        return lambda lesson: _paused(
            [render_text(part, ink, width=width, height=height, brief=asked.brief) for part in lesson.parts()],
            ink.text("…"),
        )
    return lambda lesson: render_text(lesson, ink, width=width, height=height, brief=asked.brief)


def _picture(asked: Request, ink: Ink) -> Callable[[Lesson], str]:
    """Choose how a lesson is drawn outside of the terminal."""
    if asked.form == ".html":
        from attnexplain.render.html import render_html

        return lambda lesson: render_html(lesson, ink, theme=asked.theme, brief=asked.brief)
    from attnexplain.render.svg import render_svg

    width = asked.width or PICTURE_WIDTH
    return lambda lesson: render_svg(lesson, ink, width=width, theme=asked.theme, brief=asked.brief)


def _paused(parts: Sequence[str], sign: str) -> str:
    """Show one part after another, and wait for Enter after each but the last, which is returned."""
    for part in parts[:-1]:
        _write(part)
        _write(f"\n{sign} Enter")
        sys.stdin.readline()
    return parts[-1]


def _answer_at_once(asked: Request) -> int | None:
    """Do what needs no sentence; None where there is one to explain."""
    if asked.version:
        return _show_version()
    _refuse_conflicts(asked)
    _refuse_outputs(asked)
    if asked.model_card:
        from attnexplain.models.tiny import card

        _write(card())
        return 0
    if asked.explain is not None:
        from attnexplain.steps.topics import topic

        article = _page(asked)(topic(asked.explain, asked.digits))
        if asked.output is None:
            _write(article)
        _save(asked, [article])
        return 0
    if asked.json_schema:
        from importlib.resources import files

        _write(files("attnexplain").joinpath("render/schema.json").read_text(encoding="utf-8"))
        return 0
    if asked.sentence is not None and asked.file is not None:
        raise CommandError("a sentence and --file exclude each other", hint="give one of them")
    nothing = asked.sentence is None and asked.file is None and not _is_file(asked.model)
    if nothing and _is_terminal(sys.stdin):
        command = typer.main.get_command(app)
        print(command.get_help(command.make_context(NAME, [], resilient_parsing=True)), file=sys.stderr)
        return CommandError.exit_code
    return None


def _refuse_conflicts(asked: Request) -> None:
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


def _refuse_outputs(asked: Request) -> None:
    """Refuse output files that cannot hold what is asked for, and those that exist."""
    if asked.force and asked.output is None:
        raise CommandError("--force replaces the file of --output, and there is none")
    if asked.output is None:
        return
    from attnexplain.output import check_output

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


def _show_version() -> int:
    _write(f"{NAME} {__version__}\n")
    return 0


# Reading sentences


def _source(asked: Request) -> str:
    return visible(asked.file) if asked.file not in (None, "-") else "standard input"


def _lines(asked: Request, example: str | None) -> Iterator[Line]:
    """Yield the sentence of the command line, or one sentence a line of the file or of standard input."""
    if asked.sentence is not None and asked.sentence != "-":
        yield Line(asked.sentence)
        return
    if example is not None and asked.file is None and asked.sentence is None:
        yield Line(None)
        return
    source = _source(asked)
    try:
        with _opened(asked) as stream:
            number, read = 0, 0
            while raw := stream.readline(LONGEST_LINE + 1):
                number += 1
                read += len(raw)
                place = f"{source}, line {number}: "
                if len(raw) > LONGEST_LINE:
                    yield Line("", place, TextError(f"the line is longer than {LONGEST_LINE >> 20} MiB"))
                    while raw and not raw.endswith(b"\n"):
                        raw = stream.readline(LONGEST_LINE)
                    continue
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                except UnicodeDecodeError as error:
                    yield Line("", place, TextError(f"not valid UTF-8 at byte {error.start + 1}"))
                    continue
                if text and not (asked.file is not None and text.startswith("#")):
                    yield Line(text, place, read=read)
    except OSError as error:
        raise CommandError(f"cannot read {source}: {error.strerror or error}") from error


def _watched(asked: Request, lines: Iterator[Line]) -> Iterator[Line]:
    """Show how far a file is, where there is a person at standard error and the lessons go elsewhere."""
    goes_elsewhere = asked.output is not None or not _is_terminal(sys.stdout)
    is_watched = asked.file not in (None, "-") and sys.stderr is not None and sys.stderr.isatty() and goes_elsewhere
    if not is_watched or not Path(str(asked.file)).is_file():
        yield from lines
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("sentences", total=Path(str(asked.file)).stat().st_size)
        for line in lines:
            yield line
            progress.update(task, completed=line.read)


def _is_file(model: str | None) -> bool:
    """Whether a model may bring its own example, which needs no sentence."""
    return model is not None and model.endswith((".json", ".npz"))


def _opened(asked: Request) -> AbstractContextManager[IO[bytes]]:
    if asked.file in (None, "-"):
        if sys.stdin is None:
            raise CommandError("standard input is closed")
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(str(asked.file)).open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise CommandError(f"cannot open {_source(asked)}: {reason}") from error


def _is_terminal(stream: IO[str] | None) -> bool:
    """Whether there is nobody but a person to wait for; a closed stream counts as one."""
    return stream is None or stream.closed or stream.isatty()


# The page


_SIXTEEN_COLOURS = frozenset({"linux", "ansi", "cygwin", "screen", "vt100", "vt220"})


def _palette(when: When, environment: Mapping[str, str]) -> Palette | None:
    """Choose the colours: --color, then NO_COLOR, then FORCE_COLOR, then whether a terminal shows them."""
    kind = environment.get("TERM", "")
    if when is When.never:
        return None
    if when is When.auto:
        if environment.get("NO_COLOR"):
            return None
        on_screen = sys.stdout is not None and sys.stdout.isatty() and kind != "dumb"
        if not environment.get("FORCE_COLOR") and not on_screen:
            return None
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or kind.endswith("-direct"):
        return "truecolor"
    return "standard" if kind in _SIXTEEN_COLOURS or kind.endswith("-16color") else "256"


def _width(environment: Mapping[str, str]) -> int:
    """Columns: what COLUMNS says, else the terminal's, else 80; never fewer than 20 or more than 500."""
    given = environment.get("COLUMNS", "")
    columns = int(given) if re.fullmatch(r"[1-9][0-9]{0,8}", given) else 0
    if not columns:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):
            columns = 80
    return min(max(columns or 80, WIDTHS[0]), WIDTHS[1])


def _height(environment: Mapping[str, str]) -> int:
    """Lines: what LINES says, else the terminal's, else enough for all."""
    given = environment.get("LINES", "")
    if re.fullmatch(r"[1-9][0-9]{0,3}", given):
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines or HEIGHT
    except (OSError, ValueError, AttributeError):
        return HEIGHT


def _can_draw(stream: IO[str] | None) -> bool:
    try:
        "▀▸─√ᵀΣ…é".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# Writing


def _write(text: Written) -> None:
    assert not isinstance(text, bytes)  # noqa: S101 - bytes go to files alone
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    for piece in (text,) if isinstance(text, str) else text:
        sys.stdout.write(piece)
    sys.stdout.flush()


def _complain(message: str, hint: str) -> None:
    _tell(f"{NAME}: error: {message}", f"  hint: {hint}" if hint else "")


def _warn(message: str) -> None:
    _tell(f"{NAME}: warning: {message}")


def _tell(*lines: str) -> None:
    """Write to standard error; where that fails too, the exit code says enough."""
    ascii_only = not _can_draw(sys.stderr)
    try:
        for line in filter(None, lines):
            indent = line[: len(line) - len(line.lstrip(" "))]
            print(indent + visible(line, ascii_only=ascii_only), file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return


def _abandon_output() -> None:
    """Point standard output to nowhere, so that the interpreter does not fail again on what is left in its buffer."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
