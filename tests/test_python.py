"""From Python: arguments of the right type or one clear line, and a trace that prints itself shortly."""

from pathlib import Path

import numpy as np
import pytest

from attnexplain import explain, load_model
from attnexplain.errors import CommandError
from attnexplain.overview import overview

BERT = Path(__file__).parent / "data" / "checkpoints" / "bert"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: explain("a b", model=None), "model=None: a name, a path or what load_model returns is wanted"),
        (lambda: explain("a b", model=3), "model=3: a name, a path"),
        (lambda: explain(["a", "b"]), "sentence=['a', 'b']: a text is wanted; for several texts, call once for each"),
        (lambda: explain(b"a"), "sentence=b'a': a text is wanted"),
        (lambda: explain("a b", phrases="a b"), "phrases='a b': a list of texts is wanted"),
        (lambda: explain("a b", phrases=[1]), "phrases=[1]: a list of texts is wanted"),
        (lambda: explain("a b", causal="no"), "causal='no': True or False is wanted"),
        (lambda: explain("a b", scale=2.0), "scale=2.0: True or False is wanted"),
        (lambda: explain("a b", max_tokens="9"), "max_tokens='9': a whole number is wanted"),
        (lambda: explain("a b", layer="1"), "layer='1': a whole number is wanted"),
        (lambda: load_model(None), "source=None: a name or a path is wanted"),
        (lambda: load_model("tiny", layer=1.5), "layer=1.5: a whole number is wanted"),
        (lambda: load_model("untrained", seed="x"), "seed='x': a whole number is wanted"),
        (lambda: load_model("tiny", download="yes"), "download='yes': True or False is wanted"),
        (lambda: overview(None, model=str(BERT)), "sentence=None: a text is wanted"),
        (lambda: overview("a", model=str(BERT), find=("a", "b")), "find=('a', 'b'): a text is wanted"),
        (lambda: overview("a", model=7), "model=7: a name, a path"),
        (lambda: explain(["x" * 999]), "…: a text is wanted"),
    ],
)
def test_a_wrong_type_is_one_clear_line(call, said):
    with pytest.raises(TypeError) as caught:
        call()
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_path_is_a_source_like_its_text():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    assert load_model(BERT).info == load_model(str(BERT)).info
    one, other = explain("a cat", model=BERT, layer=1), explain("a cat", model=str(BERT), layer=1)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_a_loaded_model_is_of_one_layer_and_head():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    model = load_model(BERT, layer=np.int64(2), head=1)
    assert explain("a cat", model=model).model.layer == 2
    assert explain("a cat", model=model, layer=2, head=1).model.head == 1
    for wrong in ({"layer": 0}, {"layer": 1, "head": 2}, {"head": 0}):
        with pytest.raises(CommandError, match="the model is layer 2, head 1 of bert"):
            explain("a cat", model=model, **wrong)


def test_a_trace_prints_itself_on_one_line():
    trace = explain("The cat sat on the mat because it was tired and old")
    assert (
        str(trace)
        == repr(trace)
        == ("Explanation('The cat sat on the mat because it was t…', 12 tokens, tiny, layer 0, head 0)")
    )
    assert repr(explain("a b", model="untrained").head) == "Head(d_model=16, d_k=16, d_v=16)"
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    assert repr(overview("a cat", model=BERT)) == "Overview('a cat', 9 heads of bert)"
    trace = next(iter(load_model(BERT).every_head(load_model(BERT).tokenize("a cat", (), 9))))[2]
    assert repr(trace).startswith("VariantTrace(n=5, d_model=12")
