"""The model, the sentence and the settings that are looked at, and running them again when one changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from attnexplain.errors import CommandError
from attnexplain.explanation import Explanation, explain
from attnexplain.models import Model, load_model
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.tokens import MAX_TOKENS

if TYPE_CHECKING:
    from attnexplain.overview import Overview

QUICK = 0.1
"""Seconds that a run may take so that it is done again at each key."""


class GivenUpError(Exception):
    """The reader gave a run up, or wants another."""


@dataclass(frozen=True)
class Wanted:
    """What is to be looked at: a model, a sentence, and what was asked for beside it."""

    model: Model
    sentence: str | None
    """None for a model that brings its own example."""
    causal: bool | None = None
    scale: bool | None = None
    max_tokens: int = MAX_TOKENS
    phrases: tuple[str, ...] = ()
    seed: int = 0
    pair: str | None = None
    truncate: bool = False

    @property
    def has_layers(self) -> bool:
        """Whether layers are run before there is something to see."""
        return self.model.info.kind == "checkpoint"

    def explain(self) -> Explanation:
        """Compute the four steps.

        Raises:
            AttnExplainError: what is wrong, in one line.
            GivenUpError: the reader gave it up.
        """
        return explain(
            self.sentence, model=self.model, causal=self.causal, scale=self.scale, max_tokens=self.max_tokens,
            phrases=self.phrases, pair=self.pair, truncate=self.truncate,
        )  # fmt: skip

    def overview(self, find: str | None = None) -> Overview:
        """Run all heads; errors are those of `explain`."""
        from attnexplain.overview import overview

        return overview(
            self.sentence or "", model=self.model, find=find, max_tokens=self.max_tokens, repeats=False,
            pair=self.pair, truncate=self.truncate,
        )  # fmt: skip

    def beside(self, layer: int, head: int) -> Wanted | None:
        """Look at another head of the model; None where there is none."""
        info = self.model.info
        if not (0 <= layer < info.layers and 0 <= head < info.heads):
            return None
        return replace(self, model=self.model.beside(layer, head))

    def settings(self, trace: Explanation) -> list[str]:
        """Say how a run of this differs from what the model does by itself, and how it is masked."""
        return ["causal"] * trace.causal + ["not divided"] * (self.scale is False)


@dataclass(eq=False)
class Job:
    """Something that is being computed."""

    wanted: Wanted
    work: Callable[[Wanted], Any]
    then: Callable[[Any], None]
    """What is done with what comes out."""
    otherwise: Callable[[], None]
    """What is done where nothing comes out."""
    given_up: Event = field(default_factory=Event)
    layer: int | None = None
    """Which layer is at work."""


class Session:
    """What is seen, what is wanted, and the one lane in which models work.

    Args:
        seen: what is seen first.
        on_open: is told each model that the reader opens.
    """

    def __init__(self, seen: Wanted, on_open: Callable[[Model], None] = lambda model: None) -> None:
        self.seen = self.wanted = seen
        self.seconds = 0.0
        """How long the last run took."""
        self._on_open = on_open
        self._lane = Lock()
        self._at_work: Job | None = None
        seen.model.keep_layers(self._on_layer)

    @property
    def is_quick(self) -> bool:
        """Whether what is wanted may be run at each key, while the screen waits."""
        return self.seconds < QUICK and not self.wanted.has_layers

    def do(self, job: Job) -> Any:
        """Do a job, one at a time: models keep what they have computed, and two threads would spoil it.

        Raises:
            AttnExplainError: it cannot be done.
            GivenUpError: it is not wanted any more.
        """
        with self._lane:
            if job.given_up.is_set():
                raise GivenUpError
            self._at_work = job
            start = time.perf_counter()
            try:
                return job.work(job.wanted)
            finally:
                self.seconds = time.perf_counter() - start
                self._at_work = job.layer = None

    def opened(self, source: str) -> Wanted:
        """Take another model.

        Raises:
            AttnExplainError: there is none, or it is no model for this sentence.
        """
        wanted = self.wanted
        found = load_model(source, seed=wanted.seed)
        if isinstance(found, AttentionWeights):
            raise found.refusal()
        if found.example is None and wanted.sentence is None:
            raise CommandError(f"{found.info.name} needs a sentence, and there is none")
        if found.example is not None and wanted.sentence is not None:
            raise CommandError(f"{found.info.name} is a finished example, with words of its own")
        found.keep_layers(self._on_layer)
        self._on_open(found)
        return Wanted(found, wanted.sentence, max_tokens=wanted.max_tokens, seed=wanted.seed)

    def _on_layer(self, number: int) -> None:
        """Remember which layer begins, and end a run that is not wanted any more."""
        if self._at_work is not None:
            if self._at_work.given_up.is_set():
                raise GivenUpError
            self._at_work.layer = number
