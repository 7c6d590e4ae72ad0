"""What was stored is drawn again; what was made elsewhere is drawn as far as it goes."""

import json
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
    return screen[screen.index("Step 1") :]


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_stored_run_gives_the_same_lesson(options, form, tmp_path):
    path = tmp_path / f"trace.{form}"
    assert call("-o", str(path), *options, SENTENCE)[0] == 0
    code, again, err = call("--model", str(path))
    assert (code, err) == (0, "")
    first = call(*options, SENTENCE)[1]
    if form == "npz":  # which has no neighbours
        first = first[: first.find("\nWhat does a vector of numbers mean?")] if "What does a vector" in first else first
    assert body(again) == body(first)
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
        ([[1, 0], [0, 1]], [], 3, "weights of shape (1, 2, 2) do not fit 3 tokens"),
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
