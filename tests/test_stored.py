"""What was stored is drawn again; what was made elsewhere is drawn as far as it goes."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

SENTENCE = "The river bank was flooded after the storm"
OPTIONS = [(), ("--causal",), ("--no-scale",), ("--model", "untrained"), ("--phrase", "river bank")]
CHECKPOINT = Path(__file__).parent / "data" / "checkpoints" / "gpt2"


def body(screen):
    """The lesson without the notes above it."""
    text = screen[screen.index("Step 1") : screen.index("\nModel: ")]
    # a file does not know where they came from
    return re.sub(r"matrices,\s(learned|random)\sand", "matrices, given and", re.sub(r"[ \n]+", " ", text))


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_stored_run_gives_the_same_lesson(options, form, tmp_path):
    path = tmp_path / f"trace.{form}"
    assert call("-o", str(path), *options, SENTENCE)[0] == 0
    eye = ("--query", "flooded", "--key", "storm")  # which the command chooses by the company, that a .npz has not
    code, again, err = call("--model", str(path), *eye)
    assert (code, err) == (0, "")
    first = body(call(*options, *eye, SENTENCE)[1])
    if form == "npz":
        first = first.partition(" What does it mean?")[0]
    assert body(again).rstrip() == first.rstrip()
    one, other = (json.loads(call("--json", *which)[1]) for which in ([*options, SENTENCE], ["--model", str(path)]))
    assert other["model"]["kind"] == "trace"
    jsonschema.validate(other, SCHEMA)
    for key in ("tokens", "queries", "scores", "scaled_scores", "weights", "context", "settings"):
        assert one[key] == other[key]


@pytest.mark.parametrize("form", ["json", "npz"])
def test_a_stored_head_of_a_checkpoint_too(form, tmp_path):
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    path = tmp_path / f"trace.{form}"
    arguments = ["--model", str(CHECKPOINT), "--layer", "1", "--head", "2", "The cat sat"]
    assert call("-o", str(path), *arguments)[0] == 0
    written = json.loads(call("--json", "--model", str(path))[1])
    expected = json.loads(call("--json", *arguments)[1])
    assert written["model"]["layer"] == 1
    assert written["model"]["head"] == 2
    np.testing.assert_allclose(written["weights"], expected["weights"], atol=1e-12)


def test_a_picture_is_made_from_a_stored_run(tmp_path):
    assert call("-o", str(tmp_path / "a.json"), SENTENCE)[0] == 0
    assert call("--model", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.svg")) == (0, "", "")
    assert "<svg" in (tmp_path / "a.svg").read_text()


# Attention from elsewhere

W = [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1]]


def weights_file(tmp_path, form, weights, tokens=("the", "cat", "sat")):
    path = tmp_path / f"weights.{form}"
    if form == "json":
        path.write_text(json.dumps({"tokens": list(tokens), "weights": weights}))
    else:
        np.savez(path, tokens=np.array(tokens), weights=np.array(weights, dtype=np.float32))
    return str(path)


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize("heads", [False, True])
def test_weights_alone_draw_step_three(form, heads, tmp_path):
    path = weights_file(tmp_path, form, [np.eye(3).tolist(), W] if heads else W)
    arguments = ["--model", path, *(["--head", "1"] if heads else [])]
    code, out, err = call(*arguments)
    assert (code, err) == (0, "")
    assert "Step 3: Attention weights" in out
    assert "Step 1" not in out
    assert "The steps 1, 2 and 4 cannot be shown" in " ".join(out.split())
    assert "sat 0.10▸0.80 0.10 1.00" in " ".join(out.split())
    written = json.loads(call("--json", *arguments)[1])
    jsonschema.validate(written, SCHEMA)
    np.testing.assert_allclose(written["weights"], W, atol=1e-7)
    for ending in ("svg", "html", "txt", "json"):
        assert call(*arguments, "-o", str(tmp_path / f"o.{ending}")) == (0, "", "")


def test_rows_that_do_not_add_up_are_warned_of(tmp_path):
    code, out, err = call("--model", weights_file(tmp_path, "json", [[0.5, 0.4, 0], [0, 1, 0], [0, 0, 1]]))
    assert code == 0
    assert err == "attnexplain: warning: 1 of 3 rows of weights.json do not add up to 1\n"
    assert "1 of 3 rows do not add up to 1." in out


def test_long_weights_become_a_picture(tmp_path):
    n = 40
    path = weights_file(tmp_path, "npz", np.full((n, n), 1 / n), [f"w{i}" for i in range(n)])
    out = call("--model", path)[1]
    assert "The strongest links of each word" in out
    assert len(out.splitlines()) < 120


@pytest.mark.parametrize(
    ("weights", "arguments", "code", "message"),
    [
        ([[1, 0], [0, 1]], [], 3, "weights of shape (2, 2) do not fit 3 tokens"),
        ([[[1] * 3] * 3] * 2, ["--head", "2"], 2, "--head 2: weights.json has the heads 0 to 1"),
        ([[-0.5, 1.5, 0]] * 3, [], 3, "weights holds a number that is negative or not finite"),
        ([["a"] * 3] * 3, [], 3, "weights holds something that is not a number"),
        ([[1], [1, 2], [3]], [], 3, "weights"),
        ([], [], 3, "weights"),
        (None, [], 3, "weights"),
        (W, ["--step", "1"], 2, "holds attention weights alone: step 1 cannot be shown"),
        (W, ["a sentence"], 2, "has its own tokens"),
        (W, ["--overview"], 2, "only step 3 can be drawn"),
        (W, ["--query", "dog"], 2, "--query: 'dog' is not a word of this sentence"),
    ],
)
def test_bad_weights_are_one_line(weights, arguments, code, message, tmp_path):
    found, out, err = call("--model", weights_file(tmp_path, "json", weights), *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "attnexplain/2"}, "its schema is 'attnexplain/2'"),
        ({"sentence": 3}, "sentence must be a text"),
        ({"tokens": ["a"]}, "there are 1 tokens and 8 rows of queries"),
        ({"queries": [[1]]}, "queries of shape (1, 1) do not fit keys"),
        ({"values": "x"}, "values must be rows of numbers"),
        ({"settings": {"scale": None, "causal": False}}, "scale: null is not a number"),
        ({"settings": {"scale": 0, "causal": False}}, "cannot be divided by 0"),
        ({"settings": {"scale": 1, "causal": 3}}, "causal must be true or false"),
        ({"embeddings": [[1]]}, "embeddings of shape (1, 1) do not fit"),
        ({"neighbours": 3}, "neighbours is not what a stored run has"),
        ({"model": {"name": 3}}, "its model is not what a stored run has"),
        ({"special": [True]}, "special has one true or false for each token"),
        ({"parameters": {"w_q": [[1]]}}, "w_k is missing"),
    ],
)
def test_a_broken_stored_run_is_one_line(change, message, tmp_path):
    stored = json.loads(call("--json", SENTENCE)[1])
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({**stored, **change}))
    code, out, err = call("--model", str(path))
    assert (code, out) == (3, "")
    assert message in err
    assert err.count("\n") <= 2


# What was stored must be what is computed


def edited(tmp_path, change):
    stored = json.loads(call("--json", SENTENCE)[1])
    change(stored)
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(stored))
    return str(path)


def put(key, row, place, number):
    return lambda stored: stored[key][row].__setitem__(place, number)


@pytest.mark.parametrize("key", ["queries", "keys", "values", "scores", "scaled_scores", "weights", "context"])
def test_an_edited_number_is_refused_with_its_key_and_row(key, tmp_path):
    code, out, err = call("--model", edited(tmp_path, put(key, 2, 1, 0.123)))
    assert (code, out) == (3, "")
    assert f"trace.json: {key}, row 3: is not what comes out when it is computed from" in err


@pytest.mark.parametrize("key", ["scores", "scaled_scores", "weights", "context"])
@pytest.mark.parametrize(
    "value",
    [None, [], "x", [[1.0]], [1.0] * 8, [[1.0] * 8] * 7, [[1.0] * 7] * 8, [[1.0], *[[1.0] * 8] * 7], [["x"] * 8] * 8],
)
def test_a_broken_matrix_is_refused_with_its_key(key, value, tmp_path):
    code, out, err = call("--model", edited(tmp_path, lambda stored: stored.update({key: value})))
    assert (code, out) == (3, "")
    assert f"trace.json: {key}" in err or f"the rows of {key}" in err
    assert err.count("\n") <= 2


def test_a_number_too_large_for_a_float_is_refused(tmp_path):
    path = edited(tmp_path, put("weights", 0, 0, 123454321.25))
    Path(path).write_text(Path(path).read_text().replace("123454321.25", "1e999"))
    assert "weights, row 1, place 1: not finite" in call("--model", path)[2]


def test_a_scale_that_is_none_names_its_file(tmp_path):
    code, _, err = call("--model", edited(tmp_path, lambda stored: stored["settings"].update(scale=0)))
    assert code == 3
    assert err.startswith("attnexplain: error: trace.json: scores cannot be divided by 0")


def test_arrays_are_compared_too(tmp_path):
    path = tmp_path / "trace.npz"
    assert call("-o", str(path), "--causal", SENTENCE)[0] == 0
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["weights"][3, 0] += 0.01
    np.savez(path, **arrays)
    assert "trace.npz: weights, row 4: is not what comes out" in call("--model", str(path))[2]


@pytest.mark.parametrize("option", ["--no-scale", "--causal"])
def test_a_stored_run_with_other_settings_has_no_company(option, tmp_path):
    """The stored company is that of the stored context vectors, and a file has no vocabulary to find any other."""
    path = tmp_path / "trace.json"
    assert call("-o", str(path), SENTENCE)[0] == 0
    assert "What does it mean?" in call("--model", str(path), "--step", "4")[1]
    changed = call("--model", str(path), "--step", "4", option)[1]
    assert "What does it mean?" not in changed
    written = json.loads(call("--model", str(path), "--json", option)[1])
    assert "neighbours" not in written
    direct = json.loads(call("--json", option, SENTENCE)[1])
    np.testing.assert_allclose(written["context"], direct["context"], atol=1e-12)


def test_special_tokens_are_stored_in_arrays(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    path = tmp_path / "trace.npz"
    bert = str(CHECKPOINT.parent / "bert")
    assert call("-o", str(path), "--model", bert, "a cat")[0] == 0
    with np.load(path) as stored:
        assert stored["special"].tolist() == [True, *[False] * (len(stored["tokens"]) - 2), True]
    assert json.loads(call("--json", "--model", str(path))[1])["special"][0] is True


def test_a_small_edit_beside_large_numbers_is_noticed(tmp_path):
    eye = [[1.0, 0.0], [0.0, 1.0]]
    (tmp_path / "n.json").write_text(
        json.dumps({"tokens": ["a", "b"], "embeddings": [[300, 0], [0, 1]], "w_q": eye, "w_k": eye, "w_v": eye})
    )
    stored = json.loads(call("--json", "--model", str(tmp_path / "n.json"))[1])
    stored["scores"][1][1] += 1e-6
    (tmp_path / "t.json").write_text(json.dumps(stored))
    assert "scores, row 2: is not what comes out" in call("--model", str(tmp_path / "t.json"))[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("queries"), "queries are missing: queries, keys and values go together"),
        (lambda s: s["neighbours"][1].update(cosine=0.5), "neighbours, row 2: cosine is not that"),
        (lambda s: s["tokens"].__setitem__(2, "money"), "the token 'money' does not follow the others"),
        (lambda s: s.update(sentence="hello there"), "the token 'The' does not follow the others"),
    ],
)
def test_what_else_was_edited_is_noticed(change, said, tmp_path):
    code, out, err = call("--model", edited(tmp_path, change))
    assert (code, out) == (3, "")
    assert said in err


def test_a_run_that_was_stored_in_part_is_not_taken_for_weights_from_elsewhere(tmp_path):
    path = tmp_path / "part.json"
    path.write_text(call("--json", "--causal", "--step", "3", SENTENCE)[1])
    code, out, err = call("--model", str(path))
    assert (code, out) == (3, "")
    assert "queries, keys and values are missing" in err


def test_weights_go_with_tokens_alone(tmp_path):
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"tokens": ["a"], "weights": [[1.0]], "causal": True}))
    assert "the key 'causal' does not go with weights" in call("--model", str(path))[2]
    path.write_text(json.dumps({"tokens": ["a"], "weights": [[1.0]], "title": "x"}))
    code, out, _ = call("--json", "--model", str(path))
    assert code == 0
    (tmp_path / "again.json").write_text(out)
    assert call("--json", "--model", str(tmp_path / "again.json"))[0] == 0


def test_company_that_is_no_list_of_words_is_refused(tmp_path):
    for company in ([{"before": "abc", "after": []}] * 8, [{"before": [1], "after": []}] * 8):
        _, _, err = call("--model", edited(tmp_path, lambda stored, c=company: stored.update(neighbours=c)))
        assert "neighbours is not what a stored run has" in err
