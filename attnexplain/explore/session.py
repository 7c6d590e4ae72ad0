"""The model, the sentence and the settings that are looked at, and running them again when one changes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    """The reader gave a run up."""


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the sentence."""

    causal: bool | None = None
    scale: bool | None = None
    max_tokens: int = MAX_TOKENS
    phrases: tuple[str, ...] = ()
    seed: int = 0
    pair: str | None = None
    truncate: bool = False


@dataclass
class Session:
    """A model at work on one sentence after another."""

    model: Model
    sentence: str | None
    """None for a model that brings its own example."""
    asked: Asked
    seconds: float = 0.0
    """How long the last run took."""
    layer_at_work: int | None = None
    """Which layer is being computed."""
    is_given_up: bool = False

    def __post_init__(self) -> None:
        self.model.keep_layers(self._on_layer)

    @property
    def is_quick(self) -> bool:
        """Whether it may be run again at each key."""
        return self.seconds < QUICK

    @property
    def has_layers(self) -> bool:
        """Whether layers are run before there is something to see."""
        return self.model.info.kind == "checkpoint"

    def run(self) -> Explanation:
        """Compute the four steps.

        Raises:
            AttnExplainError: what is wrong, in one line.
            GivenUpError: the reader gave it up.
        """
        self.is_given_up = False
        start = time.perf_counter()
        try:
            return explain(
                self.sentence, model=self.model, causal=self.asked.causal, scale=self.asked.scale,
                max_tokens=self.asked.max_tokens, phrases=self.asked.phrases, pair=self.asked.pair,
                truncate=self.asked.truncate,
            )  # fmt: skip
        finally:
            self.seconds, self.layer_at_work = time.perf_counter() - start, None

    def overview(self, find: str | None = None) -> Overview:
        """Run all heads.

        Raises:
            AttnExplainError: this model has one head, or a word that is looked for is not there.
            GivenUpError: the reader gave it up.
        """
        from attnexplain.overview import overview

        self.is_given_up = False
        try:
            return overview(
                self.sentence or "", model=self.model, find=find, max_tokens=self.asked.max_tokens, repeats=False,
                pair=self.asked.pair, truncate=self.asked.truncate,
            )  # fmt: skip
        finally:
            self.layer_at_work = None

    def open(self, source: str) -> None:
        """Take another model.

        Raises:
            AttnExplainError: there is none, or it is no model for this sentence.
        """
        found = load_model(source, seed=self.asked.seed)
        if isinstance(found, AttentionWeights):
            raise found.refusal()
        if found.example is None and self.sentence is None:
            raise CommandError(f"{found.info.name} needs a sentence, and there is none")
        if found.example is not None and self.sentence is not None:
            raise CommandError(f"{found.info.name} is a finished example, with words of its own")
        self.model = found
        self.asked = replace(self.asked, phrases=(), pair=None, truncate=False)
        found.keep_layers(self._on_layer)

    def set_causal(self, causal: bool) -> None:
        """Let each word see only itself and those before it, or all."""
        self.asked = replace(self.asked, causal=causal)

    def set_scale(self, scale: bool | None) -> None:
        """Do not divide the scores (False), or do as the model does (None)."""
        self.asked = replace(self.asked, scale=scale)

    def settings(self, trace: Explanation) -> list[str]:
        """Say how this run differs from what the model does by itself, and how it is masked."""
        said = ["causal"] if trace.causal else []
        if self.asked.scale is False:
            said.append("not divided")
        return said

    def has(self, layer: int, head: int) -> bool:
        """Whether the model has a layer and a head, counted from 0."""
        return 0 <= layer < self.model.info.layers and 0 <= head < self.model.info.heads

    def choose(self, layer: int, head: int) -> None:
        """Take another layer or head of the model.

        Raises:
            CommandError: there is none.
        """
        self.model = self.model.beside(layer, head)

    def _on_layer(self, number: int) -> None:
        if self.is_given_up:
            raise GivenUpError
        self.layer_at_work = number
