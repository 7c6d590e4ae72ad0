"""Renderables alone, at fixed widths: pictures, tables, pages."""

import io
import re

import numpy as np
import pytest
from command import call, on_terminal

from attnexplain import explain
from attnexplain.cli.drawing import paused
from attnexplain.render.html import NOTEBOOKS_IN_THE_DARK, render_fragment, render_html
from attnexplain.render.ink import Ink
from attnexplain.render.svg import render_svg
from attnexplain.render.terminal import render_text
from attnexplain.steps import lesson
from attnexplain.steps.blocks import Company, CompanyRow, Diagram, DiagramRow, Grid, Lesson, Pair, Stage, Step

RIVER = "The river bank was flooded after the storm"


def drawn(*blocks):
    return Lesson("", (Step(0, "x", blocks),))


def lines(*blocks, width=80, ink=None):
    return render_text(drawn(*blocks), ink or Ink(), width=width).split("\n")


def test_one_cell_of_a_matrix_is_marked():
    grid = Grid("t", ("a", "b"), ("c", "d"), np.arange(4.0).reshape(2, 2) + 0.5, mark=(1, 0))
    text = "\n".join(lines(grid))
    assert text.count("▸") == 2
    assert "t (▸: by hand below)" in text
    assert re.search(r"b +▸2\.50 +3\.50", text)
    page = render_html(drawn(grid), Ink())
    assert len(re.findall(r'class="[^"]*mark[^"]*"', page.split("<body")[1])) == 1


def test_a_picture_of_words_by_words_is_as_coarse_down_as_across():
    n = 150
    names = tuple(f"w{i}" for i in range(n))
    columns = tuple(f"w{i}" for i in range(n))
    same, equal = (Grid("t", names, others, np.eye(n), "share", rows_ask=True) for others in (names, columns))
    assert lines(same, width=60) == lines(equal, width=60)
    assert any("the strongest of 4 × 4 numbers" in line for line in lines(same, width=60))
    assert any("the strongest of 4 × 4 numbers" in line for line in lines(same, width=44))


def test_names_that_do_not_fit_become_numbers_in_rows_and_columns():
    names = ("philosophers", "connections", "between", "a")
    grid = Grid("t", names, names, np.full((4, 4), 0.25), "share", rows_ask=True)
    narrow = lines(grid, width=52)
    assert any(re.fullmatch(r" +1 +2 +3 +4", line) for line in narrow)
    assert any(line.startswith("1 philosophers") for line in narrow)
    wide = lines(grid, width=80)
    assert any("philosophers connections" in " ".join(line.split()) for line in wide)
    for width in range(24, 100):
        assert "…" not in next(line for line in lines(grid, width=width) if re.match(r" +\S", line))
    long = ("accommodation", "neighbourhood", "acknowledging", "a")  # thirteen letters are cut
    grid = Grid("t", long, long, np.full((4, 4), 0.25), "share", rows_ask=True)
    assert any(line.split()[0].endswith("…") for line in lines(grid, width=52) if line.startswith("  "))


def test_our_own_headings_are_never_cut():
    for width in range(24, 90):
        out = render_text(lesson(explain("naïve café Le"), steps=(3, 4), full=True), Ink(), width=width)
        words = r" +[a-z^ ]*\b(score|share|minus|entropy)\b[^.:]*"
        headings = [line for line in out.split("\n") if re.fullmatch(words, line)]
        assert headings
        assert not [line for line in headings if "…" in line]


def test_company_stands_before_and_after():
    company = Company(
        "t", [CompanyRow("bank", 0.83, ("money",), ("river",)), CompanyRow("Ann", None, (), (), "none: x")]
    )
    assert "bank  0.83  money → river" in lines(company)
    page = render_html(drawn(company), Ink())
    assert page.index("money") < page.index("river")
    assert page.index(">before<") < page.index(">after<")
    assert '<th scope="col" class="words">before</th>' in page  # as the words below it stand


def test_a_pair_is_two_matrices_beside_each_other():
    left, right = (Grid(title, ("a", "b"), ("c", "d"), np.eye(2), "share") for title in ("one", "other"))
    page = render_html(drawn(Pair(left, right)), Ink())
    assert page.count("<table") == 2
    assert page.index("one") < page.index("other")


def test_a_step_that_is_changed_twice_is_named_once():
    stages = (Stage("Q"), Stage("turned", is_added=True), Stage("scores"))
    page = render_html(drawn(Diagram((DiagramRow(2, "Scores", stages), DiagramRow(2, "", stages)), "the note")), Ink())
    assert page.count('<th scope="row">2 Scores</th><td><span>Q</span> → <b>[turned]</b> → <span>scores</span>') == 1
    assert page.count("<td></td><td><span>Q</span>") == 1


def test_a_page_in_a_notebook_is_as_dark_as_the_notebook():
    found = lesson(explain("The cat sat"))
    assert NOTEBOOKS_IN_THE_DARK in render_fragment(found)
    assert NOTEBOOKS_IN_THE_DARK not in render_fragment(found, theme="dark")


def test_a_coarse_picture_has_two_colours_a_line_each_half_as_high():
    grid = Grid("t", tuple(map(str, range(200))), tuple(map(str, range(200))), np.eye(200), "share")
    drawing = render_svg(drawn(grid), Ink("truecolor"), width=80)
    assert set(re.findall(r'<rect x="[^"]*" y="[^"]*" width="[^"]*" height="([^"]*)"', drawing)) == {"10", "20"}


def test_a_page_without_prose_has_the_tables_all_the_same():
    whole = lesson(explain(RIVER))
    brief, full = (render_html(whole, Ink(), brief=brief) for brief in (True, False))
    assert "this dot product is their score" in full
    assert "this dot product is their score" not in brief
    assert brief.count("<table") == full.count("<table")


def test_a_large_picture_on_a_page_has_its_positions_on_the_right_sides():
    grid = Grid("t", tuple(map(str, range(200))), tuple(map(str, range(50))), np.ones((200, 50)), "share")
    page = render_html(drawn(grid), Ink())
    ticks = [int(text) for text in re.findall(r"<text[^>]*>(\d+)</text>", page)]
    assert max(ticks) > 150
    across = {int(text) for text in re.findall(r'<text[^>]*text-anchor="middle"[^>]*>(\d+)</text>', page)}
    assert not across or max(across) <= 50


@pytest.mark.parametrize(
    ("rows", "columns", "tile"),
    [(60, 60, None), (200, 200, "3 × 3"), (120, 10, "2 × 1"), (400, 10, "5 × 1"), (10, 400, "1 × 5")],
)
def test_a_picture_on_a_page_says_what_a_cell_is(rows, columns, tile):
    grid = Grid("t", tuple(map(str, range(rows))), tuple(map(str, range(columns))), np.ones((rows, columns)), "share")
    page = render_html(drawn(grid), Ink())
    assert ("Each cell is one number" in page) == (tile is None)
    assert page.count("<title>") == (1 if tile else rows * columns + 1)
    assert tile is None or f"the strongest of {tile} numbers" in page


def test_a_page_has_every_formula():
    page = render_html(lesson(explain(RIVER)), Ink())
    formulas = re.findall(r'<p class="formula">(.*?)</p>', page)
    for wanted in ("Q = X·W_q", "S = Q·Kᵀ", "softmax(S / √d_k)", "C = W·V"):
        assert any(wanted in formula for formula in formulas), (wanted, formulas)


def test_two_lessons_do_not_fit_into_one_page(tmp_path):
    sentences = tmp_path / "s.txt"
    sentences.write_text("The cat sat\nThe dog ran\n")
    for form in ("html", "svg", "npz"):
        code, out, err = call("-f", str(sentences), "-o", str(tmp_path / f"a.{form}"))
        assert (code, out) == (2, "")
        assert "holds one sentence" in err


def test_a_dumb_terminal_and_pauses_have_no_pager(tmp_path):
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged\ncat > /dev/null\n")
    pager.chmod(0o755)
    assert "paged" in on_terminal("The cat sat", ATTNEXPLAIN_PAGER=str(pager))[1]
    assert "paged" not in on_terminal("The cat sat", ATTNEXPLAIN_PAGER=str(pager), TERM="dumb")[1]
    assert "paged" not in on_terminal("--pause", "The cat sat", keys=b"q\n", ATTNEXPLAIN_PAGER=str(pager))[1]
    assert "paged" in on_terminal("The cat sat", ATTNEXPLAIN_PAGER="no-such-program", PAGER=str(pager))[1]


def test_pauses_come_at_empty_lines(monkeypatch):
    """Screens of at most ten lines, cut where a line is empty, in the lower half of each."""
    text = "".join(f"{'' if number in (3, 7, 15) else number}\n" for number in range(1, 21))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" * 9))
    written = []
    monkeypatch.setattr("attnexplain.cli.drawing.write", written.append)
    last = paused([text], 12, "-")
    shown = [screen for screen in written if screen.strip() and "Enter" not in screen]
    assert "".join(shown) + last == text
    assert [len(screen.splitlines()) for screen in shown] == [7, 8]


def test_less_gets_its_options_only_where_the_reader_has_set_none(tmp_path):
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho "options: $LESS."\ncat > /dev/null\n')
    pager.chmod(0o755)
    assert "options: R." in on_terminal("The cat sat", ATTNEXPLAIN_PAGER=str(pager), LESS="R")[1]
