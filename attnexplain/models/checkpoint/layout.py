"""Where the parameters of a checkpoint lie: names, shapes and sizes, each of them checked.

A family's own file says what its layers are called and how they are laid out; what all families share is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from attnexplain.attention import Head
from attnexplain.errors import CheckpointError, TextError
from attnexplain.models.checkpoint.tensors import STORED

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.tensors import AllTensors, AnyTensor
    from attnexplain.variants import Rotation

NormKind = Literal["layer", "rms", "rms + 1"]
"""How layers normalize: to mean 0 and variance 1; by the root of the mean square; the same with 1 + the gain."""


@dataclass(frozen=True)
class Entry:
    """Where a parameter lies in the file."""

    name: str
    """With {layer} where the number of the layer stands."""
    shape: tuple[str, ...]
    """In the file, in the keys of config.json: ("hidden_size", "3 * hidden_size")."""
    transposed: bool = False
    """Whether the file holds (out, in), as torch's Linear does; the formulas want (in, out)."""
    other_names: tuple[str, ...] = ()
    """What older files call it."""
    first_layer: int = 0
    """The first layer that has it."""


@dataclass(frozen=True)
class Sizes:
    """What config.json says, under one name for all families."""

    layers: int
    heads: int
    d_model: int
    positions: int | None
    """The most tokens that the model can tell apart by their places; None where it can go on."""
    epsilon: float
    activation: str
    causal: bool
    named: Mapping[str, int]
    """The sizes that shapes are made of, by their keys in config.json."""
    d_k: int = 0
    """The width of a head; as much of d_model as is due to it unless given."""
    kv_heads: int = 0
    """How many heads of keys and values there are; as many as heads unless given."""
    scale: float | None = None
    """What scores are divided by; None for √d_k."""
    scale_name: str = ""
    """The key of config.json whose root that is, where there is one."""
    scale_grows: bool = False
    """Whether it is multiplied by the number of the layer, counted from 1."""
    padding: int = 0
    """The number of the padding token."""
    absent: frozenset[str] = frozenset()
    """Roles of parameters that this checkpoint does without."""
    unused: frozenset[str] = frozenset()
    """Roles that this checkpoint has no use for, though their tensors are there under others."""
    norm: NormKind = "layer"
    rotations: tuple[Rotation | None, ...] = ()
    """How each layer rotates queries and keys."""
    windows: tuple[int | None, ...] = ()
    """How far each layer sees."""
    softcap: float | None = None
    embedding_scale: float = 1.0
    """What the embeddings are multiplied by."""
    norms_all_heads: bool = False
    """Whether the norm of queries and keys is taken over all heads together."""
    stored_as: tuple[str, ...] = ()
    """What stands for {layer} in the names of each layer, where layers share parameters; its number unless given."""
    groups: int = 0
    """How many groups of layers share parameters, where layers do."""
    beyond: str = ""
    """What would stand there for one layer more than there are."""
    is_parallel: bool = False
    """Whether both halves of a layer read what enters it, side by side."""
    answering_experts: int = 0
    """How many experts answer for each row, where there are experts."""
    gate_alpha: float = 1.0
    """What a gate is multiplied by inside of its sigmoid."""
    gate_limit: float = float("inf")
    """What gates are held within."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "d_k", self.d_k or self.d_model // self.heads)
        object.__setattr__(self, "kv_heads", self.kv_heads or self.heads)
        limits = [rotation.longest for rotation in self.rotations if rotation is not None and rotation.longest]
        if self.positions is None and limits:
            object.__setattr__(self, "positions", min(limits))

    @property
    def sharing(self) -> int:
        """How many heads of queries share one of keys and values."""
        return self.heads // self.kv_heads

    def rotated_by(self, rotation: Rotation) -> Sizes:
        """Rotate queries and keys in the same way in every layer."""
        return replace(self, rotations=(rotation,) * self.layers)

    def layer_name(self, layer: int) -> str:
        """Return what stands for {layer} in the names of a layer, or of one more than there are."""
        if layer == self.layers:
            return self.beyond or str(layer)
        return self.stored_as[layer] if self.stored_as else str(layer)

    def scale_of(self, layer: int) -> float | None:
        """Return what the scores of a layer are divided by; None for √d_k."""
        return (self.scale or sqrt(self.d_k)) * (layer + 1) if self.scale_grows else self.scale

    def rotation_of(self, layer: int) -> Rotation | None:
        """Return how a layer rotates queries and keys."""
        return self.rotations[layer] if self.rotations else None

    def reach_below(self, layer: int) -> int | None:
        """Return how many places away words may stand that the layers below one have mixed in; None for anywhere."""
        windows = [self.window_of(below) for below in range(layer)]
        return None if None in windows or not windows else sum((window or 1) - 1 for window in windows)

    def elsewhere(self, layer: int) -> str:
        """Say what other layers do and this one does not."""
        rotates = self.rotation_of(layer) is None and any(self.rotations)
        has_window = self.window_of(layer) is None and any(self.windows)
        done = ["rotate queries and keys"] * rotates + ["have a window"] * has_window
        return f"Other layers {' and '.join(done)}; this one does not." if done else ""

    def window_of(self, layer: int) -> int | None:
        """Return how far a layer sees."""
        return self.windows[layer] if self.windows else None


class Place(NamedTuple):
    """Where the vectors of all heads lie in a product of a matrix."""

    matrix: str
    """Its role."""
    bias: str
    first: int
    """The column at which head 0 begins."""
    step: int
    """Columns from one head to the next."""


Segments = Sequence[int] | None
"""For each token of a pair of texts, whose it is, 0 or 1; None without a pair."""
Letter = Literal["q", "k", "v"]
Places = Mapping[Letter, Place]


def in_three_matrices(sizes: Sizes) -> Places:
    """Queries, keys and values have a matrix each."""
    return {"q": _alone("q", sizes), "k": _alone("k", sizes), "v": _alone("v", sizes)}


def _alone(letter: Letter, sizes: Sizes) -> Place:
    return Place(f"w_{letter}", f"b_{letter}", 0, sizes.d_k)


def side_by_side(sizes: Sizes) -> Places:
    """One matrix makes first the queries of all heads, then the keys, then the values."""
    queries, keys = sizes.heads * sizes.d_k, sizes.kv_heads * sizes.d_k
    starts: Mapping[Letter, int] = {"q": 0, "k": queries, "v": queries + keys}
    return {letter: Place("w_qkv", "b_qkv", start, sizes.d_k) for letter, start in starts.items()}


def head_by_head(sizes: Sizes) -> Places:
    """One matrix makes the query, the key and the value of a head, then those of the next."""
    starts: Mapping[Letter, int] = {"q": 0, "k": sizes.d_k, "v": 2 * sizes.d_k}
    return {letter: Place("w_qkv", "b_qkv", start, 3 * sizes.d_k) for letter, start in starts.items()}


@dataclass(frozen=True)
class Prediction:
    """Where the parameters of a family lie that come behind the last layer; "" for what it has not.

    Names are whole, but for the two that stand among those of the layers and take their prefix.
    """

    final_norm: str = ""
    """What normalizes the hidden states that leave the last layer; it takes the prefix."""
    narrower: str = ""
    """A matrix that makes them as narrow as the embeddings, where embeddings are narrower; it takes the prefix."""
    dense: str = ""
    """A matrix before the last one, with a bias, an activation and a norm behind it."""
    dense_norm: str = ""
    activation: str = ""
    """That of the layers unless given."""
    activation_key: str = ""
    """Where config.json names it."""
    matrix: Sequence[str] = ("lm_head.weight",)
    """The last matrix, (vocabulary, width), by the names that it may have."""
    bias: Sequence[str] = ()
    """What is added to the scores, by the names that it may have."""
    is_tied: bool = False
    """Whether the embeddings of the tokens stand for it where config.json does not say."""
    softcap_key: str = ""
    """Where config.json says what holds scores within bounds; others pass that key over."""
    softcap: float | None = None
    """What does where it does not say."""
    absent: Callable[[Config], frozenset[str]] = lambda config: frozenset()
    """Says which of these names config.json does without; they are passed over where a file has them."""


@dataclass(frozen=True)
class Family:
    """One layout of checkpoints, and what its layers do."""

    title: str
    """Its name for readers."""
    names: Mapping[str, Entry]
    """By role; those with {layer} in their name exist once in each layer."""
    prefixes: Sequence[str]
    """What may stand before all names, where the checkpoint is of a larger model."""
    layer_key: str
    """The key of config.json that counts the layers."""
    enters: str
    """What enters the attention of a layer, for the reader."""
    sizes: Callable[[Config], Sizes]
    """Reads what config.json says."""
    first_states: Callable[[Parameters, Sequence[int], Segments], Array]
    """Makes the hidden states that enter layer 0 of token numbers and segments, (n, d_model)."""
    attention_input: Callable[[Parameters, int, Array], Array]
    """Makes what the attention of a layer reads of the hidden states that enter the layer, (n, d_model)."""
    next_states: Callable[[Parameters, int, Array, Array], Array]
    """Makes the hidden states that leave a layer of those that enter it and the contexts of its heads."""
    places: Callable[[Sizes], Places] = in_three_matrices
    """Says where in the matrices each head is."""
    second_half: Callable[[Parameters, int, Array], Array] | None = None
    """Passes rows (n, d_model) through the second half of a layer, where that is none of the usual ones."""
    prediction: Prediction | None = None
    """What comes behind the last layer, and predicts words."""
    check: Callable[[Parameters], None] | None = None
    """Refuses tensors that config.json does not speak of."""
    harmless: frozenset[str] = frozenset()
    """Keys that published models of the family have in config.json, and that change no number that is computed here."""


class Parameters:
    """The parameters of a checkpoint by their roles, in the orientation of the formulas: (in, out).

    Raises:
        CheckpointError: names, shapes and config.json contradict each other.
    """

    def __init__(self, family: Family, sizes: Sizes, tensors: AllTensors) -> None:
        self.family = family
        self.sizes = sizes
        self.tensors = tensors
        self.entries = {role: entry for role, entry in family.names.items() if role not in sizes.absent | sizes.unused}
        first = next(iter(family.names.values())).name
        self._prefix = _prefix(family, first, tensors)
        for entry in self.entries.values():
            for layer in range(entry.first_layer, sizes.layers) if "{layer}" in entry.name else (0,):
                self._check(entry, self._name(entry, layer))
        self._refuse_more()
        if family.check is not None:
            family.check(self)

    def _refuse_more(self) -> None:
        """Refuse layers that config.json does not count, and parameters that it says are not there."""
        in_layers = next(entry for entry in self.entries.values() if "{layer}" in entry.name and not entry.first_layer)
        one_more = self._written(in_layers.name, self.sizes.layers)
        if one_more in self.tensors:
            count = self.sizes.groups or self.sizes.layers
            raise CheckpointError(
                f"{self.tensors.says} {self.family.layer_key} = {count}, and the tensors have more: "
                f"{self.tensors.called(one_more)}"
            )
        absent = [self.family.names[role] for role in sorted(self.sizes.absent & set(self.family.names))]
        for name in (self._name(entry, layer) for entry in absent for layer in range(self.sizes.layers)):
            if name in self.tensors:
                raise CheckpointError(
                    f"{self.tensors.says} that there is no {self.tensors.called(name)}, and the tensors have it"
                )

    def beside(self, name: str) -> AnyTensor | None:
        """Return a tensor that has no role, by its name without what stands before all names; None without one."""
        whole = f"{self._prefix}{name}"
        return self.tensors.get(whole)

    def __contains__(self, role: str) -> bool:
        return role in self.entries

    def has(self, role: str, layer: int) -> bool:
        """Whether a layer has a parameter."""
        return role in self and layer >= self.entries[role].first_layer

    def __call__(self, role: str, layer: int = 0, rows: Sequence[int] | None = None) -> Array:
        """Return a parameter, or some rows of it, as float32."""
        entry = self.entries[role]
        numbers = self.tensors[self._name(entry, layer)].numbers(rows)
        return numbers.T if entry.transposed else numbers

    def tensor(self, role: str, layer: int = 0) -> AnyTensor:
        """Return the tensor of a parameter, as it is stored."""
        return self.tensors[self._name(self.entries[role], layer)]

    def gain(self, role: str, layer: int) -> Array:
        """Return what a norm multiplies places with, 1 + the parameter where the model has it so."""
        gain = self(role, layer)
        return 1 + gain if self.sizes.norm == "rms + 1" else gain

    def product(self, x: Array, matrix: str, bias: str = "", layer: int = 0) -> Array:
        """Multiply rows (n, in) with a parameter matrix, and add its bias where there is one: (n, out)."""
        entry = self.entries[matrix]
        tensor = self.tensors[self._name(entry, layer)]
        made = tensor.times_transposed(x) if entry.transposed else tensor.times(x)
        return made + self(bias, layer) if bias in self else made

    def expert(self, role: str, layer: int, number: int) -> Array:
        """Return the parameter of one of several experts, which lie one behind another: (in, out)."""
        return self.tensors[self._name(self.entries[role], layer)].item(number)

    def head(self, layer: int, number: int) -> Head:
        """Cut one head out of the matrices of a layer, in float64."""
        parts = {}
        for letter, place in self.family.places(self.sizes).items():
            own = number if letter == "q" else number // self.sizes.sharing
            columns = slice(start := place.first + own * place.step, start + self.sizes.d_k)
            entry = self.entries[place.matrix]
            tensor = self.tensors[self._name(entry, layer)]
            matrix = tensor.part(columns).T if entry.transposed else tensor.part(slice(None), columns)
            parts[f"w_{letter}"] = matrix.astype(np.float64)
            if place.bias in self:
                parts[f"b_{letter}"] = self(place.bias, layer)[columns].astype(np.float64)
        return Head(**parts)

    def project(self, layer: int, x: Array) -> dict[Letter, Array]:
        """Make the queries (heads, n, d_k), keys and values (kv_heads, n, d_k) of all heads, a matrix at a time."""
        sizes, places = self.sizes, self.family.places(self.sizes)
        products: dict[str, Array] = {}
        vectors: dict[Letter, Array] = {}
        for letter, place in places.items():
            if place.matrix not in products:
                products[place.matrix] = self.product(x, place.matrix, place.bias, layer)
            count = sizes.heads if letter == "q" else sizes.kv_heads
            columns = place.first + np.arange(count)[:, None] * place.step + np.arange(sizes.d_k)  # [heads, d_k]
            vectors[letter] = np.ascontiguousarray(products[place.matrix][:, columns].swapaxes(0, 1))
        return vectors

    def culprit(self, layer: int | None) -> str | None:
        """Name the first tensor of a layer (None: of the embeddings) that holds a number that is not finite."""
        for entry in self.entries.values():
            if ("{layer}" in entry.name) == (layer is not None) and (layer or 0) >= entry.first_layer:
                name = self._name(entry, layer or 0)
                if not self.tensors[name].is_finite():
                    return name
        return None

    def _written(self, name: str, layer: int) -> str:
        return self._prefix + name.format(layer=self.sizes.layer_name(layer))

    def _name(self, entry: Entry, layer: int) -> str:
        names = [self._written(name, layer) for name in (entry.name, *entry.other_names)]
        return next((name for name in names if name in self.tensors), names[0])

    def _check(self, entry: Entry, name: str) -> None:
        if name not in self.tensors:
            raise CheckpointError(
                f"the tensor {self.tensors.called(name)} is missing, and {self.tensors.says} {self.family.layer_key} = "
                f"{self.sizes.layers}"
            )
        tensor = self.tensors[name]
        expected = tuple(_size(expression, self.sizes.named) for expression in entry.shape)
        if tensor.shape != expected:
            keys = {
                factor
                for expression in entry.shape
                for factor in expression.replace(" + ", " * ").split(" * ")
                if not factor.isdigit()
            }
            said = ", ".join(f"{key} = {self.sizes.named[key]}" for key in sorted(keys))
            raise CheckpointError(
                f"the tensor {tensor.name} has the shape {tensor.shape}; {self.tensors.says} {said}, which makes it "
                f"{expected}"
            )
        refuse_stored(tensor)


def refuse_stored(tensor: AnyTensor) -> None:
    """Refuse numbers that are stored in a way that is not read."""
    if tensor.stored not in STORED:
        raise CheckpointError(
            f"the tensor {tensor.name} is stored as {tensor.stored}; {', '.join(STORED)} are read",
            hint="quantized checkpoints are not; take the original one",
        )


def check_positions(count: int, positions: int | None) -> None:
    """Refuse a sentence longer than the positions that the model has learned."""
    if positions is not None and count > positions:
        raise TextError(
            f"the text has {count} tokens, and this model has {positions} positions", hint="shorten the text"
        )


def _prefix(family: Family, first: str, tensors: AllTensors) -> str:
    """Find what stands before all names: what the family may have there, or what a training program has put there."""
    for prefix in family.prefixes:
        if prefix + first in tensors:
            return prefix
    others = [name.removesuffix(first) for name in tensors if name.endswith("." + first)]
    return others[0] if len(others) == 1 else ""


def _size(expression: str, named: Mapping[str, int]) -> int:
    """Work out a size: sums of products of keys of config.json and numbers."""
    size = 0
    for summand in expression.split(" + "):
        product = 1
        for factor in summand.split(" * "):
            product *= int(factor) if factor.isdigit() else named[factor]
        size += product
    return size
