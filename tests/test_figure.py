"""Figures for slides and papers: what they show, in which shape, for whom, and what they are refused with."""

import json
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from command import call

from attnexplain import explain
from attnexplain.errors import CommandError
from attnexplain.render.colours import share_colour
from attnexplain.render.figure import GAP, LEAST, MOST_BANDS, laid_out, render_figure
from attnexplain.render.ink import Ink
from attnexplain.render.letters import advance, broken
from attnexplain.steps.figure import SUBJECTS, figure, figure_of_heads

SENTENCE = "The river bank was flooded after the storm"
LONG = " ".join([SENTENCE] * 8)
SVG = "{http://www.w3.org/2000/svg}"
MATRICES = [subject for subject in SUBJECTS if subject not in ("links", "overview")]


@pytest.fixture(scope="module")
def trace():
    return explain(SENTENCE)


def drawn(of, subject, query=None, **options):
    return ElementTree.fromstring(render_figure(figure(of, subject, query=query), Ink("truecolor"), **options))


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def cells(root):
    """The squares that say what they are, by what they say."""
    return {
        square.find(f"{SVG}title").text: square
        for square in root.iter(f"{SVG}rect")
        if square.find(f"{SVG}title") is not None
    }


@pytest.mark.parametrize("subject", MATRICES)
def test_a_matrix_has_a_square_for_each_number_that_says_it(subject, trace):
    matrix = getattr(trace, subject)
    found = cells(drawn(trace, subject))
    assert len(found) == len(set(found)) == matrix.size
    row, number = trace.tokens[2], f"{matrix[2, 1]:.2f}"
    key = f"query {row}, key river: {number}" if subject in ("weights", "scores") else f"{row}, 2: {number}"
    assert key in found
    assert {float(square.get("width")) - float(square.get("height")) for square in found.values()} == {0.0}


def test_the_colour_of_a_square_is_that_of_its_share(trace):
    found = cells(drawn(trace, "weights", theme="dark"))
    largest = trace.weights.max()
    for j, name in enumerate(trace.tokens):
        wanted = "#{:02x}{:02x}{:02x}".format(*share_colour(trace.weights[2, j] / largest, "dark"))
        assert found[f"query bank, key {name}: {trace.weights[2, j]:.2f}"].get("fill") == wanted


def test_on_light_paper_nothing_is_white(trace):
    found = cells(drawn(trace, "weights", theme="light"))
    assert found["query bank, key was: 0.00"].get("fill") == "#ffffff"
    assert cells(drawn(trace, "weights", theme="dark"))["query bank, key was: 0.00"].get("fill") != "#ffffff"


@pytest.mark.parametrize("subject", [*MATRICES, "links"])
@pytest.mark.parametrize("shape", ["slide", "column"])
@pytest.mark.parametrize("bare", [False, True])
def test_every_letter_can_be_read_and_stands_inside(subject, shape, bare, trace):
    root = drawn(trace, subject, shape=shape, bare=bare)
    wide, high = (float(number) for number in root.get("viewBox").split()[2:])
    assert (wide, high) == (1920, 1080) or shape == "column"
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
        assert size >= LEAST
        length = advance(text.text, size)
        left = {None: x, "middle": x - length / 2, "end": x - length}[text.get("text-anchor")]
        slanted = text.get("transform") is not None
        assert left >= -0.01
        assert left + length * (2**-0.5 if slanted else 1) <= wide + 0.01
        assert y - (length * 2**-0.5 if slanted else size) >= -0.01
        assert y <= high
    assert ("Model: tiny" in " ".join(texts(root))) == (not bare)
    assert (SENTENCE in texts(root)) == (not bare)


@pytest.mark.parametrize("subject", ["weights", "scores", "links"])
def test_names_are_whole_and_do_not_overlap(subject):
    sentence = "Extraordinarily knowledgeable internationalization specialists congratulated themselves"
    root = drawn(explain(sentence), subject)
    for word in sentence.split():
        assert texts(root).count(word) == 2  # on both sides
    heads = [text for text in root.iter(f"{SVG}text") if text.get("transform") is not None]
    for one, other in pairwise(heads):  # lines at 45 degrees are apart by the root of a half
        assert (float(other.get("x")) - float(one.get("x"))) * 2**-0.5 >= float(one.get("font-size"))


@pytest.mark.parametrize("shape", ["slide", "column"])
@pytest.mark.parametrize("sentence", [LONG, " ".join(f"w{number}" for number in range(300))])
def test_a_picture_of_many_words_keeps_its_shape_and_its_letters(shape, sentence):
    for subject in ("weights", "links"):
        root = drawn(explain(sentence), subject, shape=shape)
        wide, high = (float(number) for number in root.get("viewBox").split()[2:])
        assert (wide, high) == (1920, 1080) if shape == "slide" else wide == 480
        assert min(float(text.get("font-size")) for text in root.iter(f"{SVG}text")) >= LEAST
        names = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "end"]
        for one, other in pairwise(names):
            assert float(other.get("y")) - float(one.get("y")) >= LEAST


def test_a_long_sentence_is_cut_with_a_sign():
    root = drawn(explain(LONG), "weights")
    first, second, *others = texts(root)[1:]
    assert not first.endswith("…")
    assert second.endswith(" …")
    assert LONG.startswith(f"{first} {second.removesuffix(' …')}")
    assert not [text for text in others if text and " " in text and text in LONG]
    assert root.find(f"{SVG}title").text.endswith(LONG)


@pytest.mark.parametrize(("subject", "on_the_bar"), [("weights", 2), ("scores", 3)])
def test_what_a_mask_hides_is_left_empty_and_said(subject, on_the_bar):
    said = [text or "" for text in texts(drawn(explain(SENTENCE, causal=True), subject))]
    assert sum(bool(re.fullmatch(r"-?\d+\.\d\d", text)) for text in said) == 8 * 9 / 2 + on_the_bar
    assert "A word sees only itself and those before it" in " ".join(said)


def test_numbers_stand_in_the_cells_while_they_fit(trace):
    assert "0.29" in texts(drawn(trace, "weights"))
    assert "0.29" not in texts(drawn(explain(LONG), "weights"))


def test_squares_that_stand_for_several_numbers_say_none():
    root = drawn(explain(" ".join([LONG] * 2)), "weights")
    assert len(list(root.iter(f"{SVG}title"))) == 1  # that of the picture


def test_the_query_has_its_row_framed_or_its_links_alone(trace):
    frames = [r for r in drawn(trace, "weights", query="bank").iter(f"{SVG}rect") if r.get("fill") == "none"]
    plain = [r for r in drawn(trace, "weights").iter(f"{SVG}rect") if r.get("fill") == "none"]
    assert len(frames) == len(plain) + 1
    lines = list(drawn(trace, "links", query="bank").iter(f"{SVG}path"))
    assert len(lines) == (trace.weights[2] >= 0.02).sum()
    every = list(drawn(trace, "links").iter(f"{SVG}path"))
    assert len(every) == (trace.weights >= 0.05).sum()


def test_a_line_is_as_thick_as_its_share(trace):
    lines = list(drawn(trace, "links", query="bank").iter(f"{SVG}path"))
    shares = [share for share in trace.weights[2] if share >= 0.02]
    thickness = np.array([float(line.get("stroke-width")) for line in lines])
    np.testing.assert_allclose(thickness / thickness[0], np.array(shares) / shares[0], rtol=0.01)


def test_the_description_says_what_is_seen(trace):
    root = drawn(trace, "weights")
    assert root.find(f"{SVG}title").text == f"Attention weights: {SENTENCE}"
    said = root.find(f"{SVG}desc").text
    assert '"bank" gives 0.45 to itself, 0.25 to "river", 0.19 to "flooded", 0.10 to "storm".' in said
    assert said.startswith("8 words ask")
    largest = np.unravel_index(trace.scores.argmax(), trace.scores.shape)
    said = drawn(trace, "scores").find(f"{SVG}desc").text
    assert f'The largest number is {trace.scores.max():.2f}, of "{trace.tokens[largest[0]]}"' in said


def test_hostile_words_are_shown_and_do_nothing():
    text = render_figure(figure(explain("<script>alert(1)</script> \u202ecat ]]>"), "links"), Ink("truecolor"))
    root = ElementTree.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "desc",
        "rect",
        "path",
        "text",
    }
    assert "\u202e" not in text
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("ending", ["svg", "html"])
def test_the_command_writes_each(subject, ending, tmp_path):
    path = tmp_path / f"x.{ending}"
    assert call("--figure", subject, SENTENCE, "-o", str(path)) == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert text.count("<svg ") == 1
    assert text.startswith("<svg" if ending == "svg" else "<!DOCTYPE html>")
    if ending == "html":
        assert re.search(r"<title>.* · attnexplain</title>", text)
        assert "color-scheme: light dark" in text
        assert 'fill="#' not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--figure", "weights"], "--figure draws a picture, and needs a file for it"),
        (["--figure", "weights", "--json"], "--figure draws one picture, so --json does not go with it"),
        (["--figure", "weights", "-o", "{}/x.md"], "--figure draws one picture, so .md does not go with it"),
        (["--figure", "weights", "-o", "{}/x-%d.svg"], "--figure draws one picture, and %d numbers several"),
        (["--figure", "weights", "-o", "{}/x.svg", "--step", "3"], "so --step does not go with it"),
        (["--figure", "weights", "-o", "{}/x.svg", "--full"], "so --full does not go with it"),
        (["--figure", "weights", "-o", "{}/x.svg", "--brief"], "so --brief does not go with it"),
        (["--figure", "weights", "-o", "{}/x.svg", "--key", "bank"], "so --key does not go with it"),
        (["--figure", "overview", "-o", "{}/x.svg", "--query", "bank"], "--figure overview runs every head as it is"),
        (["--figure", "weights", "-o", "{}/x.svg", "--query", "moon"], "moon"),
        (["--figure", "weight", "-o", "{}/x.svg"], "did you mean weights?"),
        (["--shape", "column", "-o", "{}/x.svg"], "there is no --figure, so --shape does not go with it"),
        (["--bare"], "there is no --figure, so --bare does not go with it"),
        (["--figure", "weights", "--overview", "-o", "{}/x.svg"], "exclude each other"),
    ],
)
def test_what_a_figure_is_refused_with(arguments, said, tmp_path):
    code, out, err = call(*[argument.replace("{}", str(tmp_path)) for argument in arguments], SENTENCE)
    assert (code, out) == (2, "")
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_attention_weights_alone_have_a_figure_of_themselves(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps({"tokens": ["a", "b"], "weights": [[0.5, 0.5], [0.9, 0.1]]}))
    model, path = str(tmp_path / "w.json"), tmp_path / "x.svg"
    assert call("--model", model, "--figure", "weights", "-o", str(path)) == (0, "", "")
    assert "query b, key a: 0.90" in cells(ElementTree.parse(path).getroot())
    code, _, err = call("--model", model, "--figure", "scores", "-o", str(tmp_path / "y.svg"))
    assert code == 2
    assert "holds attention weights alone: there are no scores to be drawn" in err


def test_every_head_has_its_picture():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    from attnexplain.overview import overview

    found = overview("The cat sat", model=str(Path(__file__).parent / "data" / "checkpoints" / "bert"))
    root = ElementTree.fromstring(render_figure(figure_of_heads(found), Ink("truecolor")))
    frames = [r for r in root.iter(f"{SVG}rect") if r.get("fill") == "none"]
    assert len(frames) == len(found.heads)
    assert {f"layer {head.layer}" for head in found.heads} <= set(texts(root))


def test_python_saves_figures_and_lessons(trace, tmp_path):
    trace.save(tmp_path / "w.svg", figure="weights", query="bank", shape="column", bare=True, theme="dark")
    root = ElementTree.parse(tmp_path / "w.svg").getroot()
    assert root.get("viewBox").split()[2] == "480"
    trace.save(tmp_path / "whole.svg", figure="weights")
    assert SENTENCE in texts(ElementTree.parse(tmp_path / "whole.svg").getroot())
    for name in ("x.svg", "x.html", "x.md", "x.txt", "x.json", "x.npz"):
        trace.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert json.loads((tmp_path / "x.json").read_text())["worked"] == {"query": 2, "key": 1}
    trace.save(tmp_path / "x.md", step=2, digits=3)
    assert "Step 2" in (tmp_path / "x.md").read_text()
    assert "Step 3" not in (tmp_path / "x.md").read_text()
    for wrong in (
        {"figure": "links", "path": "x.md"}, {"path": "x.pdf"}, {"path": "x.svg", "step": 5}, {"path": "x-%d.svg"},
        {"path": "x.svg", "bare": True}, {"path": "x.svg", "figure": "weights", "full": True},
        {"path": "x.svg", "figure": "weights", "step": 3}, {"path": "x.svg", "figure": "weights", "key": "bank"},
    ):  # fmt: skip
        with pytest.raises(CommandError):
            trace.save(**wrong)
    with pytest.raises(TypeError, match="a step from 1 to 4"):
        trace.save("x.svg", step="3")


def test_python_shows_the_answer_and_the_asked_step(trace):
    shown = repr(trace.show(step=3, query="storm", digits=3))
    assert '"storm" in this sentence' in shown
    assert "Step 3" in shown
    assert "Step 2" not in shown
    assert f"{trace.weights[7, 7]:.3f}" in shown
    assert "Step" not in repr(trace.show())
    assert not re.search(r"--[a-z]", repr(trace.show(step=3)))  # at the prompt of Python no option can be typed
    one, other = trace.show(step=3)._repr_html_(), trace.show(step=3)._repr_html_()
    assert not set(re.findall(r' id="([^"]+)"', one)) & set(re.findall(r' id="([^"]+)"', other))


def test_a_lesson_is_written_in_pages_all_or_none(tmp_path):
    assert call(SENTENCE, "-o", str(tmp_path / "p-%d.svg")) == (0, "", "")
    pages = sorted(tmp_path.iterdir())
    assert [path.name for path in pages] == [f"p-{number}.svg" for number in range(1, 6)]
    sizes = {ElementTree.parse(path).getroot().get("viewBox") for path in pages}
    assert len(sizes) == 1
    wide, high = (float(number) for number in sizes.pop().split()[2:])
    assert high / wide == pytest.approx(2**0.5, abs=1e-3)
    for number in range(1, 6):
        title = ElementTree.parse(tmp_path / f"p-{number}.svg").getroot().find(f"{SVG}title").text
        assert title.endswith(f"({number} of {len(list(tmp_path.glob('p-*.svg')))})")
    (tmp_path / "p-1.svg").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    code, _, err = call(SENTENCE, "-o", str(tmp_path / "p-%d.svg"))
    assert (code, "p-2.svg exists" in err) == (2, True)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    for path, said in (
        ("p-%d.txt", "%d numbers the pages of a .svg"),
        ("%d-%d.svg", "one %d numbers the pages"),
        ("%d/x.svg", "one %d"),
    ):
        code, _, err = call(SENTENCE, "-o", str(tmp_path / path))
        assert (code, said in err) == (2, True)


def test_a_step_is_a_page(tmp_path):
    for step in "1234":
        assert call("--step", step, SENTENCE, "-o", str(tmp_path / f"{step}.svg")) == (0, "", "")
        wide, high = map(float, ElementTree.parse(tmp_path / f"{step}.svg").getroot().get("viewBox").split()[2:])
        assert max(wide / high, high / wide) == pytest.approx(2**0.5, abs=1e-3)


def test_letters_are_measured_rather_too_wide_than_too_narrow():
    """The widths of DejaVu Sans in 1/2048 of its size, read from its table hmtx."""
    widths = {
        "The": 1251 + 1298 + 1260,
        "river": 842 + 569 + 1212 + 1260 + 842,
        "0.29": 3 * 1303 + 651,
        "mmm": 3 * 1995,
    }
    for text, units in widths.items():
        assert units / 2048 <= advance(text, 1.0) <= 1.25 * units / 2048
    assert advance("字", 10) >= 10
    assert broken("one two three four", 10, 60) == ["one two", "three four"]


@pytest.mark.parametrize(
    ("rows", "columns", "bands"), [(6, 12, 1), (12, 12, 2), (18, 4, 4), (32, 32, 2), (28, 16, 2), (64, 8, 4), (1, 1, 1)]
)
def test_heads_of_deep_models_stand_in_bands_and_fit_the_slide(rows, columns, bands):
    names, letters, wide, room = 80.0, 18.0, 1780.0, 600.0
    laid = laid_out(rows, columns, names, letters, wide, room)
    assert laid.bands == bands
    assert laid.bands * (names + columns * laid.side * (1 + GAP)) <= wide + 1e-6
    in_band = -(-rows // laid.bands)
    assert in_band * (laid.side * (1 + GAP) + laid.under) <= room + 1e-6 or laid.side == 8.0
    for other in range(1, MOST_BANDS + 1):  # no other number of bands has larger pictures without words
        side = min((wide / other - names) / columns, room / -(-rows // other)) / (1 + GAP)
        assert laid.under or laid.side >= side - 1e-6


@pytest.mark.parametrize("option", ["--causal", "--no-scale"])
def test_a_mean_of_heads_is_drawn_as_they_are(option, tmp_path):
    pytest.importorskip("safetensors")
    bert = Path(__file__).parent / "data" / "checkpoints" / "bert"
    arguments = [
        "--model",
        str(bert),
        "--head",
        "mean",
        "--figure",
        "weights",
        "-o",
        str(tmp_path / "x.svg"),
        "The cat",
    ]
    code, out, err = call(option, *arguments)
    assert (code, out) == (2, "")
    assert "runs every head as it is" in err
    assert call(*arguments)[0] == 0
    written = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "None" not in written
    assert set(re.findall(r'fill="([^"]*)"', written)) <= {"none"} | set(re.findall(r"#[0-9a-f]{6}", written))
