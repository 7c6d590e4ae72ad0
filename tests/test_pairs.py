"""Two texts at once, and texts that are too long, against transformers (tests/make_pairs.py)."""

import json
import re
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain import explain, explain_all
from attnexplain.errors import CheckpointError, CommandError, TextError
from attnexplain.overview import overview

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

FOLDER = Path(__file__).parent / "data" / "checkpoints"
FIRST, SECOND = "The animal was tired.", "Why didn't it cross?"
with np.load(FOLDER.parent / "pairs.npz") as stored:
    EXPECTED = dict(stored)
NAMES = sorted({key.split("/")[0] for key in EXPECTED})
BERT = str(FOLDER / "bert")


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_has_the_tokens_segments_and_weights_of_transformers(name):
    found = explain_all(FIRST, pair=SECOND, model=FOLDER / name)
    assert found.ids == tuple(EXPECTED[f"{name}/ids"])
    assert found.found.segments == tuple(EXPECTED[f"{name}/types"])
    np.testing.assert_allclose(found.weights, EXPECTED[f"{name}/weights"], atol=2e-5)


@pytest.mark.parametrize("name", ["bert", "electra", "albert", "ernie"])
def test_the_segment_matters(name, monkeypatch):
    right = explain_all(FIRST, pair=SECOND, model=FOLDER / name).weights
    monkeypatch.setattr("attnexplain.models.checkpoint.tokenizer._segments", lambda encoding: (0,) * len(encoding.ids))
    assert np.abs(explain_all(FIRST, pair=SECOND, model=FOLDER / name).weights - right).max() > 0.01


def test_places_of_a_pair_are_those_in_both_texts():
    trace = explain(FIRST, pair=SECOND, model=BERT, merge_words=True)
    assert trace.sentence == f"{FIRST} {SECOND}"
    pieces = [trace.sentence[start:end].lower() for start, end in trace.found.spans]
    assert [piece for piece in pieces if piece] == [
        token.removeprefix("##") for token, special in zip(trace.tokens, trace.special, strict=True) if not special
    ]
    assert [word.text for word in trace.words if word.text in ("tired", "Why", "cross")] == ["tired", "Why", "cross"]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_too_long_is_cut_as_in_a_pipeline(name, side, tmp_path):
    folder = tmp_path / name
    shutil.copytree(FOLDER / name, folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(settings | {"truncation_side": side, "model_max_length": 9}))
    alone = explain_all(FIRST, model=folder, truncate=True)
    assert alone.ids == tuple(EXPECTED[f"{name}/cut/{side}/1"])
    assert alone.found.cut_from == len(explain_all(FIRST, model=folder).ids)
    path.write_text(json.dumps(settings | {"truncation_side": side}))
    both = explain_all(FIRST, pair=SECOND, model=folder, truncate=True, max_tokens=14)
    assert both.ids == tuple(EXPECTED[f"{name}/cut/{side}/2"])


def test_what_is_short_enough_is_not_cut():
    found = explain_all(FIRST, model=BERT, truncate=True)
    assert found.found.cut_from == 0
    np.testing.assert_array_equal(found.weights, explain_all(FIRST, model=BERT).weights)


def test_a_text_is_cut_to_the_positions_of_the_model():
    found = explain_all("the animal " * 40, model=BERT, truncate=True)
    assert (len(found.ids), found.found.cut_from) == (48, 122)
    assert found.tokens[-1] == "[SEP]"


def test_the_lesson_says_that_a_text_is_a_pair_and_was_cut():
    code, out, _ = call("--model", BERT, "--pair", SECOND, "--truncate", "--max-tokens", "12", FIRST)
    assert code == 0
    text = " ".join(out.split())
    assert "The second text is segment B from token 7 on." in text
    assert "it was cut to 12 (--truncate)." in text
    assert f'--pair "{SECOND}"' in text.replace("'", "") or f"--pair {SECOND}" in text.replace('"', "")


def test_a_model_without_segments_says_where_the_second_text_begins():
    code, out, _ = call("--model", str(FOLDER / "roberta"), "--pair", SECOND, FIRST)
    assert code == 0
    assert "this model's tokenizer counts no segments" in " ".join(out.split())


@pytest.mark.parametrize("form", ["json", "npz"])
def test_a_stored_pair_is_drawn_again(form, tmp_path):
    trace = explain(FIRST, pair=SECOND, model=BERT, truncate=True, max_tokens=12)
    trace.save(tmp_path / f"run.{form}")
    again = explain(model=tmp_path / f"run.{form}")
    assert again.found.known() == trace.found.known()
    np.testing.assert_allclose(again.weights, trace.weights, atol=1e-12)


@pytest.mark.parametrize("options", [[], ["--overview"], ["--all-heads"]])
def test_json_has_segments_and_what_was_cut(options):
    code, out, _ = call(
        *options, "--json", "--model", BERT, "--pair", SECOND, "--truncate", "--max-tokens", "12", FIRST
    )
    assert code == 0
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    assert written["segments"] == list(
        overview(FIRST, pair=SECOND, model=BERT, truncate=True, max_tokens=12).tokens.segments
    )
    assert written["cut_from"] == len(explain(FIRST, pair=SECOND, model=BERT).tokens)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"second_begins": 0}, "second_begins must be a whole number from 1 to 42"),
        ({"segments": [0]}, "segments must be a list of 12 numbers, each 0 or 1"),
        ({"segments": [2] * 12}, "segments must be a list of 12 numbers, each 0 or 1"),
        ({"segments": "0"}, "segments must be a list"),
        ({"cut_from": 12}, "cut_from must be a whole number from 13"),
        ({"cut_from": "many"}, "cut_from must be a whole number from 13"),
    ],
)
def test_a_stored_pair_that_cannot_be_is_one_line(changed, message, tmp_path):
    run = explain(FIRST, pair=SECOND, model=BERT, truncate=True, max_tokens=12).to_dict()
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run | changed))
    code, _, err = call("--model", str(path))
    assert (code, message in err) == (3, True), err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--pair", SECOND, FIRST], 2, "--pair does not go with tiny"),
        (["--truncate", FIRST], 2, "--truncate does not go with tiny"),
        (["--model", str(FOLDER / "gpt2"), "--pair", SECOND, FIRST], 3, "nothing to mark where a second text begins"),
        (["--model", BERT, "--pair", " ", FIRST], 3, "the text is empty"),
        (["--model", BERT, "--pair", SECOND, "--compare", FIRST, FIRST], 2, "so --pair does not go with it"),
        (["--model", BERT, "--pair", SECOND, "--file", "x.txt"], 2, "--pair is the second sentence"),
        (["--model", BERT, "--pair", SECOND, "-"], 2, "--pair is the second sentence"),
        (
            ["--model", BERT, "--pair", "a", "--truncate", "--max-tokens", "4", "b"],
            3,
            "4 tokens leave no room for words of both",
        ),
        (["--model", BERT, "--truncate", "--max-tokens", "2", FIRST], 3, "2 tokens leave no room for a word"),
    ],
)
def test_a_pair_that_cannot_be_is_one_line(options, code, message):
    found, _, err = call(*options)
    assert (found, message in err) == (code, True), err


def test_python_says_the_same():
    with pytest.raises(CommandError, match="--pair is for checkpoints"):
        explain(FIRST, pair=SECOND)
    with pytest.raises(CommandError, match="--truncate is for checkpoints"):
        explain_all(FIRST, truncate=True)
    with pytest.raises(TypeError):
        explain(FIRST, model=BERT, pair=3)
    with pytest.raises(TextError):
        explain(FIRST, model=BERT, pair="")
    with pytest.raises(CheckpointError):
        explain_all(FIRST, model=FOLDER / "llama-3", pair=SECOND)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"truncation_side": "middle"}, "truncation_side must be left or right"),
        ({"model_max_length": 0}, "model_max_length must be a whole number above 0"),
        ({"model_max_length": "512"}, "model_max_length must be a whole number above 0"),
        ({"model_max_length": True}, "model_max_length must be a whole number above 0"),
    ],
)
def test_settings_of_cutting_that_cannot_be_are_one_line(settings, message, tmp_path):
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({"tokenizer_class": "BertTokenizer"} | settings))
    code, _, err = call("--model", str(folder), FIRST)
    assert (code, message in err) == (3, True), err


def test_albert_has_at_its_ends_what_its_file_says(tmp_path):
    """As in transformers; the other classes of BERT's kind put their own there."""
    ids = {}
    for name in ("albert", "bert"):
        folder = tmp_path / name
        shutil.copytree(FOLDER / name, folder)
        content = json.loads((folder / "tokenizer.json").read_text())
        content["post_processor"]["single"][:0] = content["post_processor"]["single"][:1]
        (folder / "tokenizer.json").write_text(json.dumps(content))
        ids[name] = explain_all(FIRST, model=folder).ids[:2]
    assert ids["albert"] == (2, 2)
    assert ids["bert"][0] != ids["bert"][1]


def test_where_a_stored_tokenizer_cuts_and_the_old_name_of_its_length_count(tmp_path):
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["truncation"] = {"direction": "Left", "max_length": 6, "strategy": "LongestFirst", "stride": 0}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "max_len": 9}))
    assert explain_all(FIRST, model=folder, truncate=True).ids == tuple(EXPECTED["bert/cut/left/1"])


@pytest.mark.parametrize("subject", ["weights", "overview"])
def test_a_figure_says_that_the_text_was_cut_and_is_a_pair(subject, tmp_path):
    path = tmp_path / "figure.svg"
    options = ["--truncate", "--max-tokens", "12", "--pair", SECOND, "-o", str(path), FIRST]
    assert call("--model", BERT, "--figure", subject, *options)[0] == 0
    text = " ".join(re.sub("<[^>]+>", " ", path.read_text()).split())
    assert "The second text is segment B from token 7 on." in text
    assert "it was cut to 12 (--truncate)." in text


def test_a_comparison_and_an_overview_of_a_text_say_what_was_cut(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(f"the cat\n{FIRST}\n")
    options = ["--model", BERT, "--truncate", "--max-tokens", "7"]
    _, out, _ = call(*options, "--query", "was", "--compare", "it was tired too", FIRST)
    assert "Of the first sentence the text has" in " ".join(out.split())
    _, out, _ = call(*options, "--overview", "--file", str(path))
    assert "Cut, because they are too long: 1 of them (--truncate)." in " ".join(out.split())
    written = json.loads(call(*options, "--overview", "--json", "--file", str(path))[1])
    jsonschema.validate(written, SCHEMA)
    assert written["cut_count"] == 1


def test_a_run_of_a_pair_is_read_back_from_arrays(tmp_path):
    trace = explain(FIRST, pair=SECOND, model=BERT, truncate=True, max_tokens=12)
    trace.save(tmp_path / "pair.npz")
    again = explain(model=tmp_path / "pair.npz")
    assert again.found.segments == trace.found.segments
    assert again.found.second_begins == trace.found.second_begins
    assert again.to_dict()["tokens"] == trace.to_dict()["tokens"]
