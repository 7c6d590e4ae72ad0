"""What heads do on average over the sentences of a file."""

import json
import re
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
    assert (written["sentences"], written["sentence"]) == (3, SENTENCES[0])
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


def test_the_screen_says_what_are_means_and_what_is_of_the_first(file):
    code, out, _ = call("--model", BERT, "--overview", "--file", file)
    assert code == 0
    assert out.splitlines()[0] == SENTENCES[0]
    count = sum(len(overview(sentence, model=BERT).tokens.texts) for sentence in SENTENCES)
    says = f"means over 3 sentences of {count} tokens; the pictures are of the first."
    assert says in " ".join(out.split())
    means = np.mean([[head.entropy for head in overview(text, model=BERT).heads] for text in SENTENCES], axis=0)
    assert all(f"{mean:.2f}" in out for mean in means)


def test_the_figure_says_so_too(file, tmp_path):
    path = tmp_path / "heads.svg"
    code, _, err = call("--model", BERT, "--figure", "overview", "--file", file, "-o", str(path))
    assert (code, err) == (0, "")
    assert "the pictures are of the first" in " ".join(re.sub("<[^>]+>", " ", path.read_text()).split())


def test_one_sentence_is_no_mean(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(SENTENCES[0])
    _, out, _ = call("--model", BERT, "--overview", "--json", "--file", str(path))
    assert json.loads(out) == json.loads(call("--model", BERT, "--overview", "--json", SENTENCES[0])[1])


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
