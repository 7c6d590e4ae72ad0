"""The front door."""

import subprocess
import sys

import numpy as np
import pytest

import attnexplain
from attnexplain import AttentionTrace, AttnExplainError, explain, load_model


def test_a_trace_has_every_intermediate_and_knows_its_words():
    trace = explain("The cat sat, twice", model="untrained")
    assert isinstance(trace, AttentionTrace)
    assert trace.tokens == ("The", "cat", "sat", "twice")
    assert trace.left_out == (",",)
    assert trace.model.name == trace.model.kind == "untrained"
    assert trace.scale == 4.0
    assert trace.queries.shape == (4, 16)
    np.testing.assert_allclose(trace.scaled_scores, trace.scores / 4)


def test_options():
    assert explain("a b", scale=False).scale == 1.0
    assert explain("a b", causal=True).weights[0].tolist() == [1.0, 0.0]
    assert explain("a b c", phrases=["b c"]).tokens == ("a", "b c")
    assert explain("a b", model=load_model("untrained", seed=3)).tokens == ("a", "b")
    with pytest.raises(AttnExplainError, match="3 words"):
        explain("a b c", max_tokens=2)


def test_the_function_is_not_hidden_by_the_file_of_the_same_name():
    import attnexplain.cli
    import attnexplain.explain

    assert callable(attnexplain.explain)
    assert attnexplain.explain is explain


def test_importing_the_package_loads_neither_typer_nor_rich_nor_numpy():
    code = "import sys, attnexplain; print([m for m in ('typer', 'rich', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attnexplain.nothing  # noqa: B018
