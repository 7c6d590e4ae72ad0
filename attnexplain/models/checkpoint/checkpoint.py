"""A checkpoint as a source of tokens, embeddings and one head; or of all its heads, one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from attnexplain.arithmetic import ranked
from attnexplain.attention import weights as softmax
from attnexplain.errors import CheckpointError, CommandError, DataError, NumbersError, TextError
from attnexplain.models.checkpoint import sources
from attnexplain.models.checkpoint.config import read_config
from attnexplain.models.checkpoint.families import family_of
from attnexplain.models.checkpoint.layout import Parameters
from attnexplain.models.checkpoint.ollama import OLLAMA
from attnexplain.models.checkpoint.prediction import check_predicts, predicts, scores_of
from attnexplain.models.checkpoint.run import KeptRun, broken, run_layers
from attnexplain.models.checkpoint.tensors import open_tensors
from attnexplain.models.checkpoint.tokenizer import PieceTokenizer
from attnexplain.models.checkpoint.tokenizer_folder import open_tokenizer, read_truncation
from attnexplain.models.model import Embedded, Model, ModelInfo, NextToken, Predicted, numbered, withheld_of_all
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.attention import Head
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes
    from attnexplain.models.checkpoint.tensors import AllTensors
    from attnexplain.tokens import Repeats, Tokens
    from attnexplain.variants import VariantTrace


LARGE = 150_000_000
"""The number of parameters, beside embeddings, from which on a model is called large."""


class Parts(NamedTuple):
    """What a checkpoint is made of; what takes long is made when it is asked for."""

    config: Config
    tokenizer: Callable[[], Any]
    """Makes a `tokenizers.Tokenizer`."""
    truncation: Callable[[], tuple[int | None, str]]
    """Reads how many tokens its pipeline takes, and from which side it cuts."""
    tensors: Callable[[], AllTensors]
    rotated: Callable[[Sizes], Sizes] = lambda sizes: sizes
    """Changes rotations by what the tensors say of them."""


def parts_of_folder(folder: Path, file: Path | None = None) -> Parts:
    """Read a folder with config.json, a tokenizer and tensors.

    Args:
        folder: where they are.
        file: the one .safetensors file that the user named.
    """
    config = read_config(folder)
    return Parts(
        config,
        lambda: open_tokenizer(folder, config.model_type, config.text("tokenizer_class", "") or None),
        lambda: read_truncation(folder),
        lambda: open_tensors(folder, file),
    )


def parts_of_gguf(path: Path) -> Parts:
    """Read a GGUF file, or the first of several."""
    from attnexplain.models.checkpoint.gguf import open_gguf

    found = open_gguf(path)
    return Parts(found.config, found.tokenizer, lambda: (None, "right"), found.tensors, found.rotated)


class Checkpoint(Model):
    """One head of a checkpoint.

    Args:
        parts: what it is made of.
        name: what it is called on the screen.
        source: what the user typed to get it.
        layer: which layer, counted from 0; -1 is the last.
        head: which of its heads, in the same way.
        verification: of the tensors; nothing is returned before it has come out well.

    Raises:
        CommandError: there is no such layer or head, or a library is missing.
        CheckpointError: the files contradict each other, or something in them is not read here.
    """

    def __init__(
        self,
        parts: Parts,
        name: str,
        *,
        source: str = "",
        layer: int = 0,
        head: int = 0,
        verification: sources.Verification | None = None,
    ) -> None:
        config = parts.config
        family = family_of(config)
        self._sizes = parts.rotated(family.sizes(config))
        if config.flag("is_causal", default=self._sizes.causal) != self._sizes.causal:
            raise config.error(
                f"is_causal = {str(not self._sizes.causal).lower()} is not supported for this kind of model"
            )
        config.refuse_unread(family.harmless)
        self.name, self.source = name, source
        layer = numbered("layer", layer, self._sizes.layers, name)
        head = numbered("head", head, self._sizes.heads, name)
        self._pieces = PieceTokenizer(
            parts.tokenizer(), self._sizes.named["vocab_size"], self._sizes.positions, parts.truncation()
        )
        self._parameters = Parameters(family, self._sizes, parts.tensors())
        self._verification = verification
        self._config = config
        self._begins = config.get("bos_token_id") if self._sizes.causal else None
        self.causal = self._sizes.causal
        self._kept: KeptRun | None = None
        self._choose(layer, head)

    def _choose(self, layer: int, head: int) -> None:
        """Be one head."""
        self._layer, self._head = layer, head
        self.scale = self._sizes.scale_of(layer)
        overall = self._overall()
        self.info = ModelInfo(
            self.name,
            "checkpoint",
            f"{overall}; this is layer {layer}, head {head}, both counted from 0.",
            layer,
            head,
            layers=self._sizes.layers,
            heads=self._sizes.heads,
            source=self.source,
            overall=f"{overall}.",
            kv_heads=self._sizes.kv_heads if self._sizes.sharing > 1 else 0,
            family=self._parameters.family.title,
            has_positions="positions" in self._parameters.family.names,
            reach=self._sizes.reach_below(layer),
            elsewhere=self._sizes.elsewhere(layer),
            scale_name=self._sizes.scale_name,
            causal=self.causal,
            divisor=self.scale,
            enters=self._enters(layer),
            quantized=self._quantized(layer),
            predicts=self.causal and predicts(self._parameters, self._config),
        )

    def keep_layers(self, on_layer: Callable[[int], None]) -> None:
        """Keep what the layers make of the last tokens, for all heads that `beside` returns from now on.

        Args:
            on_layer: is told the number of each layer before it is computed; what it raises, stops the run there.
        """
        self._kept = KeptRun(self._parameters, on_layer)

    def beside(self, layer: int, head: int) -> Checkpoint:
        """Return another head of the same checkpoint, which shares all that was read and kept.

        Raises:
            CommandError: there is no such layer or head.
        """
        other = copy(self)
        other.__dict__.pop("head", None)
        other._choose(
            numbered("layer", layer, self._sizes.layers, self.name),
            numbered("head", head, self._sizes.heads, self.name),
        )
        return other

    def _overall(self) -> str:
        """Say what the whole model is."""
        sizes, title = self._sizes, self._parameters.family.title
        says = f"{title} with {_counted(sizes.layers, 'layer')} of {_counted(sizes.heads, 'head')}"
        if sizes.stored_as and (stored := len(set(sizes.stored_as))) < sizes.layers:
            says += f", which share the parameters of {stored}"
        if "w_wider" in self._parameters:
            narrow = sizes.named[self._parameters.entries["w_wider"].shape[1]]
            says += f", and embeddings of {narrow} numbers that a matrix makes wider"
        return says

    def _quantized(self, layer: int) -> str:
        """Say how the numbers that make queries, keys and values in a layer were quantized; "" where they were not."""
        matrices = dict.fromkeys(place.matrix for place in self._parameters.family.places(self._sizes).values())
        kinds = dict.fromkeys(self._parameters.tensor(matrix, layer).quantized for matrix in matrices)
        return "; ".join(filter(None, kinds))

    def _enters(self, layer: int) -> str:
        """Say what enters the attention of a layer; not every layer has a norm there."""
        family, norm = self._parameters.family, "before_attention_gain"
        return family.enters if norm not in family.names or self._parameters.has(norm, layer) else "the hidden states"

    @cached_property
    def head(self) -> Head:  # type: ignore[override] # read when it is needed, and only then
        """The chosen head. Its numbers are float64, so that what is worked out by hand adds up to the last digit."""
        with _named(self.info.name):
            try:
                return self._parameters.head(self._layer, self._head)
            except NumbersError as error:
                raise broken(self._parameters, self._layer, error) from error

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence into the pieces that the model knows."""
        if phrases:
            raise CommandError(
                "--phrase does not go with a checkpoint, whose own tokenizer makes the tokens",
                hint="--merge-words joins the pieces of a word",
            )
        with _named(self.info.name):
            return self._pieces.tokenize(sentence, max_tokens)

    def tokenize_pair(self, sentence: str, pair: str | None, max_tokens: int, *, truncate: bool) -> Tokens:
        """Split one or two texts into pieces, and cut off what is too much."""
        with _named(self.info.name):
            return self._pieces.tokenize_pair(sentence, pair, max_tokens, truncate=truncate)

    def embed(self, tokens: Tokens) -> Embedded:
        """Run the layers below the chosen one, and return what its attention reads."""
        with _named(self.info.name):
            if self._kept is None:
                layer = deque(run_layers(self._parameters, tokens, self._layer), maxlen=1)[0]
            else:
                layer = self._kept.layer(tokens, self._layer)
            self._verify()
            try:
                with np.errstate(all="ignore"):  # what is not finite is refused with the name of its tensor
                    variant = layer.variant(self._head)
            except NumbersError as error:
                raise broken(self._parameters, self._layer, error) from error
        nothing, states = ("",) * len(tokens.texts), layer.states.astype(np.float64)
        return Embedded(states, nothing, withheld_of_all(len(tokens.texts)), variant)

    def predict(self, tokens: Tokens, count: int) -> Predicted:
        """Run all layers, and score each token of the vocabulary behind the last token, or in place of each mask."""
        with _named(self.info.name):
            check_predicts(self._parameters, self._config)
            places = (len(tokens.texts) - 1,) if self.causal else self._pieces.masks(tokens)
            self._verify()
            last = self._sizes.layers - 1
            (layer,) = deque(run_layers(self._parameters, tokens, last), maxlen=1)
            try:
                scores, behind = scores_of(self._parameters, self._config, layer.leaving()[list(places)])
            except NumbersError as error:
                raise broken(self._parameters, last, error) from error
        found = tuple(
            NextToken(*self._pieces.written(number), number, float(shares[number]), place)
            for place, shares in zip(places, softmax(scores), strict=True)
            for number in ranked(shares)[:count].tolist()
        )
        return Predicted(found, not self.causal, behind)

    def every_head(self, tokens: Tokens) -> Iterator[tuple[int, int, VariantTrace]]:
        """Run all layers, and yield each layer, head and trace as soon as it is there."""
        with _named(self.info.name):
            self._verify()
            last = self._sizes.layers - 1
            layers = run_layers(self._parameters, tokens, last)
            if self._kept is not None:
                layers = (self._kept.layer(tokens, number) for number in range(last + 1))
            for layer in layers:
                for head, trace in enumerate(layer.traces()):
                    yield layer.number, head, trace

    @property
    def is_large(self) -> bool:
        """Whether a hundred tokens take it more than a moment."""
        return 12 * self._sizes.layers * self._sizes.d_model**2 > LARGE

    def repeats(self) -> Repeats | None:
        """Make a sequence of random tokens, several times over; None where the model takes too few."""
        return self._pieces.repeats(self._begins)

    def _verify(self) -> None:
        if self._verification is not None:
            self._verification.finish()


def open_checkpoint(source: str, *, layer: int = 0, head: int = 0, download: bool = False) -> Checkpoint:
    """Find a checkpoint by its folder, file or name, and open it.

    Args:
        source: a folder, a .safetensors file, "minilm", or a model's name in the local Hugging Face cache.
        layer: which layer, counted from 0; -1 is the last.
        head: which of its heads, in the same way.
        download: fetch it from the hub first.

    Raises:
        CommandError: there is no such model, layer or head, or a library is missing.
        CheckpointError: it does not work; the message names the model.
    """
    if download:
        from attnexplain.models.checkpoint.hub import download as fetch

        found = sources.Found(fetch(source))
    else:
        with _named(source):
            found = sources.find(source)
    name = source if source == sources.MINILM or source.startswith(OLLAMA) else _name(source)
    with _named(name):
        parts = parts_of_gguf(found.file) if found.is_gguf and found.file else parts_of_folder(found.folder, found.file)
        return Checkpoint(parts, name, source=source, layer=layer, head=head, verification=found.verification)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which checkpoint it is that does not work."""
    try:
        yield
    except TextError:
        raise
    except DataError as error:
        raise CheckpointError(f"{name}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise CommandError(f"cannot read the model {visible(name)}: {error.strerror or error}") from error


def _name(source: str) -> str:
    """Return how a model is called on the screen: a path by its last name alone."""
    return source if sources.NAME.fullmatch(source) else Path(source).resolve().name


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
