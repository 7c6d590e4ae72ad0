"""Markdown as code hosts read it: read back by a parser that is not ours."""

import re

import numpy as np
import pytest
from command import call
from markdown_it import MarkdownIt

from attnexplain import explain
from attnexplain.render.ink import Ink
from attnexplain.render.markdown import render_markdown
from attnexplain.steps import lesson
from attnexplain.steps.blocks import Grid, Lesson, Step
from attnexplain.steps.labels import names_of

RIVER = "The river bank was flooded after the storm"
HOSTILE = [
    "<script>alert(1)</script> river | bank", "<img src=x onerror=alert(1)> cat",
    "a [link](javascript:1) and ![p](http://x)",
    "`code` and *stars* and __lines__ and ~~strokes~~", "river a | b bank", "$x$ and $$y$$", "&lt; &amp; &#60;",
    "- list of words", "# heading", "1. first", "> quote", "http://example.com www.example.com a@b.de",
    "\\*not\\* <!-- x -->",
    "| --- | a", "+ plus", "_a_b_",
]  # fmt: skip
LIVE = {
    "html_inline", "html_block", "link_open", "image", "code_inline", "code_block", "fence", "s_open",
    "bullet_list_open", "ordered_list_open", "blockquote_open", "hr",
}  # fmt: skip


def parsed(text):
    """Read Markdown; return the tokens, those within lines too."""
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"]).parse(text)
    return [one for token in tokens for one in (token, *(token.children or ()))]


def tables(text):
    """Read the tables: for each the number of cells in every row, and the texts of the cells."""
    found, tokens = [], MarkdownIt("commonmark").enable("table").parse(text)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            inner = tokens[place + 1].children
            found[-1][-1].append("".join(one.content for one in inner if one.type in ("text", "text_special")))
    return found


def written(sentence, tmp_path, *options):
    path = tmp_path / "lesson.md"
    assert call("-o", str(path), *options, "--", sentence) == (0, "", "")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("sentence", HOSTILE)
def test_nothing_of_a_sentence_is_markup(sentence, tmp_path):
    text = written(sentence, tmp_path, "--step", "2", "--step", "3")
    live = {token.type for token in parsed(text) if token.content != "<!-- -->"} & LIVE
    assert live == set()
    heading = next(token for token in parsed(text) if token.type == "inline")
    shown = "".join(one.content for one in heading.children if one.content != "<!-- -->")
    assert shown == sentence.replace("\n", "<U+000A>")


@pytest.mark.parametrize("sentence", HOSTILE)
def test_a_code_host_makes_no_link_of_a_sentence(sentence, tmp_path):
    """By GitHub's own parser, with its links made of addresses and its tables."""
    cmarkgfm = pytest.importorskip("cmarkgfm", reason="cmarkgfm is not installed")
    page = cmarkgfm.github_flavored_markdown_to_html(written(sentence, tmp_path))
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert tags <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "em", "br", "ol", "li"}


@pytest.mark.parametrize("sentence", ["river a | b bank", "`a | b` c", RIVER, "| a || b |||"])
def test_every_row_of_a_table_has_as_many_cells_and_the_numbers_stay_in_their_columns(sentence, tmp_path):
    trace = explain(sentence)
    found = tables(written(sentence, tmp_path))
    assert len(found) > 6
    assert all(len({len(row) for row in table}) == 1 for table in found)
    shares = next(table for table in found if table[0][-1:] == ["sum"] and len(table[0]) == len(trace.tokens) + 2)
    assert shares[0][1:-1] == list(names_of(trace))
    numbers = [[float(cell.removeprefix("▸")) for cell in row[1:-1]] for row in shares[1:]]
    assert np.abs(np.array(numbers) - trace.weights).max() <= 0.005


def test_formulas_stand_between_dollar_signs_and_equations_end_in_their_result(tmp_path):
    text = written(RIVER, tmp_path)
    assert r"$S = Q \cdot K^{\top}$" in text
    assert "## Step 3: Attention weights" in text
    assert re.search(r'\*\*share\("bank", "river"\)\*\*  \n≈ [\d.]+ / [\d.]+  \n[=≈] 0\.\d\d', text)


def test_brief_leaves_the_prose_out():
    whole = lesson(explain(RIVER))
    brief, full = (render_markdown(whole, Ink(), brief=brief) for brief in (True, False))
    assert "this dot product is their score" in full
    assert "this dot product is their score" not in brief
    assert len(tables(brief)) == len(tables(full))


def test_a_matrix_too_wide_for_a_table_is_left_out_and_named():
    grid = Grid("Wide", ("a",), tuple(map(str, range(60))), np.zeros((1, 60)))
    assert "Wide: 1 × 60 numbers, too many for a table" in render_markdown(Lesson("", (Step(0, "x", (grid,)),)), Ink())
