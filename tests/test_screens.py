"""Whole screens, and what must be true of every screen."""

import re

import pytest
from command import SGR, call, raw
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import moving
from readme import skip_without_minilm
from rich.cells import cell_len
from screens import ARTICLE, FOLLOW, GOLDEN, HEADS, LONG, MOVING, PICTURE, SCREENS, draw, heads, picture


@pytest.mark.parametrize("name", SCREENS)
def test_golden_screen(name):
    assert draw(SCREENS[name]) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_pictures_of_the_readme_are_what_the_tool_draws():
    assert picture() == PICTURE.read_text(encoding="utf-8")
    assert "http" not in picture().replace('xmlns="http://www.w3.org/2000/svg"', "")
    kept = HEADS.read_text(encoding="utf-8")
    assert len(kept) < 400_000
    skip_without_minilm("minilm")
    words = re.compile(r"<text[^>]*>([^<]*)</text>")  # colours may differ by a step where a processor rounds otherwise
    assert words.findall(heads()) == words.findall(kept)


def test_the_moving_picture_is_small_and_stands_still_for_who_wants_it():
    kept = MOVING.read_text(encoding="utf-8")
    assert len(kept.encode()) < 200_000
    assert "prefers-reduced-motion: reduce" in kept
    assert not re.search(r"<script|<foreignObject|https?://(?!www\.w3\.org)|\son\w+=", kept)
    skip_without_minilm("minilm")
    words = re.compile(r"<text[^>]*>([^<]*)</text>")
    assert words.findall(moving()) == words.findall(kept)


@pytest.mark.parametrize("sentence", [ARTICLE, LONG, "One", "我喜欢在河岸边散步 ❤️ 👩\u200d👩", "a" * 300 + " b"])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200, 500])
@pytest.mark.parametrize("digits", [0, 2, 8])
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(sentence, width, digits):
    screen = draw(["-m", "untrained", "--width", str(width), "--digits", str(digits), sentence])
    lines = [line for line in screen.split("\n") if not line.startswith("  attnexplain ")]  # to be copied whole
    assert max(map(cell_len, lines)) <= width
    assert not re.search(r"\d\.\d*…", screen.replace("2.718…", ""))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_weight_is_on_the_screen(width):
    from attnexplain import explain

    trace = explain("The cat sat on the mat", model="untrained")
    screen = draw(
        ["-m", "untrained", "--full", "--step", "3", "--digits", "6", "--width", str(width), "The cat sat on the mat"]
    )
    for row in (*trace.weights.tolist(), *trace.scores.tolist(), *trace.scaled_scores.tolist()):
        for number in row:
            assert f"{number:.6f}" in screen


def test_colour_changes_no_character():
    plain = draw([*FOLLOW, "--full", ARTICLE])
    assert SGR.sub("", draw([*FOLLOW, "--full", "--color", "always", ARTICLE])) == plain
    assert "\x1b" not in plain


@pytest.mark.parametrize(("term", "colorterm"), [("linux", ""), ("xterm-256color", ""), ("xterm", "truecolor")])
def test_every_palette_draws_the_same_text(monkeypatch, term, colorterm):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colorterm)
    coloured = draw(["--full", "--color", "always", ARTICLE])
    assert "\x1b[" in coloured
    assert SGR.sub("", coloured) == draw(["--full", ARTICLE])


def test_ascii_is_ascii():
    assert draw(["--ascii", "--width", "60", "Le naïve 猫 sat ❤️ " + LONG]).isascii()
    assert draw(["--ascii", "Le naïve 猫 sat ❤️"]).isascii()


def test_rows_ask_and_columns_answer_on_every_matrix_of_words():
    screen = draw(["--full", "The cat sat"])
    assert screen.count("rows ask, columns answer") == 4


def test_each_step_alone_is_the_step_of_the_whole():
    whole = draw(["--full", "The cat sat"])
    for step in "1234":
        alone = draw(["--full", "--step", step, "The cat sat"])
        assert alone[alone.index(f"Step {step}") : alone.index("\nModel: ")].rstrip() in whole
        assert alone.count("Step ") == 1


def test_brief_leaves_the_prose_out_and_the_numbers_in():
    brief, whole = draw(["--brief", "The cat sat"]), draw(["The cat sat"])
    assert len(brief) < len(whole)
    assert "Multiply the two lists" in whole
    assert "Multiply the two lists" not in brief
    for title in ("Q, the queries", "K, the keys", "S, the scores", "W, the attention weights"):
        matrix = brief[brief.index(title) :].partition("\n\n")[0]
        assert matrix.count("\n") >= 3
        assert matrix in whole


@given(st.text(max_size=40), st.integers(20, 130), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_text_is_drawn_safely_or_refused(text, width, colour):
    code, out, err = call("--width", str(width), "--color", "always" if colour else "never", "--", text)
    assert code in (0, 3) or (text == "-" and code == 2)
    assert (out == "") == (code != 0)
    assert raw(out + err) == set()
