"""A model with a learned sink, wherever its share counts: on screens, in pictures, in files."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain import explain, explain_all
from attnexplain.overview import habit, overview

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

MODEL = str(Path(__file__).parent / "data" / "checkpoints" / "gpt-oss")
SHORT = "The tired cat"
MIDDLE = "The animal didn't cross the street because it was tired"
LONG = f"{MIDDLE}, and then it slept beside the river"
HEAD = ("--model", MODEL, "--layer", "1", "--head", "2")


def screen(*arguments):
    code, out, err = call(*HEAD, *arguments)
    assert (code, err) == (0, "")
    return out


@pytest.fixture(scope="module")
def trace():
    return explain(SHORT, model=MODEL, layer=1, head=2)


def test_the_sink_takes_what_the_words_do_not(trace):
    np.testing.assert_allclose(trace.weights.sum(axis=1) + trace.sink_shares, 1)
    assert (trace.sink_shares > 0.01).any()


def test_the_table_of_weights_has_a_column_of_it_and_adds_up(trace):
    table = screen("--step", "3", SHORT).split("W, the attention weights")[1].splitlines()
    assert table[1].split()[-2:] == ["sink", "sum"]
    for row, line in enumerate(table[2 : 2 + len(trace.tokens)]):
        assert line.split()[-2:] == [f"{trace.sink_shares[row]:.2f}", "1.00"]


def test_a_middling_sentence_has_a_column_beside_its_picture():
    taken = explain(MIDDLE, model=MODEL, layer=1, head=2).sink_shares
    text = screen("--step", "3", MIDDLE)
    beside = text.split("W, the attention weights")[1].splitlines()
    assert beside[1].split()[-1] == "sink"
    assert [line.split()[-1] for line in beside[2 : 2 + len(taken)]] == [f"{share:.2f}" for share in taken]


def test_the_strongest_links_of_a_long_sentence_name_it():
    links = screen("--step", "3", LONG).split("The strongest links of each word")[1]
    assert "(sink) 0." in links


def test_the_ceiling_of_the_entropy_counts_it(trace):
    text = " ".join(screen("--step", "3", "--full", SHORT).split())
    assert "that a row sees, the sink too" in text
    rows = text.split("What the scaling does")[1]
    ceilings = [float(number) for number in re.findall(r"\d\.\d\d(?= |$)", rows)][4 : 5 * len(trace.tokens) : 5]
    np.testing.assert_allclose(ceilings, np.log(np.arange(1, len(trace.tokens) + 1) + 1), atol=0.006)


def test_the_worked_row_ends_with_it(trace):
    text = screen("--step", "3", SHORT)
    row = next(line for line in text.split("The row of")[1].splitlines() if line.startswith("sink"))
    worked = float(row.split()[-1])
    assert min(abs(worked - share) for share in trace.sink_shares) < 0.006


def test_a_comparison_has_a_row_of_it():
    assert screen("--compare", "The tired dog", "--query", "ir", SHORT).count("(sink)") >= 2


@pytest.mark.parametrize("subject", ["weights", "links"])
def test_a_figure_has_it(subject, tmp_path):
    path = tmp_path / "figure.svg"
    screen("--figure", subject, "-o", str(path), SHORT)
    text = path.read_text()
    assert "(sink)" in text
    assert "The sink, which is no word, takes a share of each row." in " ".join(re.sub("<[^>]+>", " ", text).split())


def test_the_overview_counts_it(trace):
    found = overview(SHORT, model=MODEL)
    head = next(head for head in found.heads if (head.layer, head.head) == (1, 2))
    alone = habit(trace.weights, trace.special, causal=True)[1]["sink"]
    asked = [row for row in range(len(trace.tokens)) if not trace.special[row] and row > 0]
    assert head.shares["sink"] == pytest.approx(alone + trace.sink_shares[asked].mean(), abs=1e-5)


def test_the_overview_marks_layers_with_a_window():
    _, out, _ = call("--model", MODEL, "--overview", SHORT)
    windows = overview(SHORT, model=MODEL).windows
    assert any(windows)
    marked = [line.strip()[0] for line in out.splitlines() if re.match(r"\s*\d\s?w", line)]
    assert marked == [str(layer) for layer, window in enumerate(windows) if window is not None]


@pytest.mark.parametrize("form", ["json", "npz"])
def test_all_heads_have_it_beside_their_weights(form, trace, tmp_path):
    path = tmp_path / f"heads.{form}"
    found = explain_all(SHORT, model=MODEL)
    np.testing.assert_allclose(found.weights.sum(axis=-1) + found.sinks, 1, atol=1e-6)
    np.testing.assert_allclose(found.sinks[1, 2], trace.sink_shares, atol=1e-6)
    found.save(path)
    if form == "json":
        written = json.loads(path.read_text())
        jsonschema.validate(written, SCHEMA)
        assert written["settings"]["windows"] == list(overview(SHORT, model=MODEL).windows)
    else:
        with np.load(path) as stored:
            written = dict(stored)
    for name in ("ids", "spans", "special"):
        assert np.array_equal(written[name], getattr(found, name))
    np.testing.assert_allclose(written["sinks"], found.sinks, atol=1e-6)
    code, out, err = call("--model", str(path), "--layer", "1", "--head", "2")
    assert (code, err) == (0, "")
    assert "add up to 1 with what the sink takes" in " ".join(out.split())
    assert next(line for line in out.splitlines() if line.endswith("sum")).split()[-2:] == ["sink", "sum"]


def test_the_windows_are_those_of_the_chosen_layers():
    every = overview(SHORT, model=MODEL).windows
    assert explain_all(SHORT, model=MODEL, layers=[3, 0]).windows == (every[3], every[0])


def test_a_mean_counts_it():
    every, mean = explain_all(SHORT, model=MODEL), explain_all(SHORT, model=MODEL, heads="mean")
    np.testing.assert_allclose(mean.weights, every.weights.mean(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(mean.sinks, every.sinks.mean(axis=1, keepdims=True), atol=1e-6)


def test_a_model_without_one_has_none():
    assert explain_all("a cat", model="tiny").sinks is None


def test_a_window_that_the_sentence_fits_into_is_told_as_long_as_it_is():
    window = overview(SHORT, model=MODEL).windows[0]
    text = " ".join(call("--model", MODEL, "--step", "3", "a")[1].split())
    assert f"This layer has a window of {window - 1} position" in text
