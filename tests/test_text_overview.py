"""What heads do on average over the sentences of a file."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain.overview import Means, named, overview

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

BERT = str(Path(__file__).parent / "data" / "checkpoints" / "bert")
SENTENCES = ("The cat sat", "The tired animal didn't cross the street", "It was too tired to sleep")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("# of a text\n" + "\n\n".join(SENTENCES) + "\n")
    return str(path)


def test_the_means_are_those_of_the_sentences(file):
    code, out, _ = call("--model", BERT, "--overview", "--file", file, "--json")
    assert (code, out.count("\n")) == (0, 1)
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    every = [overview(sentence, model=BERT) for sentence in SENTENCES]
    assert written["sentences"] == 3
    assert written["token_count"] == sum(len(found.tokens.texts) for found in every)
    assert len(written["overview"]) == 9
    for place, head in enumerate(written["overview"]):
        each = [found.heads[place] for found in every]
        assert (head["layer"], head["head"]) == (each[0].layer, each[0].head)
        assert head["entropy"] == pytest.approx(np.mean([one.entropy for one in each]))
        for name, share in head["shares"].items():
            assert share == pytest.approx(np.mean([one.shares[name] for one in each]))
        assert head["on_repeats"] == each[0].on_repeats
        evenness = np.mean([one.evenness for one in each])
        assert head["does"] == named(head["shares"], evenness)  # no head of random numbers repeats


def test_the_screen_has_a_row_a_layer(file):
    code, out, _ = call("--model", BERT, "--overview", "--file", file)
    assert code == 0
    assert "What each head does" in out
    assert "3 sentences of" in " ".join(out.split())
    rows = [line.split() for line in out.splitlines() if line[:1] in ("0", "1", "2")]
    assert [len(row) for row in rows] == [4] * 6  # a layer and three heads, twice


def test_many_heads_stand_in_several_tables(file, monkeypatch):
    monkeypatch.setattr("attnexplain.steps.heads.HEADS_BESIDE", 2)
    _, out, _ = call("--model", BERT, "--overview", "--file", file)
    assert [out.count(title) for title in ("What each head does", "Entropy", "head 2")] == [2, 2, 2]


def test_a_head_is_named_by_the_means_and_not_by_the_first_sentence():
    first, second = (overview(sentence, model="tiny") for sentence in ("dogs bark", "the dog bites the man"))
    means = Means()
    means.add(first)
    means.add(second)
    for place, head in enumerate(means.result().heads):
        shares = {
            name: (first.heads[place].shares[name] + second.heads[place].shares[name]) / 2 for name in head.shares
        }
        assert head.shares == pytest.approx(shares)
        assert head.does == named(head.shares, head.evenness)


def test_a_line_that_does_not_work_is_told_or_skipped(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("the cat\n" + "the animal " * 40 + "\nthe dog\n")
    code, out, err = call("--model", BERT, "--overview", "--json", "--file", str(path))
    assert (code, out) == (3, "")
    assert "line 2: the text has 122 tokens" in err
    code, out, err = call("--model", BERT, "--overview", "--json", "--keep-going", "--file", str(path))
    assert (code, json.loads(out)["sentences"], "line 2" in err) == (0, 2, True)
    code, out, _ = call("--model", BERT, "--overview", "--json", "--truncate", "--file", str(path))
    assert (code, json.loads(out)["sentences"]) == (0, 3)


def test_a_file_without_sentences_is_one_line(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("# nothing\n")
    code, _, err = call("--overview", "--file", str(path))
    assert (code, "has no sentence in it" in err) == (3, True)
    with pytest.raises(ValueError, match="no sentence to average over"):
        Means().result()
