"""Which option goes with what: one table. An option without effect is refused, never passed over in silence.

What is asked for has a subject (a lesson, a comparison, all heads, an article …), a form (the screen, a picture,
JSON …) and a model. Never refused is a value that is the default anyway, and how the screen should look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

from attnexplain.cli.forms import DRAWN, EVERY, FORMS, SCREEN
from attnexplain.cli.request import Request
from attnexplain.errors import CommandError
from attnexplain.facts import DEFAULT_MODEL, STEPS

if TYPE_CHECKING:
    from attnexplain.models import Model
    from attnexplain.models.weights_file import AttentionWeights

JSON, TEXT, MARKDOWN = ".json", ".txt", ".md"

LESSON, COMPARE, OVERVIEW, FIND, FIGURE = "a lesson", "--compare", "--overview", "--find", "--figure"
ALL_HEADS = "--all-heads"
WORKSHEET, QUIZ = "--worksheet", "--quiz"
EXPLORE = "--explore"
ARTICLE, CARD, SCHEMA = "--explain", "--model-card", "--json-schema"
SENTENCES = frozenset({LESSON, COMPARE, OVERVIEW, FIND, FIGURE, ALL_HEADS, WORKSHEET, QUIZ, EXPLORE})
"""The subjects that begin with a sentence."""
ONE_HEAD = frozenset({LESSON, COMPARE, FIGURE, EXPLORE})
MANY_HEADS = frozenset({OVERVIEW, FIND, ALL_HEADS})
EXERCISES = frozenset({WORKSHEET, QUIZ})
IN_WORDS = SENTENCES - EXERCISES - {FIGURE, ALL_HEADS, EXPLORE}
"""Those that are told, and not only drawn."""
SUBJECTS: Mapping[str, frozenset[str]] = {
    LESSON: EVERY,
    COMPARE: DRAWN | {JSON},
    OVERVIEW: DRAWN | {JSON},
    FIND: DRAWN | {JSON},
    FIGURE: frozenset({".svg", ".html"}),
    ALL_HEADS: frozenset({JSON, ".npz"}),
    WORKSHEET: DRAWN,
    QUIZ: frozenset({SCREEN, JSON}),
    EXPLORE: frozenset({SCREEN}),
    ARTICLE: DRAWN,
    CARD: frozenset({SCREEN, TEXT, MARKDOWN}),
    SCHEMA: frozenset({SCREEN, JSON}),
}
"""What there is to be shown, and the forms that it has."""

DEFAULT_ANYWAY: Mapping[str, object] = {
    "layers": (0,),
    "heads": (0,),
    "steps": STEPS,
    "model": DEFAULT_MODEL,
    "scale": True,
}
"""What an option may say that is the default where it says nothing."""

NOT_IN: Mapping[str, tuple[str, ...]] = {
    "queries": ("causal", "scale"), "keys": ("causal", "scale"), "values": ("causal", "scale"), "scores": ("scale",),
}  # fmt: skip
"""What a matrix of a figure comes before, and is the same with and without."""

SAYS = {
    LESSON: "there is no --figure",
    COMPARE: "--compare looks at one word",
    OVERVIEW: "--overview runs every head as it is",
    FIND: "--find runs every head as it is",
    FIGURE: "--figure draws one picture",
    ALL_HEADS: "--all-heads writes the weights of many heads",
    WORKSHEET: "--worksheet makes a sheet of one word",
    QUIZ: "--quiz asks for the numbers of one word",
    EXPLORE: "--explore is a screen for one sentence",
    ARTICLE: "--explain shows an article",
    CARD: "--model-card shows what the learned model is",
    SCHEMA: "--json-schema shows what --json writes",
}
"""Why an option does not go with it."""


class Rule(NamedTuple):
    """Where an option has an effect."""

    option: str
    subjects: frozenset[str] = SENTENCES
    forms: frozenset[str] = EVERY


RULES: Mapping[str, Rule] = {
    "sentence": Rule("a sentence"),
    "file": Rule("--file", SENTENCES - {COMPARE, QUIZ, EXPLORE}),
    "steps": Rule("--step", frozenset({LESSON, EXPLORE}), DRAWN | {JSON}),
    "query": Rule("--query", ONE_HEAD | EXERCISES, DRAWN | {JSON}),
    "key": Rule("--key", frozenset({LESSON, EXPLORE}), DRAWN | {JSON}),
    "place": Rule("--place", frozenset({LESSON, EXPLORE}), DRAWN),
    "next": Rule("--next", frozenset({LESSON}), DRAWN | {JSON}),
    "phrases": Rule("--phrase", SENTENCES - {OVERVIEW, FIND, ALL_HEADS}),
    "model": Rule("--model"),
    "layers": Rule("--layer", ONE_HEAD | MANY_HEADS),
    "heads": Rule("--head", ONE_HEAD | EXERCISES | MANY_HEADS),
    "merge_words": Rule("--merge-words", IN_WORDS - {COMPARE}, DRAWN | {JSON}),
    "pair": Rule("--pair", IN_WORDS - {COMPARE} | {FIGURE, ALL_HEADS, EXPLORE}),
    "truncate": Rule("--truncate", SENTENCES - EXERCISES),
    "repeats": Rule("--repeats", frozenset({OVERVIEW, FIND})),
    "download": Rule("--download"),
    "causal": Rule("--causal", ONE_HEAD),
    "scale": Rule("--scale", ONE_HEAD),
    "pause": Rule("--pause", IN_WORDS | {ARTICLE}, frozenset({SCREEN})),
    "json": Rule("--json"),
    "keep_going": Rule("--keep-going", SENTENCES - {COMPARE, QUIZ, EXPLORE}),
    "digits": Rule("--digits", IN_WORDS | {FIGURE, ARTICLE, EXPLORE}, DRAWN),
    "seed": Rule("--seed"),
    "full": Rule("--full", frozenset({LESSON, COMPARE, EXPLORE}), DRAWN),
    "brief": Rule("--brief", (IN_WORDS | {ARTICLE}) - {OVERVIEW}, DRAWN),
    "max_tokens": Rule("--max-tokens"),
    "blanks": Rule("--blanks", EXERCISES),
    "shape": Rule("--shape", frozenset({FIGURE})),
    "bare": Rule("--bare", frozenset({FIGURE})),
}
"""By the field of the request. Those that are not here go with everything."""

SPLITTING = frozenset({"learned", "untrained", "numbers", "checkpoint"})
"""The kinds of models that make tokens of any text."""
COMPUTING = SPLITTING | {"example"}
OF_MODELS: Mapping[str, tuple[frozenset[str], str]] = {
    "seed": (frozenset({"untrained"}), "--seed makes the numbers of the untrained model"),
    "causal": (COMPUTING, "attention weights that are there already are shown as they are"),
    "scale": (COMPUTING, "attention weights that are there already are shown as they are"),
    "merge_words": (COMPUTING, "--merge-words joins pieces of words, and needs a sentence"),
    "pair": (frozenset({"checkpoint"}), "--pair is for checkpoints whose tokenizer marks a second sentence"),
    "truncate": (frozenset({"checkpoint"}), "--truncate is for checkpoints, which have a longest text"),
    "repeats": (frozenset({"checkpoint"}), "--repeats tries a checkpoint on random tokens of its vocabulary"),
    "next": (frozenset({"checkpoint"}), "--next is for checkpoints, which predict words"),
    "phrases": (SPLITTING, "it has its tokens already"),
    "keep_going": (SPLITTING, "it has its tokens already, and no file is read"),
    "compare": (SPLITTING, "it has its tokens already"),
}
"""By the field of the request: the kinds of models that it is for, and why it is not for others."""


def subject_of(asked: Request) -> str:
    """Say what is to be shown.

    Raises:
        CommandError: two things are asked for that exclude each other.
    """
    wanted = {
        COMPARE: asked.compare is not None,
        OVERVIEW: asked.overview,
        FIND: asked.find is not None,
        FIGURE: asked.figure is not None,
        ALL_HEADS: asked.all_heads,
        WORKSHEET: asked.worksheet or asked.key_sheet,
        QUIZ: asked.quiz,
        EXPLORE: asked.explore,
        ARTICLE: asked.explain is not None,
        CARD: asked.model_card,
        SCHEMA: asked.json_schema,
    }
    subjects = [subject for subject, is_wanted in wanted.items() if is_wanted]
    if len(subjects) > 1:
        raise CommandError(f"{subjects[0]} and {subjects[1]} exclude each other", hint="give one of them")
    return subjects[0] if subjects else LESSON


def refuse_what_does_nothing(asked: Request) -> None:
    """Refuse options that have no effect on what is asked for.

    Raises:
        CommandError: there is one; the message says why.
    """
    subject = subject_of(asked)
    _refuse_form(asked, subject)
    _refuse_options(asked, subject)
    if subject == FIGURE and not asked.runs_every_head:
        _refuse_several(asked)
    elif subject not in MANY_HEADS | {FIGURE}:
        for option in asked.several:
            what = "a lesson shows one head" if subject == LESSON else SAYS[subject]
            raise CommandError(f"{what}, so {option} has one number", hint="--all-heads and --overview take several")
    _refuse_sources(asked)
    if asked.place is not None and asked.steps and not {1, 4} & set(asked.steps):
        raise CommandError("--place is of the vectors of the steps 1 and 4, and neither is shown")
    if asked.blanks and asked.key_sheet:
        raise CommandError("--key-sheet leaves nothing out, so --blanks does not go with it")
    if asked.quiz and asked.output is not None:
        raise CommandError("--quiz asks on the screen, so --output does not go with it", hint="--quiz --json > FILE")
    if asked.quiz and asked.sentence == "-":
        raise CommandError("--quiz reads answers from standard input, so its sentence must be an argument")
    if asked.download and asked.model is None:
        raise CommandError("--download needs the name of a model", hint="--model openai-community/gpt2")
    if asked.force and asked.output is None:
        raise CommandError("--force replaces the file of --output, and there is none")


def _refuse_sources(asked: Request) -> None:
    """Refuse two places that sentences come from, and what has no effect on one of them."""
    if asked.sentence not in (None, "-") and asked.keep_going:
        raise CommandError("--keep-going skips lines of a file, and there is one sentence")
    if asked.sentence is not None and asked.file is not None:
        raise CommandError("a sentence and --file exclude each other", hint="give one of them")
    if asked.pair is not None and asked.sentence in (None, "-"):
        raise CommandError("--pair is the second sentence, and the first must be an argument")


def _refuse_several(asked: Request) -> None:
    """Refuse several heads for a figure but their mean, which has weights and nothing else."""
    for option, several in asked.several.items():
        if several != "mean":
            raise CommandError(f"--figure draws one picture, so {option} has one number, or mean")
        if asked.figure not in ("weights", "links"):
            raise CommandError(f"a mean has weights alone, so {option} mean does not go with --figure {asked.figure}")
        if asked.causal is not None or asked.scale is not None or asked.phrases:
            raise CommandError(
                f"{option} mean runs every head as it is, so --causal, --scale and --phrase do not go with it"
            )


def _refuse_form(asked: Request, subject: str) -> None:
    if subject == FIGURE and asked.form == SCREEN:
        raise CommandError("--figure draws a picture, and needs a file for it", hint="-o figure.svg, or .html")
    if subject == ALL_HEADS and asked.form == SCREEN:
        raise CommandError("--all-heads writes numbers, and needs a place for them", hint="--json, or -o heads.npz")
    if subject == FIGURE and asked.in_pages:
        raise CommandError("--figure draws one picture, and %d numbers several", hint="leave the %d out")
    if asked.form not in SUBJECTS[subject]:
        written = "--json" if asked.json else asked.form
        raise CommandError(f"{SAYS[subject]}, so {written} does not go with it", hint=_endings(subject))


def _refuse_options(asked: Request, subject: str) -> None:
    for name in chosen(asked):
        rule = RULES.get(name)
        if rule is None:
            continue
        if subject not in rule.subjects:
            raise CommandError(f"{SAYS[subject]}, so {_typed(asked, name)} does not go with it")
        if asked.figure == OVERVIEW[2:] and not rule.subjects & {OVERVIEW} and rule.subjects != {FIGURE}:
            raise CommandError(f"--figure {SAYS[OVERVIEW][2:]}, so {_typed(asked, name)} does not go with it")
        if name in NOT_IN.get(asked.figure or "", ()):
            raise CommandError(
                f"the {asked.figure} are the same with it, so {_typed(asked, name)} does not go with them"
            )
        if subject == COMPARE and name == "full" and asked.form in (".html", MARKDOWN):
            raise CommandError("a page has every number of a comparison anyway, so --full does not go with it")
        if asked.form not in rule.forms:
            raise CommandError(f"{FORMS[asked.form].says}, so {_typed(asked, name)} does not go with it")


def refuse_for_the_model(asked: Request, model: Model | AttentionWeights) -> None:
    """Refuse options that have no effect on a model of this kind, or on attention weights alone.

    Raises:
        CommandError: there is one; the message says why.
    """
    from attnexplain.models.weights_file import AttentionWeights

    name = model.info.name
    if isinstance(model, AttentionWeights):
        kind, causal = "weights", False
    else:
        kind = "example" if model.example is not None else model.info.kind  # which has its tokens, whatever made them
        causal = model.causal
    if asked.is_exercise and kind not in ("learned", "numbers", "example"):
        raise CommandError(
            f"exercises are made of the learned model or of numbers of your own, and not of {name}",
            hint="--model tiny, or a .json file",
        )
    for field in chosen(asked):
        if field == "seed" and asked.is_exercise:
            if kind == "learned":
                continue
            raise CommandError("a file's numbers make one sheet, so --seed does not go with them")
        kinds, why = OF_MODELS.get(field, (frozenset({kind}), ""))
        if kind not in kinds and not (field == "causal" and asked.causal is causal):
            raise CommandError(f"{_typed(asked, field)} does not go with {name}: {why}")


def chosen(asked: Request) -> list[str]:
    """Name the fields of a request that are not as they are by default, nor say what is the default anyway."""
    return [
        field.name
        for field in fields(asked)
        if getattr(asked, field.name) not in (field.default, DEFAULT_ANYWAY.get(field.name, field.default))
    ]


def _typed(asked: Request, field: str) -> str:
    """Write an option as it was typed."""
    if field in ("causal", "scale") and getattr(asked, field) is False:
        return f"--no-{field}"
    return RULES[field].option if field in RULES else f"--{field.replace('_', '-')}"


def _endings(subject: str) -> str:
    endings = sorted(SUBJECTS[subject] - {SCREEN})
    return f"--output with {' or '.join(endings)}" if endings else ""
