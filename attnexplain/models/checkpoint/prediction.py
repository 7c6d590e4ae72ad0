"""What a model predicts: a score for each token of its vocabulary, of a hidden state that has left the last layer.

A model that sees only what came before predicts the next token (Radford et al. 2018, "Improving Language Understanding
by Generative Pre-Training", section 3.1); one that sees both sides predicts the word that a mask stands for (Devlin et
al. 2018, arXiv:1810.04805, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.config import LARGEST_NUMBER
from attnexplain.models.checkpoint.layers import ACTIVATIONS, known_activation, layer_norm
from attnexplain.models.checkpoint.layout import refuse_stored
from attnexplain.models.model import Behind
from attnexplain.variants import Norm

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters
    from attnexplain.models.checkpoint.tensors import AnyTensor


def scores_of(parameters: Parameters, config: Config, states: Array) -> tuple[Array, Behind]:
    """Score all tokens of the vocabulary for some hidden states that have left the last layer, (places, d_model).

    Returns:
        A score for each token, (places, vocabulary), float64; and what they went through.

    Raises:
        CheckpointError: the checkpoint has no parameters for it, or they do not fit.
    """
    end = _End(parameters, config)
    with np.errstate(all="ignore"):
        made = end.before_last(states)
        scores = end.matrix().times_transposed(made).astype(np.float64)
        if (bias := end.bias()) is not None:
            scores += bias
        cap = end.softcap
        if cap is not None:
            scores = cap * np.tanh(scores / cap)
    parameters.tensors.let_go()
    if not np.isfinite(scores).all():
        raise CheckpointError("the scores of what it predicts are not finite (NaN or infinite)")
    how = end.how
    behind = Behind(
        parameters.sizes.layers,
        scores.shape[1],
        made.shape[1],
        has_norm=end.has(how.final_norm),
        is_narrowed=end.has(how.narrower),
        has_dense=bool(how.dense),
        dense_has_bias=bool(how.dense) and end.has(f"{how.dense}.bias"),
        has_bias=bias is not None,
        softcap=cap,
    )
    return scores, behind


def check_predicts(parameters: Parameters, config: Config) -> None:
    """Refuse a checkpoint whose parameters for it are missing or do not fit, before its layers are run.

    Raises:
        CheckpointError: it has none, or they do not fit.
    """
    end = _End(parameters, config)
    if not parameters.sizes.causal and not end.how.dense:
        raise CheckpointError("it predicts no words: it sees both sides, and was made to predict what comes next")
    with np.errstate(all="ignore"):
        end.before_last(np.zeros((1, parameters.sizes.d_model), dtype=np.float32))
    end.bias()


def predicts(parameters: Parameters, config: Config) -> bool:
    """Whether a checkpoint has what comes behind the layers."""
    try:
        check_predicts(parameters, config)
    except CheckpointError:
        return False
    return True


class _End:
    """The parameters behind the last layer, each of them checked when it is asked for."""

    def __init__(self, parameters: Parameters, config: Config) -> None:
        if parameters.family.prediction is None:
            raise CheckpointError(f"{parameters.family.title} predicts no words here")
        self.parameters, self.config, self.how = parameters, config, parameters.family.prediction
        self._absent = self.how.absent(config)

    def has(self, name: str) -> bool:
        """Whether a model with this config.json has a parameter; "" is none."""
        return bool(name) and name not in self._absent

    @property
    def softcap(self) -> float | None:
        """What holds scores within bounds."""
        key = self.how.softcap_key
        if not key or self.config.is_null(key) or (self.config.get(key) is None and self.how.softcap is None):
            return None
        return self.config.number(key, self.how.softcap, most=LARGEST_NUMBER)

    def matrix(self) -> AnyTensor:
        """Return the last matrix: its own, or else the embeddings of the tokens where they are tied to it."""
        if not self.how.bias and "lm_head.bias" in self.parameters.tensors:
            name = self.parameters.tensors.called("lm_head.bias")
            raise CheckpointError(f"the tensor {name} is there, and models of this kind have none")
        for name in self.how.matrix:
            if name in self.parameters.tensors:
                matrix = self.tensor(name)
                _refuse_other(matrix, (self.parameters.sizes.named["vocab_size"], *matrix.shape[1:2]))
                return matrix
        if self.config.flag("tie_word_embeddings", default=self.how.is_tied):
            return self.parameters.tensor("words")
        raise self._missing(self.how.matrix[0])

    def bias(self) -> Array | None:
        """Return what is added to the scores."""
        names = [name for name in self.how.bias if self.has(name)]
        if not names:
            return None
        bias = self._first(names)
        _refuse_other(bias, self.matrix().shape[:1])
        return bias.numbers()

    def before_last(self, states: Array) -> Array:
        """Pass hidden states through all that comes before the last matrix, (places, width)."""
        how = self.how
        if self.has(how.final_norm):
            states = self._normalized(states, self._beside(f"{how.final_norm}.weight"), self._shift(how.final_norm))
        if self.has(how.narrower):
            states = self._beside(how.narrower).times_transposed(states)
        if how.dense:
            dense = self.tensor(f"{how.dense}.weight")
            inner = dense.times_transposed(self._fitting(states, dense))
            if self.has(f"{how.dense}.bias"):
                bias = self.tensor(f"{how.dense}.bias")
                _refuse_other(bias, dense.shape[:1])
                inner = inner + bias.numbers()
            gain = self._first([f"{how.dense_norm}.weight", f"{how.dense_norm}.gamma"])
            names = [f"{how.dense_norm}.bias", f"{how.dense_norm}.beta"]
            shift = self._first(names) if self.has(names[0]) else None
            states = self._normalized(ACTIVATIONS[self._activation](inner), gain, shift)
        return self._fitting(states, self.matrix())

    @property
    def _activation(self) -> str:
        how = self.how
        if how.activation_key:
            return known_activation(self.config.text(how.activation_key, how.activation), how.activation_key)
        return how.activation or self.parameters.sizes.activation

    def _shift(self, norm: str) -> AnyTensor | None:
        """Return the shift of a norm that stands among the names of the layers, where its kind has one."""
        has_shift = self.parameters.sizes.norm == "layer" and self.has(f"{norm}.bias")
        return self._beside(f"{norm}.bias") if has_shift else None

    def _normalized(self, x: Array, gain: AnyTensor, shift: AnyTensor | None) -> Array:
        sizes, numbers = self.parameters.sizes, gain.numbers()
        for tensor in (gain, *(() if shift is None else (shift,))):
            _refuse_other(tensor, x.shape[-1:])
        if sizes.norm == "layer":
            return layer_norm(x, numbers, 0.0 if shift is None else shift.numbers(), sizes.epsilon)
        return Norm(1 + numbers if sizes.norm == "rms + 1" else numbers, sizes.epsilon)(x)

    def _first(self, names: Sequence[str]) -> AnyTensor:
        """Return a tensor by the first of its names that a file has."""
        return self.tensor(next((name for name in names if name in self.parameters.tensors), names[-1]))

    def _beside(self, name: str) -> AnyTensor:
        """Return a tensor that stands among those of the layers."""
        if (tensor := self.parameters.beside(name)) is None:
            raise self._missing(name)
        refuse_stored(tensor)
        return tensor

    def tensor(self, name: str) -> AnyTensor:
        """Return a tensor by its whole name.

        Raises:
            CheckpointError: there is none.
        """
        if name not in self.parameters.tensors:
            raise self._missing(name)
        tensor = self.parameters.tensors[name]
        refuse_stored(tensor)
        return tensor

    def _missing(self, name: str) -> CheckpointError:
        return CheckpointError(
            f"it predicts no words: the tensor {self.parameters.tensors.called(name)} is missing",
            hint="take a checkpoint that was saved with what comes behind its layers (…ForCausalLM, …ForMaskedLM)",
        )

    def _fitting(self, x: Array, matrix: AnyTensor) -> Array:
        if len(matrix.shape) != 2 or matrix.shape[1] != x.shape[1]:
            raise CheckpointError(
                f"the tensor {matrix.name} has the shape {matrix.shape}, and rows of {x.shape[1]} numbers are to be "
                "multiplied with it"
            )
        return x


def _refuse_other(tensor: AnyTensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise CheckpointError(f"the tensor {tensor.name} has the shape {tensor.shape}, and {shape} is wanted")
