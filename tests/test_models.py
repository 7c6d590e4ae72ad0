"""The untrained model: the same numbers on every machine, for ever."""

import numpy as np
import pytest

from attnexplain import load_model
from attnexplain.errors import CommandError
from attnexplain.models.untrained import D_K, D_MODEL, Untrained
from attnexplain.tokens import Tokens


def test_the_first_numbers_of_cat_and_of_w_q_stay_what_they_are():
    model = Untrained()
    # Recomputed in the comment's way with hashlib alone, by hand: see test_the_recipe.
    assert (model.embed(Tokens(("cat",))).vectors[0, :4] * 64).tolist() == _recipe("word cat", 4, 1.0)
    assert (model.head.w_q[0, :4] * 64).tolist() == _recipe("w_q", 4, 0.25)


def _recipe(name, count, spread):
    """The recipe of the module's docstring in plain Python integers and fractions."""
    from fractions import Fraction
    from hashlib import shake_256

    stream = shake_256(f"attnexplain untrained, seed 0: {name}".encode()).digest(24 * D_MODEL * D_K)
    result = []
    for start in range(0, 24 * count, 24):
        twelve = [int.from_bytes(stream[start + i : start + i + 2], "little") for i in range(0, 24, 2)]
        result.append(float(round(Fraction(sum(twelve) - 6 * 65535, 65536) * Fraction(spread) * 64)))
    return result


def test_the_numbers_are_about_standard_normal():
    words = Tokens(tuple(f"word{i}" for i in range(2000)))
    x = Untrained().embed(words).vectors
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    q = x @ Untrained().head.w_q
    assert 0.8 < q.std() < 1.2


def test_the_same_word_has_the_same_embedding_wherever_it_stands():
    model = Untrained()
    one, other = model.embed(Tokens(("the", "cat", "The"))).vectors, model.embed(Tokens(("cat",))).vectors
    assert one[0].tolist() == one[2].tolist()
    assert one[1].tolist() == other[0].tolist()
    assert one[0].tolist() != one[1].tolist()


def test_another_seed_gives_another_model():
    assert Untrained(1).head.w_q.tolist() != Untrained(0).head.w_q.tolist()
    assert Untrained(1).head.w_q.tolist() == Untrained(1).head.w_q.tolist()


def test_queries_keys_values_and_scores_are_exact_binary_fractions():
    model = Untrained()
    x = model.embed(Tokens(("the", "cat", "sat"))).vectors
    scores = (x @ model.head.w_q) @ (x @ model.head.w_k).T
    assert (scores * 2**24 == np.round(scores * 2**24)).all()


def test_an_unknown_model_is_an_error_that_says_which_there_are():
    with pytest.raises(CommandError, match="there is no model 'gtp2'"):
        load_model("gtp2")


@pytest.mark.parametrize("model", ["tiny", "untrained", "numbers.json"])
def test_what_is_here_is_not_fetched(model):
    with pytest.raises(CommandError, match="--download fetches checkpoints"):
        load_model(model, download=True)


def test_what_has_no_words_of_its_own_has_no_company_and_loses_no_likeness():
    assert load_model("untrained").likeness(["a"], ["b"]) == 1.0


def test_only_the_heads_of_order_have_embeddings_of_their_own():
    assert [bool(load_model("tiny", head=head).info.embedding) for head in range(3)] == [False, True, True]


def test_the_learned_model_is_read_once():
    assert load_model("tiny") is load_model()
