"""Doing what is asked: each sentence explained, or all heads looked over, and written where it belongs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attnexplain.cli.drawing import drawer, figure_drawer, page
from attnexplain.cli.forms import DRAWN, FORMS, SCREEN
from attnexplain.cli.output import check_output, new_file, write_pages
from attnexplain.cli.pager import paged, pager_of
from attnexplain.cli.request import Request
from attnexplain.cli.rules import refuse_for_the_model, refuse_what_does_nothing
from attnexplain.cli.sentences import Line, Watch, brings_a_sentence, read_lines, source_name
from attnexplain.cli.streams import (
    NAME,
    Written,
    charset_of,
    complain,
    is_terminal,
    screen_height,
    show_version,
    tell,
    warn,
    write,
)
from attnexplain.cli.threads import use_all
from attnexplain.errors import AttnExplainError, CommandError, DataError, PhraseError, TextError, WordError
from attnexplain.text import can_show, for_shell, visible
from attnexplain.tokens import phrases_in, refuse_long

if TYPE_CHECKING:
    from attnexplain.exercises.made import Exercise
    from attnexplain.explanation import Explanation
    from attnexplain.models import Model
    from attnexplain.models.weights_file import AttentionWeights
    from attnexplain.overview import Overview


FIRST_LINES = (
    f"{NAME} shows what self-attention does to a sentence of yours:",
    f'  {NAME} "The river bank was flooded after the storm"',
    f'  {NAME} --step 3 "The river bank was flooded after the storm"',
    f"  {NAME} --explain attention",
    f"{NAME} --help lists the options.",
)
"""What is said where nothing is asked for."""


def serve(asked: Request) -> int:
    """Do what is asked, and return the exit code.

    Raises:
        AttnExplainError: it cannot be done.
    """
    if (code := _answer_at_once(asked)) is not None:
        return code
    from attnexplain.models import DEFAULT_MODEL, load_model
    from attnexplain.models.weights_file import AttentionWeights

    model = load_model(
        DEFAULT_MODEL if asked.model is None else asked.model,
        seed=0 if asked.is_exercise else asked.seed,
        layer=asked.layer or 0, head=asked.head or 0, download=asked.download,
    )  # fmt: skip
    refuse_for_the_model(asked, model)
    if isinstance(model, AttentionWeights):
        _deliver(asked, _weights_alone(asked, model))
        return 0
    if model.is_large:
        use_all()
    if asked.explore:
        from attnexplain.cli.exploring import explore

        return explore(asked, model)
    if model.example is None and asked.sentence is None and asked.file is None and is_terminal(sys.stdin):
        raise CommandError("there is no sentence", hint=f'{NAME} --model {for_shell(str(asked.model))} "your sentence"')
    if asked.quiz:
        _quiz(asked, model)
        return 0
    with _destination(asked) as deliver:
        (_average_over_all if asked.averages else _answer_all)(asked, model, deliver)
    return 0


def _quiz(asked: Request, model: Model) -> None:
    """Ask on standard output, and read the answers from standard input."""
    from attnexplain.cli.asking import ask_all
    from attnexplain.exercises.quiz import questions
    from attnexplain.exercises.sheet import BLANKS
    from attnexplain.steps.blocks import Lesson, Prose, Step

    if model.example is None and asked.sentence is None:
        raise CommandError("--quiz needs its sentence as an argument", hint=f'{NAME} --quiz "your sentence"')
    draw = page(replace(asked, output=None, json=False))

    def drawn(text: str) -> str:
        return str(draw(Lesson("", (Step(0, "", (Prose(text, is_note=False),)),))))

    asked_for = questions(_exercise(asked, asked.sentence, model), asked.blanks or BLANKS)
    ask_all(asked_for, drawn, as_json=asked.json)


def _exercise(asked: Request, text: str | None, model: Model) -> Exercise:
    """Make an exercise of a sentence: of numbers for the head, or of those in the file."""
    from attnexplain.exercises.made import made_exercise
    from attnexplain.exercises.sheet import own_exercise
    from attnexplain.naming import find_token

    trace = _explained(asked, text, model)
    query = None if asked.query is None else find_token(trace.found, asked.query, "--query")
    if trace.model.kind != "learned":
        return own_exercise(trace, query)
    return made_exercise(trace, query, asked.seed)


def _destination(asked: Request) -> AbstractContextManager[Callable[[Written], None]]:
    """Open what is written to: the output file, a pager on a terminal, or standard output."""
    if asked.in_pages and asked.output is not None:
        return nullcontext(partial(_write_pages, asked.output, asked.force))
    if asked.output is not None:
        return new_file(asked.output, force=asked.force)
    is_paged = asked.pager is not False and asked.form == SCREEN and not asked.pause and is_terminal(sys.stdout)
    pager = pager_of(os.environ) if is_paged and os.environ.get("TERM", "") != "dumb" else None
    if pager is None:
        return nullcontext(write)
    return paged(pager, screen_height(), always=asked.pager is True)


def _write_pages(path: str, force: bool, pages: Written) -> None:
    if isinstance(pages, list):  # and not the nothing that stands for a sentence that waits
        write_pages(path, pages, force=force)


def _deliver(asked: Request, text: Written) -> None:
    with _destination(asked) as deliver:
        deliver(text)


def _answer_all(asked: Request, model: Model, deliver: Callable[[Written], None]) -> None:
    """Answer for one sentence after another."""
    draw = drawer(asked)
    count = 0
    held: Written = ""
    unseen = set(asked.phrases)
    lacking: list[set[tuple[str, str]]] = []  # for each line that does not work, the words that it lacks
    _refuse_phrases_of_no_line(asked, model)
    watch = Watch(asked, read_lines(asked, model.example))
    for line in watch.lines():
        try:
            text = _answer(asked, line, model, draw)
        except AttnExplainError as error:
            lacking.append({(error.option, error.word)} if isinstance(error, WordError) else set())
            mistake = _of_the_line(error, line)
            if asked.keep_going and isinstance(mistake, DataError):
                with watch.interrupted():
                    complain(mistake, and_so="; skipped")
                continue
            if not count and isinstance(error, WordError) and line.place:
                _refuse_word_of_no_line(asked, model, error, watch, draw)
            raise mistake from (error if mistake is not error else None)
        text = _following(asked, text) if count else text
        if asked.phrases:  # one sentence waits, so that nothing is written when the only one of a stream lacks a phrase
            held, text = text, held
            unseen -= {*_phrases(asked, line.text), *_phrases(asked, asked.compare)}
        deliver(text)
        count += 1
    if not count:
        if lacking and (nowhere := set.intersection(*lacking)):
            option, word = min(nowhere)
            raise _in_no_line(asked, option, word)
        raise TextError(f"{source_name(asked)} has no sentence in it{' that works' if asked.keep_going else ''}")
    for phrase in asked.phrases:
        if phrase in unseen:
            raise PhraseError(phrase)
    deliver(held)


def _average_over_all(asked: Request, model: Model, deliver: Callable[[Written], None]) -> None:
    """Run all heads on one sentence after another, and write the means of what they do."""
    from attnexplain.overview import Means, overview

    means = Means()
    watch = Watch(asked, read_lines(asked, model.example))
    for line in watch.lines():
        try:
            if line.error is not None:
                raise line.error
            found = overview(
                line.text or "", model=model, max_tokens=asked.max_tokens, merge_words=asked.merge_words,
                truncate=asked.truncate, repeats=(asked.repeats or None) if not means.sentences else False,
                layers=asked.layers, heads=asked.heads,
            )  # fmt: skip
        except DataError as error:
            error.place = line.place
            if not asked.keep_going:
                raise
            with watch.interrupted():
                complain(error, and_so="; skipped")
        else:
            means.add(found)
    if not means.sentences:
        raise TextError(f"{source_name(asked)} has no sentence in it{' that works' if asked.keep_going else ''}")
    deliver(_overview_drawn(asked, means.result()))


def _of_the_line(error: AttnExplainError, line: Line) -> AttnExplainError:
    """Say whose mistake it is: a word that a line lacks is the line's, where other lines may have it."""
    if isinstance(error, WordError) and line.place:
        mistake: AttnExplainError = DataError(error.message, hint=error.hint)
    else:
        mistake = error
    mistake.place = line.place
    return mistake


def _refuse_word_of_no_line(
    asked: Request, model: Model, error: WordError, watch: Watch, draw: Callable[..., Written]
) -> None:
    """Read on, where the first line lacks a word: a word that no line has is the command's mistake.

    Raises:
        CommandError: no line has it.
    """
    for line in watch.lines():
        try:
            _answer(asked, line, model, draw)
        except WordError as another:
            if (another.option, another.word) != (error.option, error.word):
                return
        except AttnExplainError:
            continue
        else:
            return
    raise _in_no_line(asked, error.option, error.word)


def _in_no_line(asked: Request, option: str, word: str) -> CommandError:
    return CommandError(f"{option}: no line of {source_name(asked)} has the word {visible(word)!r}")


def _refuse_phrases_of_no_line(asked: Request, model: Model) -> None:
    """Look for the phrases in all lines of a file before anything is written; of a stream, in each as it comes.

    Raises:
        PhraseError: a phrase is in none.
    """
    if not asked.phrases or asked.file in (None, "-") or not Path(str(asked.file)).is_file():
        return
    unseen = set(asked.phrases)
    for line in read_lines(asked, model.example):
        unseen -= set(phrases_in(line.text or "", tuple(unseen)))
    for phrase in asked.phrases:
        if phrase in unseen:
            raise CommandError(f"no line of {source_name(asked)} has the phrase {visible(phrase)!r}")


def _phrases(asked: Request, text: str | None) -> tuple[str, ...]:
    """Choose the phrases for a sentence: of two that are compared, and of the lines of a file, those that occur."""
    is_alone = asked.sentence not in (None, "-") and asked.compare is None
    return asked.phrases if is_alone else phrases_in(text or "", asked.phrases)


def _following(asked: Request, text: Written) -> Written:
    """Put what follows another sentence's behind an empty line, where there may be several."""
    if asked.form in FORMS and FORMS[asked.form].holds_one:
        raise CommandError(
            f"{asked.form} holds one sentence, and there are several",
            hint=f"write .txt or {'.md' if asked.is_exercise else '.json'}",
        )
    return "\n" + text if isinstance(text, str) and asked.form in ("", ".txt", ".md") else text


def _answer(asked: Request, line: Line, model: Model, draw: Callable[..., Written]) -> Written:
    """Make of one sentence what is asked for."""
    if line.error is not None:
        raise line.error
    if asked.runs_every_head:
        return _looked_over(asked, line, model)
    if asked.all_heads or asked.several:
        return _every_head(asked, line, model)
    if asked.is_exercise:
        from attnexplain.exercises.sheet import BLANKS, sheet

        made = _exercise(asked, line.text, model)
        return page(asked)(sheet(made, blanks=asked.blanks or BLANKS, is_key=asked.key_sheet))
    texts = (line.text, asked.compare) if asked.compare is not None else (line.text,)
    return draw(*[_explained(asked, text, model) for text in texts])


def _weights_alone(asked: Request, alone: AttentionWeights) -> Written:
    """Draw attention weights that were made elsewhere, as they are."""
    name = alone.info.name
    if asked.sentence is not None or asked.file is not None:
        raise CommandError(f"{name} has its own tokens", hint="leave the sentence out")
    if missing := set(asked.steps) - {3}:
        raise alone.refusal(f"step {min(missing)} cannot be shown")
    if asked.form == ".npz" or asked.runs_every_head or asked.all_heads:
        raise alone.refusal()
    if asked.several:
        raise alone.refusal("one head of them is drawn, so --layer and --head have one number")
    refuse_long(len(alone.tokens.texts), asked.max_tokens, "tokens")
    if off := alone.rows_that_are_off:
        warn(f"{off} of {len(alone.tokens.texts)} rows of {name} do not add up to 1")
    if asked.form == ".json":
        from attnexplain.render.json import render_weights

        return render_weights(alone)
    if asked.figure is not None:
        return figure_drawer(asked)(alone)
    from attnexplain.steps.weights_alone import lesson_of_weights

    return page(asked)(lesson_of_weights(alone, query=asked.query, key=asked.key, digits=asked.digits))


def _looked_over(asked: Request, line: Line, model: Model) -> Written:
    """Run all heads on one sentence."""
    from attnexplain.overview import overview

    found = overview(
        line.text or "", model=model, find=asked.find, max_tokens=asked.max_tokens, merge_words=asked.merge_words,
        pair=asked.pair, truncate=asked.truncate, repeats=asked.repeats or None,
        layers=asked.layers, heads=asked.heads,
    )  # fmt: skip
    return _overview_drawn(asked, found)


def _overview_drawn(asked: Request, found: Overview) -> Written:
    """Draw what all heads do: as JSON, a picture or a lesson."""
    if asked.form == ".json":
        from attnexplain.render.json import render_overview

        return render_overview(found)
    if asked.figure is not None:
        return figure_drawer(asked)(found)
    from attnexplain.steps.heads import overview_lesson, ranking_lesson

    return page(asked)(overview_lesson(found) if asked.find is None else ranking_lesson(found, asked.digits))


def _every_head(asked: Request, line: Line, model: Model) -> Written:
    """Write the weights of many heads; or draw their mean."""
    from attnexplain.every_head import explain_all

    one = None if asked.figure is None else (0,)  # of a figure, a number that is not given is 0
    found = explain_all(
        line.text or "",
        model=model,
        layers=asked.layers or one,
        heads=asked.heads or one,
        max_tokens=asked.max_tokens,
        pair=asked.pair,
        truncate=asked.truncate,
    )
    if asked.figure is not None:
        return figure_drawer(asked)(found.alone())
    if asked.form == ".npz":
        from attnexplain.render.npz import heads_npz

        return heads_npz(found)
    from attnexplain.render.json import stream_heads

    return stream_heads(found)


def _explained(asked: Request, text: str | None, model: Model) -> Explanation:
    from attnexplain.explanation import explain
    from attnexplain.models import FROM_LETTERS, UNKNOWN

    trace = explain(
        text, model=model, phrases=_phrases(asked, text), causal=asked.causal, scale=asked.scale,
        max_tokens=asked.max_tokens, merge_words=asked.merge_words, pair=asked.pair, truncate=asked.truncate,
        next_tokens=asked.next,
        neighbours=4 in asked.shown_steps or asked.form in DRAWN,
    )  # fmt: skip
    if asked.form not in DRAWN and trace.made and all(how in (UNKNOWN, FROM_LETTERS) for how in trace.made):
        warn(f"the model knows no word of {trace.sentence[:40]!r}: its numbers say nothing about it")
    return trace


def _answer_at_once(asked: Request) -> int | None:
    """Do what needs no sentence; None where there is one to explain."""
    if asked.version:
        return show_version()
    if asked.output is not None:
        check_output(asked.output, force=asked.force)
        if asked.json and asked.form != ".json":
            raise CommandError("--json and --output with another ending exclude each other", hint="--output FILE.json")
    refuse_what_does_nothing(asked)
    if asked.model_card:
        _deliver(asked, _card(asked))
        return 0
    if asked.explain is not None:
        from attnexplain.steps.topics import topic

        _deliver(asked, page(asked)(topic(asked.explain, asked.digits)))
        return 0
    if asked.json_schema:
        from importlib.resources import files

        _deliver(asked, files("attnexplain").joinpath("render/schema.json").read_text(encoding="utf-8"))
        return 0
    if asked.explore:
        from attnexplain.cli.exploring import refuse_without_screen

        refuse_without_screen()
        return None
    nothing = asked.sentence is None and asked.file is None and not brings_a_sentence(asked.model)
    if nothing and is_terminal(sys.stdin):
        tell(*FIRST_LINES)
        return CommandError.exit_code
    return None


def _card(asked: Request) -> str:
    from attnexplain.models.tiny import card

    text = card()
    if asked.output is None and not can_show(text, charset_of(sys.stdout)):
        from attnexplain.render.ink import in_charset

        text = in_charset(text, charset_of(sys.stdout))
    return text
