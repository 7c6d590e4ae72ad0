"""Your own numbers: published walkthroughs to their printed digits, and bad files in one clear line."""

import json
import os
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call, on_terminal
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo import npy, zipped

from attnexplain import explain, load_model
from attnexplain.errors import AttnExplainError, NumbersError
from attnexplain.models.checks import EXAMPLE_ROWS
from attnexplain.models.own_numbers import read_numbers

SENTENCES = Path(__file__).parent.parent / "sentences"
GOOD = {
    "tokens": ["please", "study", "man"],
    "embeddings": [[1, 0], [0, 2], [1, 1]],
    "w_q": [[1, 0], [0, 1]],
    "w_k": [[1, 1], [0, 1]],
    "w_v": [[1, 0], [1, 1]],
    "b_q": [0, 0],
}


def written(tmp_path, content, name="numbers.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def printed(array, digits=4):
    return np.round(array, digits).tolist()


# Published walkthroughs


def test_karim_comes_out_as_his_code_prints():
    trace = explain(model=str(SENTENCES / "karim.json"))
    assert trace.keys.tolist() == [[0, 1, 1], [4, 4, 0], [2, 3, 1]]
    assert trace.values.tolist() == [[1, 2, 3], [2, 8, 0], [2, 6, 3]]
    assert trace.queries.tolist() == [[1, 0, 2], [2, 2, 2], [2, 1, 3]]
    assert trace.scores.tolist() == [[2, 4, 4], [4, 16, 12], [4, 12, 10]]
    assert trace.scale == 1
    shares = [[6.3379e-02, 4.6831e-01, 4.6831e-01], [6.0337e-06, 9.8201e-01, 1.7986e-02]]
    np.testing.assert_allclose(trace.weights[:2], shares, rtol=5e-5)
    np.testing.assert_allclose(trace.weights[2], [2.9539e-04, 8.8054e-01, 1.1917e-01], rtol=5e-5)
    assert printed(trace.context) == [[1.9366, 6.6831, 1.5951], [2.0, 7.964, 0.054], [1.9997, 7.7599, 0.3584]]


def test_raschka_without_matrices_comes_out_as_printed():
    trace = explain(model=str(SENTENCES / "raschka-simple.json"))
    assert printed(trace.scores[1]) == [0.9544, 1.4950, 1.4754, 0.8434, 0.7070, 1.0865]
    assert printed(trace.weights[1]) == [0.1385, 0.2379, 0.2333, 0.1240, 0.1082, 0.1581]
    assert printed(trace.context) == [
        [0.4421, 0.5931, 0.5790], [0.4419, 0.6515, 0.5683], [0.4431, 0.6496, 0.5671],
        [0.4304, 0.6298, 0.5510], [0.4671, 0.5910, 0.5266], [0.4177, 0.6503, 0.5645],
    ]  # fmt: skip
    assert trace.embeddings is None


def test_raschka_with_matrices_comes_out_as_printed():
    trace = explain(model=str(SENTENCES / "raschka-trained.json"))
    assert printed(trace.queries[1]) == [0.4306, 1.4551]
    assert printed(trace.scores[1]) == [1.2705, 1.8524, 1.8111, 1.0795, 0.5577, 1.5440]
    assert printed(trace.weights[1]) == [0.1500, 0.2264, 0.2199, 0.1311, 0.0906, 0.1820]
    assert printed(trace.context) == [
        [0.2996, 0.8053], [0.3061, 0.8210], [0.3058, 0.8203], [0.2948, 0.7939], [0.2927, 0.7891], [0.2990, 0.8040],
    ]  # fmt: skip


def test_raschka_with_and_without_the_causal_mask_comes_out_as_printed():
    path = str(SENTENCES / "raschka-causal.json")
    masked = explain(model=path)
    assert masked.causal
    assert printed(masked.weights[1:4]) == [
        [0.5517, 0.4483, 0, 0, 0, 0], [0.3800, 0.3097, 0.3103, 0, 0, 0], [0.2758, 0.2460, 0.2462, 0.2319, 0, 0],
    ]  # fmt: skip
    full = explain(model=path, causal=False)
    assert printed(full.weights[:2]) == [
        [0.1921, 0.1646, 0.1652, 0.1550, 0.1721, 0.1510], [0.2041, 0.1659, 0.1662, 0.1496, 0.1665, 0.1477],
    ]  # fmt: skip
    assert printed(full.context) == [
        [-0.0739, 0.0713], [-0.0748, 0.0703], [-0.0749, 0.0702], [-0.0760, 0.0685], [-0.0763, 0.0679], [-0.0754, 0.0693],
    ]  # fmt: skip


@pytest.mark.parametrize("path", sorted(SENTENCES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_is_drawn_and_is_what_the_schema_says(path):
    sentence = [] if read_numbers(str(path)).example else ["the cat sat"]
    assert call("--model", str(path), *sentence)[0] == 0
    jsonschema.validate(json.loads(call("--json", "--model", str(path), *sentence)[1]), SCHEMA)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"w_q": np.ones(2)}, re.escape(f"w_q must be {EXAMPLE_ROWS}")),
        ({"w_q": np.ones((2, 16_385))}, "has rows of 16,385 numbers, and 16,384 are allowed"),
    ],
)
def test_arrays_of_another_shape_are_refused_as_lists_are(change, says, tmp_path):
    arrays = {"embeddings": np.ones((2, 2)), "tokens": np.array(["a", "b"])} | {
        name: np.eye(2) for name in ("w_q", "w_k", "w_v")
    }
    np.savez(tmp_path / "n.npz", **(arrays | change))
    with pytest.raises(NumbersError, match=says):
        explain(model=tmp_path / "n.npz")


# How it is used


def test_a_finished_example_needs_no_sentence_and_takes_none(tmp_path):
    path = written(tmp_path, GOOD)
    code, out, _ = call("--json", "--model", path)
    assert code == 0
    assert json.loads(out)["tokens"] == ["please", "study", "man"]
    assert json.loads(out)["model"]["kind"] == "numbers"
    assert call("--model", path, "please")[::2] == (
        2,
        "attnexplain: error: numbers.json is a finished example\n  hint: leave the sentence out\n",
    )


def test_a_finished_example_is_drawn_on_a_terminal_too(tmp_path):
    code, screen = on_terminal("--model", written(tmp_path, GOOD), "--step", "2")
    assert code == 0
    assert "Step 2: Attention scores" in screen


def test_a_vocabulary_without_a_sentence_does_not_wait_for_one():
    code, screen = on_terminal("--model", str(SENTENCES / "vocabulary.json"))
    assert code == 2
    assert "there is no sentence" in screen


def test_a_vocabulary_explains_any_sentence_of_its_words(tmp_path):
    vocabulary = {**GOOD, "embeddings": {"The": [1, 0], "cat": [0, 2], "Hare Krishna": [1, 1]}}
    del vocabulary["tokens"]
    path = written(tmp_path, vocabulary)
    assert explain("the cat the", model=path).embeddings.tolist() == [[1, 0], [0, 2], [1, 0]]
    assert explain("hare krishna", model=path, phrases=["Hare Krishna"]).embeddings.tolist() == [[1, 1]]
    code, _, err = call("--model", path, "the cow")
    assert code == 3
    assert err.startswith(
        "attnexplain: error: numbers.json: its vocabulary has no 'cow'\n  hint: the nearest words it has"
    )


def test_options_overrule_what_the_file_asks_for(tmp_path):
    path = written(tmp_path, {**GOOD, "scale": False, "causal": True})
    assert explain(model=path).scale == 1
    assert json.loads(call("--json", "-m", path, "--scale", "--no-causal")[1])["settings"] == {
        "scale": 2**0.5,
        "causal": False,
    }
    assert json.loads(call("--json", "-m", path)[1])["settings"] == {"scale": 1.0, "causal": True}


def test_npz_says_the_same_as_json(tmp_path):
    path = tmp_path / "numbers.npz"
    np.savez_compressed(path, **{key: np.array(value) for key, value in GOOD.items()})
    assert explain(model=str(path)).context.tolist() == explain(model=written(tmp_path, GOOD)).context.tolist()
    np.savez(path, words=["a", "b"], embeddings=np.eye(2), w_q=np.eye(2), w_k=np.eye(2), w_v=np.ones((2, 3), "f4"))
    trace = explain("b a b", model=str(path))
    assert trace.embeddings.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert (trace.d_k, trace.d_v) == (2, 3)
    np.savez(
        path, tokens=["a"], embeddings=np.asfortranarray([[1.0, 2.0]]), w_q=np.eye(2), w_k=np.eye(2), w_v=np.eye(2)
    )
    assert explain(model=str(path)).embeddings.tolist() == [[1, 2]]


# Bad numbers

BAD = [
    ({**GOOD, "w_q": [[1, 0], [1]]}, "the rows of w_q differ in length: row 1 has 2 numbers, row 2 has 1"),
    ({**GOOD, "w_q": [[1, 0, 0], [0, 1, 0]]}, "w_q of shape (2, 3) does not fit w_k of shape (2, 2): both are (d_model, d_k)"),
    ({**GOOD, "w_v": [[1]]}, "w_v of shape (1, 1) does not fit w_q of shape (2, 2): both have d_model rows"),
    ({**GOOD, "b_q": [1]}, "b_q of shape (1,) does not fit w_q of shape (2, 2): a bias has one number per column"),
    ({**GOOD, "embeddings": [[1], [2], [3]]}, "embeddings of shape (3, 1) do not fit w_q of shape (2, 2): an embedding has one number for each row of w_q"),
    ({**GOOD, "tokens": ["a"]}, "there are 1 tokens and 3 rows of embeddings: each token has one row"),
    ({**GOOD, "tokens": []}, 'tokens must be a list of texts, such as ["the", "cat"]'),
    ({**GOOD, "tokens": ["a", 1, "b"]}, 'tokens must be a list of texts, such as ["the", "cat"]'),
    ({**GOOD, "embeddings": [[1, 0], [0, "2"], [1, 1]]}, "embeddings, row 2, place 2: a text is not a number"),
    ({**GOOD, "embeddings": [[1, 0], [0, True], [1, 1]]}, "embeddings, row 2, place 2: true or false is not a number"),
    ({**GOOD, "embeddings": [[1, 0], [0, None], [1, 1]]}, "embeddings, row 2, place 2: null is not a number"),
    ({**GOOD, "embeddings": [[1, 0], 2, [1, 1]]}, "embeddings, row 2: must be a list of numbers"),
    ({**GOOD, "embeddings": {"a": [1, 0], "b": [[1]]}, "tokens": ["a", "b"]}, "the rows of embeddings differ in length: row 1 has 2 numbers, row 2 has 1"),
    ({**GOOD, "embeddings": 5}, "embeddings must be rows of numbers, such as [[1, 0], [0, 1]]"),
    ({**GOOD, "embeddings": [[1, 0], [0, 10**400], [1, 1]]}, "embeddings, row 2, place 2: not finite (NaN, infinite, or too large)"),
    ({**GOOD, "weights_q": 1}, "unknown key 'weights_q'"),
    ({key: GOOD[key] for key in ("tokens", "embeddings")}, "w_q, w_k and w_v are missing\n  hint: or give queries, keys and values"),
    ({**GOOD, "queries": [[1]], "keys": [[1]]}, "values are missing: queries, keys and values go together"),
    ({**GOOD, "queries": [[1]], "keys": [[1]], "values": [[1]]}, "queries, keys and values take the place of embeddings and matrices: give one or the other"),
    ({"tokens": ["a"], "queries": [[1, 2]], "keys": [[1]], "values": [[1]]}, "queries of shape (1, 2) do not fit keys of shape (1, 1): both are (n, d_k)"),
    ({**GOOD, "causal": 1}, "causal must be true or false"),
    ([1, 2], 'not an object: it must start with {'),
    (b"", "not JSON: Expecting value at line 1, column 1"),
    (b'{"tokens": [', "not JSON: Expecting value at line 1, column 13"),
    (b'{"a": 1, "a": 2}', "the key 'a' occurs twice"),
    (b'{"w_q": NaN}', "NaN is not a finite number"),
    (b'{"w_q": -Infinity}', "-Infinity is not a finite number"),
    (b'{"tokens": ["a"], "embeddings": [[1e999]]}', "embeddings, row 1, place 1: not finite (NaN, infinite, or too large)"),
    (b"\xff\xfe{", "not UTF-8 at byte 1"),
    (b"[" * 100_000, "lists are nested too deeply"),
    (b'{"w_q": ' + b"9" * 10_000 + b"}", "a number has too many digits"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD, ids=range(len(BAD)))
def test_bad_numbers_get_one_clear_line(tmp_path, content, message):
    code, out, err = call("--model", written(tmp_path, content))
    assert (code, out) == (3, "")
    assert err.startswith(f"attnexplain: error: numbers.json: {message}")
    assert len(err.splitlines()) <= 2


def test_numbers_too_large_to_multiply_are_refused(tmp_path):
    huge = {**GOOD, "embeddings": [[1e200, 0], [0, 2], [1, 1]]}
    code, out, err = call("--model", written(tmp_path, huge))
    assert (code, out) == (3, "")
    assert "scores at (1, 1) is not finite" in err


def lying_header(shape):
    data = npy(np.zeros((2, 2)))
    return data.replace(b"(2, 2)", shape)


BAD_ARCHIVES = [
    (b"", "not a readable .npz file"),
    (b"PK\x03\x04 nonsense", "not a readable .npz file"),
    (zipped(w_q=npy(np.array([{}], dtype=object), allow_pickle=True)), "w_q is an array of object"),
    (zipped(w_q=npy(np.array([[1j]]))), "w_q is an array of complex128"),
    (zipped(w_q=npy(np.array([[True]]))), "w_q is an array of bool; numbers are wanted"),
    (zipped(w_q=npy(np.array([["a"]]))), "w_q is an array of <U1; numbers are wanted"),
    (zipped(w_q=lying_header(b"(9, 9)")), "w_q is cut short: its header says (9, 9)"),
    (zipped(w_q=npy(np.eye(2))[:-8]), "w_q is cut short"),
    (zipped(tokens=npy(np.array(["a"])).replace(b"a\0\0\0", b"\xff" * 4)), "tokens holds a number that is no character"),
    (zipped(w_q=b"not numpy"), "not a readable .npz file"),
    (zipped(w_q=b""), "not a readable .npz file"),
    (zipped(w_q=b"\0" * (65 << 20)), "it unpacks to more than 64 MiB"),
    (zipped(w_q=npy(np.eye(2)))[:-30], "not a readable .npz file"),
    (zipped(nonsense=npy(np.eye(2))), "unknown key 'nonsense'"),
    (zipped(tokens=npy(np.array(["a"])), embeddings=npy(np.array([[np.nan]]))), "embeddings, row 1, place 1: not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD_ARCHIVES, ids=range(len(BAD_ARCHIVES)))
def test_bad_archives_get_one_clear_line(tmp_path, content, message):
    code, out, err = call("--model", written(tmp_path, content, "numbers.npz"))
    assert (code, out) == (3, "")
    assert err.startswith(f"attnexplain: error: numbers.npz: {message}")
    assert len(err.splitlines()) <= 2


def test_files_that_are_not_files(tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    assert call("--model", str(pipe))[::2] == (3, "attnexplain: error: pipe.json: not a regular file\n")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    assert call("--model", str(tmp_path / "zero.npz"))[0] == 3
    (tmp_path / "folder.json").mkdir()
    assert call("--model", str(tmp_path / "folder.json"))[0] == 2
    assert call("--model", str(tmp_path / "missing.json"))[0] == 2
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(65 << 20)
    assert "larger than 64 MiB" in call("--model", str(large))[2]


def test_a_phrase_makes_no_sense_for_a_finished_example(tmp_path):
    assert call("--model", written(tmp_path, GOOD), "--phrase", "please study")[0] == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "queries", "keys", "values", "words", "causal"]), json_values, max_size=7)
)
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_or_refused(tmp_path_factory, content):
    path = written(tmp_path_factory.mktemp("any"), {**GOOD, **content})
    try:
        explain(None if load_model(path).example else "please", model=path)
    except AttnExplainError as error:
        assert "\n" not in error.message


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    for name in ("numbers.json", "numbers.npz"):
        with pytest.raises(NumbersError):
            read_numbers(written(folder, content, name))


def test_rectangular_weights_written_as_json_read_back(tmp_path):
    file, again = tmp_path / "cross.json", tmp_path / "again.json"
    weights = [[0.5, 0.25, 0.25], [1, 0, 0]]
    file.write_text(
        json.dumps({"query_tokens": ["le", "chat"], "key_tokens": ["the", "cat", "sat"], "weights": weights})
    )
    assert call("--model", str(file), "-o", str(again))[0] == 0
    first, second = (call("--model", str(path))[1] for path in (file, again))
    assert second.replace("again.json", "cross.json") == first
    assert json.loads(again.read_text())["weights"] == weights
