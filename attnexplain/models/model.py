"""What every source of embeddings and parameter matrices has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from attnexplain.errors import CommandError
from attnexplain.variants import PLAIN, Variant

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head
    from attnexplain.tokens import Tokens

UNKNOWN = "unknown"
"""How the row of a word was made that the model knows nothing about: all such words share one."""
FROM_LETTERS = "from its groups of letters"
"""How the row of a word was made that only looks like words the model knows."""

Kind = Literal["learned", "untrained", "numbers", "checkpoint", "trace"]


Withheld = Literal["", "little", "identity", "rare", "unknown"]
"""Why no company of a word is shown: it is a little word; it says who somebody is; it is too rare, or not known."""


@dataclass(frozen=True)
class ModelInfo:
    """Which model, and which of its heads."""

    name: str
    """What the user called it."""
    kind: Kind
    """Where its numbers come from."""
    note: str
    """One sentence for the reader: what these numbers are."""
    layer: int = 0
    head: int = 0
    layers: int = 1
    """How many layers the model has, and how many heads each of them."""
    heads: int = 1
    source: str = ""
    """What the user typed to get it, where that is not its name."""
    overall: str = ""
    """What the whole model is, where this is one head of several."""
    purpose: str = ""
    """What this head does, in one line for the first screen, where its company does not show it."""
    embedding: str = ""
    """What the places of X and the matrices are, where X is not the embedding of a word alone."""
    seed: int = 0
    """What its random numbers were made from, where they are random."""
    kv_heads: int = 0
    """How many heads of keys and values each layer has, where heads of queries share them; 0 where none is shared."""
    family: str = ""
    """What kind of model it is, by its everyday name."""
    has_positions: bool = True
    """Whether embeddings of positions are added to those of tokens."""
    reach: int | None = None
    """How many places away the words may stand that the layers below have mixed in; None where they may be anywhere."""
    elsewhere: str = ""
    """What other layers do and this one does not, in a sentence."""
    scale_name: str = ""
    """The key of config.json whose root scores are divided by, where it is not √d_k."""
    label: str = ""
    """Which layers and heads these are, where they are not one."""
    causal: bool = False
    """Whether each token sees only itself and those before it, unless the reader says otherwise."""
    divisor: float | None = None
    """What scores are divided by, unless the reader says otherwise; None for √d_k."""
    predicts: bool = False
    """Whether it can be asked for the next token."""
    quantized: str = ""
    """How the numbers that make its queries, keys and values were quantized; "" where they were not."""
    enters: str = ""
    """What enters the attention of a layer; "" where these are the words' own embeddings."""

    @property
    def sharing(self) -> int:
        """How many heads of queries share one of keys and values."""
        return self.heads // self.kv_heads if self.kv_heads else 1

    @property
    def kv_head(self) -> int:
        """Which head of keys and values this one reads, counted from 0."""
        return self.head // self.sharing


def numbered(what: str, number: int, count: int, name: str) -> int:
    """Return the number of a layer or head counted from 0; -1 is the last.

    Raises:
        CommandError: there is none.
    """
    if not -count <= number < count:
        raise CommandError(f"--{what} {number}: {name} has the {what}s 0 to {count - 1}")
    return number % count


def withheld_of_all(count: int) -> tuple[Withheld, ...]:
    """Say that no company is shown of any of so many words, for there is no vocabulary to look around in."""
    unknown: Withheld = "unknown"
    return (unknown,) * count


class Embedded(NamedTuple):
    """The embeddings of the words of a sentence."""

    vectors: Array
    """(n, d_model), one row per token."""
    made: tuple[str, ...]
    """For a word that the model does not know, how its row was made; "" for the others."""
    withheld: tuple[Withheld, ...]
    """For each word, why no company of it is shown; "" where it is."""
    variant: Variant = PLAIN
    """What the model adds to the four steps here."""


class NextToken(NamedTuple):
    """A token that a model predicts."""

    text: str
    """As the vocabulary writes it."""
    shown: str
    """As a reader sees it."""
    id: int
    """Its number in the vocabulary."""
    probability: float
    position: int
    """Behind which token of the sentence it comes, or in place of which one where that is a mask; counted from 0."""


class Behind(NamedTuple):
    """What stands between the last layer and the scores of the vocabulary, in its order."""

    layers: int
    """How many layers were run."""
    vocabulary: int
    """How many tokens have a score."""
    width: int
    """Of what the output matrix is multiplied with."""
    has_norm: bool = False
    is_narrowed: bool = False
    """Whether a matrix makes the hidden states as narrow as the embeddings."""
    has_dense: bool = False
    """Whether there is one more matrix, with an activation and a norm behind it."""
    dense_has_bias: bool = False
    has_bias: bool = False
    softcap: float | None = None
    """What holds scores within bounds."""


class Predicted(NamedTuple):
    """What a model predicts: for each place that it was asked for the most probable tokens, most probable first."""

    tokens: tuple[NextToken, ...]
    is_masked: bool
    """Whether they stand in place of masks; the next tokens otherwise."""
    behind: Behind | None = None
    """How their scores came about; None where a stored run does not say."""

    @property
    def positions(self) -> tuple[int, ...]:
        """The places that it was asked for."""
        return tuple(dict.fromkeys(token.position for token in self.tokens))


class Model(ABC):
    """A source of the three things that attention needs: tokens, their embeddings, and one head.

    A source says what differs from these defaults.
    """

    info: ModelInfo
    """Which model this is."""
    example: str | None = None
    """The sentence that the model itself brings, for a finished example."""
    scale: float | None = None
    """What the scores are divided by, unless the user says otherwise; None for √d_k."""
    causal: bool = False
    """Whether each token sees only itself and those before it, unless the user says otherwise."""
    vectors: tuple[Array, Array, Array] | None = None
    """Queries, keys and values that take the place of embeddings and parameter matrices."""

    are_projected: bool = False
    """Whether these are projected alone, and what the model adds to them follows."""
    head: Head | None = None
    """The parameter matrices; None where there are queries, keys and values instead."""

    @abstractmethod
    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence as this model does."""

    def tokenize_pair(self, sentence: str, pair: str | None, max_tokens: int, *, truncate: bool) -> Tokens:
        """Split a text and one that goes with it; or cut off what is too much.

        Raises:
            CommandError: this model takes one sentence, and all of it.
        """
        option = "--pair" if pair is not None else "--truncate"
        raise CommandError(f"{option} is for checkpoints, and {self.info.name} is none", hint="--model minilm")

    def read(
        self, sentence: str, phrases: Sequence[str], max_tokens: int, *, pair: str | None = None, truncate: bool = False
    ) -> tuple[str, Tokens]:
        """Split a text as this model does, and return it with its tokens; of a pair both texts with a space between.

        Args:
            sentence: any text.
            phrases: words to be kept together as one token each.
            max_tokens: how many tokens are allowed.
            pair: a second text.
            truncate: cut off what is longer, as pipelines do, and do not refuse it.

        Raises:
            CommandError: this model has no pairs, or cuts nothing off.
            DataError: the text cannot be split.
        """
        if pair is None and not truncate:
            return sentence, self.tokenize(sentence, phrases, max_tokens)
        if phrases:
            raise CommandError("--phrase does not go with --pair or --truncate")
        text = sentence if pair is None else f"{sentence} {pair}"
        return text, self.tokenize_pair(sentence, pair, max_tokens, truncate=truncate)

    @abstractmethod
    def embed(self, tokens: Tokens) -> Embedded:
        """Return what the attention layer reads."""

    def predict(self, tokens: Tokens, count: int) -> Predicted:
        """Find the most probable next tokens, or the most probable words in place of masks.

        Args:
            tokens: of the sentence.
            count: how many for each place.

        Raises:
            CommandError: this model predicts nothing.
            DataError: a checkpoint was saved without what comes behind its layers, or the sentence has no mask.
        """
        raise CommandError(
            f"--next is for checkpoints that predict words, and {self.info.name} is none",
            hint="--model FOLDER, or FILE.gguf",
        )

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]] | None:
        """Find the words of the vocabulary whose values point most nearly the way of each vector, (n, d_v).

        A word is not its own neighbour. None where the model has no vocabulary.
        """
        return None

    def likeness(self, one: Sequence[str], other: Sequence[str]) -> float:
        """Return the mean cosine between the values of some neighbours and those of others; 1 where there are none."""
        return 1.0

    def beside(self, layer: int, head: int) -> Model:
        """Return another head of the same model, which shares what was read.

        Raises:
            CommandError: there is no such layer or head.
        """
        numbered("layer", layer, self.info.layers, self.info.name)
        numbered("head", head, self.info.heads, self.info.name)
        return self

    def keep_layers(self, on_layer: Callable[[int], None]) -> None:  # noqa: B027 - most have none
        """Keep what layers make of the last tokens, where there are several; see `Checkpoint.keep_layers`."""

    @property
    def is_large(self) -> bool:
        """Whether a hundred tokens take it more than a moment."""
        return False

    worked: tuple[int, int] | None = None
    """Which token asks and which answers, in a run that was stored."""
    predicted: Predicted | None = None
    """What was predicted, in a run that was stored."""
