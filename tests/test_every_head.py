"""The weights of every head at once: from Python, as JSON and NPZ, and read back."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain import explain, explain_all, load_model
from attnexplain.errors import CommandError, DataError

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

FOLDER = Path(__file__).parent / "data" / "checkpoints"
BERT = str(FOLDER / "bert")
SENTENCE = "The tired animal didn't cross"


def test_the_weights_of_all_heads_are_those_of_each():
    found = explain_all(SENTENCE, model=BERT)
    assert found.weights.dtype == np.float32
    for layer in range(3):
        for head in range(3):
            trace = explain(SENTENCE, model=BERT, layer=layer, head=head)
            np.testing.assert_allclose(found.weights[layer, head], trace.weights, atol=1e-6)
    assert found.tokens == trace.tokens
    assert found.ids == trace.found.ids
    pieces = [SENTENCE[start:end].lower() for start, end in found.spans]
    assert pieces[1:-1] == [token.removeprefix("##") for token in found.tokens[1:-1]]


def test_layers_and_heads_are_chosen_by_numbers_from_the_front_or_from_behind():
    every = explain_all(SENTENCE, model=BERT).weights
    found = explain_all(SENTENCE, model=BERT, layers=[-1, 0], heads=range(1, 3))
    assert (found.layers, found.heads) == ((2, 0), (1, 2))
    np.testing.assert_array_equal(found.weights, every[[2, 0]][:, [1, 2]])
    mean = explain_all(SENTENCE, model=BERT, layers=1, heads="mean")
    np.testing.assert_allclose(mean.weights[0, 0], every[1].mean(axis=0), atol=1e-6)
    whole = explain_all(SENTENCE, model=BERT, layers="mean", heads="mean")
    np.testing.assert_allclose(whole.weights[0, 0], every.mean(axis=(0, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [3]}, "--layer 3: bert has the layers 0 to 2"),
        ({"heads": [-4]}, "--head -4: bert has the heads 0 to 2"),
        ({"heads": [1, -2]}, "each is wanted once"),
        ({"heads": []}, "one at least"),
    ],
)
def test_layers_and_heads_that_are_not_there_are_refused(options, message):
    with pytest.raises(CommandError) as caught:
        explain_all(SENTENCE, model=BERT, **options)
    assert message in str(caught.value)
    with pytest.raises(TypeError, match="a list of whole numbers is wanted"):
        explain_all(SENTENCE, model=BERT, layers="first")


def test_more_than_a_gibibyte_is_refused(monkeypatch):
    monkeypatch.setattr("attnexplain.every_head.MOST_BYTES", 100)
    with pytest.raises(DataError, match="bytes, and 100 bytes are allowed"):
        explain_all(SENTENCE, model=BERT)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_what_was_written_reads_back_head_by_head(form, tmp_path):
    path = str(tmp_path / f"heads.{form}")
    assert call("--model", BERT, "--all-heads", "-o", path, SENTENCE) == (0, "", "")
    expected = explain_all(SENTENCE, model=BERT)
    for layer, head in ((0, 0), (2, 1), (-1, -1)):
        code, out, err = call("--json", "--model", path, "--layer", str(layer), "--head", str(head))
        assert (code, err) == (0, "")
        np.testing.assert_allclose(json.loads(out)["weights"], expected.weights[layer, head], atol=1e-7)
    code, out, err = call("--model", path, "--layer", "3")
    assert (code, out) == (2, "")
    assert f"--layer 3: heads.{form} has the layers 0 to 2" in err


@pytest.mark.parametrize("form", ["json", "npz"])
def test_chosen_layers_keep_their_numbers(form, tmp_path):
    path = str(tmp_path / f"heads.{form}")
    assert call("--model", BERT, "--all-heads", "--layer", "2,0", "--head", "1", "-o", path, SENTENCE) == (0, "", "")
    out = call("--json", "--model", path, "--layer", "2", "--head", "1")[1]
    expected = explain_all(SENTENCE, model=BERT).weights[2, 1]
    np.testing.assert_allclose(json.loads(out)["weights"], expected, atol=1e-7)
    assert "has the layers 2, 0" in call("--model", path, "--layer", "1", "--head", "1")[2]


def test_json_of_all_heads_is_valid_and_has_every_number():
    written = json.loads(call("--model", BERT, "--all-heads", "--json", SENTENCE)[1])
    jsonschema.validate(written, SCHEMA)
    found = explain_all(SENTENCE, model=BERT)
    assert written == found.to_dict()
    assert (written["layers"], written["heads"]) == ([0, 1, 2], [0, 1, 2])
    assert written["ids"] == list(found.ids)
    mean = json.loads(call("--model", BERT, "--all-heads", "--head", "mean", "--json", SENTENCE)[1])
    jsonschema.validate(mean, SCHEMA)
    assert (mean["layers"], mean["heads"]) == ([0, 1, 2], "mean")


def test_lines_of_a_file_are_a_line_each(tmp_path):
    (tmp_path / "two.txt").write_text("the cat\nthe dog sat\n")
    code, out, err = call("--all-heads", "--json", "--file", str(tmp_path / "two.txt"))
    assert (code, err) == (0, "")
    assert [np.shape(json.loads(line)["weights"]) for line in out.splitlines()] == [(1, 3, 2, 2), (1, 3, 3, 3)]


def test_a_mean_is_drawn_as_a_figure(tmp_path):
    path = tmp_path / "mean.svg"
    assert call("--model", BERT, "--figure", "weights", "--head", "mean", "-o", str(path), SENTENCE) == (0, "", "")
    text = " ".join(re.sub("<[^>]*>", " ", path.read_text()).split())
    assert "layer 0, the mean over all 3 heads" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all-heads"], "--all-heads writes numbers, and needs a place for them"),
        (["--all-heads", "-o", "x.svg"], "--all-heads writes the weights of many heads, so .svg does not go with it"),
        (["--layer", "all"], "a lesson shows one head, so --layer has one number"),
        (["--head", "mean"], "a lesson shows one head, so --head has one number"),
        (["--figure", "weights", "--head", "0-1", "-o", "x.svg"], "so --head has one number, or mean"),
        (["--figure", "scores", "--head", "mean", "-o", "x.svg"], "a mean has weights alone"),
        (["--all-heads", "--json", "--causal"], "--all-heads writes the weights of many heads, so --causal"),
        (["--all-heads", "--json", "--head", "2-0"], "runs backwards"),
        (["--all-heads", "--json", "--head", "x"], "is no number, such as 3 or -1"),
        (["--all-heads", "--overview"], "exclude each other"),
    ],
)
def test_what_does_not_go_with_many_heads_is_one_line(arguments, message):
    code, out, err = call("--model", BERT, *arguments, SENTENCE)
    assert (code, out) == (2, "")
    assert message in err


def test_negative_numbers_count_from_behind():
    last = explain(SENTENCE, model=BERT, layer=-1, head=-1)
    assert (last.model.layer, last.model.head) == (2, 2)
    assert "layer 2, head 1" in " ".join(call("--model", BERT, "--layer", "-1", "--head", "-2", SENTENCE)[1].split())


def test_words_that_ask_may_be_others_than_those_that_answer(tmp_path):
    """Cross-attention: two words of one text look at three of another."""
    path = tmp_path / "cross.json"
    content = {"query_tokens": ["le", "chat"], "key_tokens": ["the", "cat", "sat"]}
    path.write_text(json.dumps({**content, "weights": [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]}))
    code, out, err = call("--model", str(path), "--query", "chat", "--key", "cat")
    assert (code, err) == (0, "")
    assert '"chat" puts 0.80 on "cat"' in " ".join(out.split())
    assert call("--model", str(path), "--figure", "links", "-o", str(tmp_path / "x.svg"))[0] == 0
    written = json.loads(call("--json", "--model", str(path))[1])
    jsonschema.validate(written, SCHEMA)
    assert written["key_tokens"] == ["the", "cat", "sat"]
    for wrong in ({"query_tokens": ["a"]}, content | {"tokens": ["a"]}, {"query_tokens": ["a"], "key_tokens": [1]}):
        path.write_text(json.dumps({**wrong, "weights": [[1.0]]}))
        assert call("--model", str(path))[0] == 3


def test_ids_and_spans_survive_a_stored_run(tmp_path):
    for form in ("json", "npz"):
        path = tmp_path / f"run.{form}"
        assert call("--model", BERT, "-o", str(path), SENTENCE)[0] == 0
        again = explain(model=str(path))
        trace = explain(SENTENCE, model=BERT)
        assert (again.found.ids, again.found.spans) == (trace.found.ids, trace.found.spans)
    content = json.loads((tmp_path / "run.json").read_text())
    for wrong in ({"ids": [1]}, {"spans": [[0, 1]]}, {"spans": [[5, 1]] * len(trace.tokens)}, {"ids": [-1] * 9}):
        (tmp_path / "run.json").write_text(json.dumps(content | wrong))
        assert call("--model", str(tmp_path / "run.json"))[0] == 3


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize(("layers", "heads"), [("mean", None), (None, "mean"), ("mean", "mean")])
def test_a_stored_mean_is_drawn_again_and_says_so(form, layers, heads, tmp_path):
    path = tmp_path / f"mean.{form}"
    explain_all(SENTENCE, model=BERT, layers=layers, heads=heads).save(path)
    chosen = [*([] if layers else ["--layer", "1"]), *([] if heads else ["--head", "1"])]
    code, out, _ = call("--model", str(path), *chosen)
    text = " ".join(out.split())
    assert code == 0
    assert ("the mean over all layers" in text, "the mean over all heads" in text) == (bool(layers), bool(heads))
    assert "layer 0" not in text


def test_lists_may_be_arrays_and_all():
    every = explain_all(SENTENCE, model=BERT)
    found = explain_all(SENTENCE, model=BERT, layers=np.array([0, 2]), heads="all")
    assert (found.layers, found.heads) == ((0, 2), (0, 1, 2))
    np.testing.assert_array_equal(found.weights, every.weights[[0, 2]])
    assert explain_all(SENTENCE, model=BERT, layers=np.int64(1)).layers == (1,)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_a_stored_layer_counts_those_before_it(form, tmp_path):
    path = tmp_path / f"last.{form}"
    explain_all(SENTENCE, model=BERT, layers=2, heads=1).save(path)
    info = load_model(str(path), layer=2, head=1).info
    assert (info.layer, info.head, info.layers, info.heads) == (2, 1, 3, 2)


def test_a_mean_takes_no_more_room_than_itself(monkeypatch):
    n = len(explain_all(SENTENCE, model=BERT).tokens)
    monkeypatch.setattr("attnexplain.every_head.MOST_BYTES", 4 * n * n)
    assert explain_all(SENTENCE, model=BERT, layers="mean", heads="mean").weights.shape == (1, 1, n, n)
    with pytest.raises(DataError, match=rf"the weights of 3 heads on {n} tokens take .* and {4 * n * n} bytes"):
        explain_all(SENTENCE, model=BERT, layers="mean")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--all-heads", "--json"], "holds attention weights alone"),
        (["--figure", "weights", "--head", "mean", "-o", "x.svg"], "--layer and --head have one number"),
    ],
)
def test_stored_weights_refuse_what_needs_the_model(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explain_all(SENTENCE, model=BERT).save("heads.npz")
    code, _, err = call("--model", "heads.npz", *options)
    assert (code, message in err) == (2, True), err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer=-2-1", "--all-heads", "--json"], "'-2-1' is no number"),
        (["--layer", "1000", "--all-heads", "--json"], "--layer 1000: bert has the layers 0 to 2"),
        (["--compare", "a", "--layer", "0-1"], "--compare looks at one word, so --layer has one number"),
        (["--figure", "weights", "--head", "mean", "--causal", "-o", "x.svg"], "--causal, --scale and --phrase do not"),
    ],
)
def test_numbers_of_layers_that_cannot_be_are_told(options, message):
    code, _, err = call("--model", BERT, *options, "a cat")
    assert (code, message in err) == (2, True), err
