"""The front door."""

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from command import call, run
from rich.console import Console

import attnexplain
from attnexplain import AttentionTrace, AttnExplainError, explain, load_model
from attnexplain.render.json import render_json, stream_json


def test_a_trace_has_every_intermediate_and_knows_its_words():
    trace = explain("The cat sat, twice", model="untrained")
    assert isinstance(trace, AttentionTrace)
    assert trace.tokens == ("The", "cat", "sat", "twice")
    assert trace.left_out == (",",)
    assert trace.model.name == trace.model.kind == "untrained"
    assert trace.scale == 4.0
    assert trace.queries.shape == (4, 16)
    np.testing.assert_allclose(trace.scaled_scores, trace.scores / 4)


def test_options():
    assert explain("a b", scale=False).scale == 1.0
    assert explain("a b", causal=True).weights[0].tolist() == [1.0, 0.0]
    assert explain("a b c", phrases=["b c"]).tokens == ("a", "b c")
    assert explain("a b", model=load_model("untrained", seed=3)).tokens == ("a", "b")
    with pytest.raises(AttnExplainError, match="3 words"):
        explain("a b c", max_tokens=2)


def test_the_function_is_not_hidden_by_the_file_of_the_same_name():
    import attnexplain.cli
    import attnexplain.explanation

    assert callable(attnexplain.explain)
    assert attnexplain.explain is explain


def test_importing_the_package_loads_neither_typer_nor_rich_nor_numpy():
    code = "import sys, attnexplain; print([m for m in ('typer', 'rich', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attnexplain.nothing  # noqa: B018


def test_a_trace_becomes_plain_python():
    trace = explain("The cat sat", causal=True)
    plain = trace.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["weights"] == trace.weights.tolist()
    assert plain["scaled_scores"][0][1] is None


@pytest.mark.parametrize("system", [None, "standard", "256", "truecolor"])
def test_rich_prints_a_trace_as_the_lesson(system, monkeypatch):
    console = Console(
        file=io.StringIO(), width=90, color_system=system, force_terminal=system is not None, legacy_windows=False
    )
    console.print(explain("The cat sat"))
    written = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())
    monkeypatch.setenv("COLORTERM", "truecolor" if system == "truecolor" else "")
    monkeypatch.setenv("TERM", "linux" if system == "standard" else "xterm-256color")
    colour = () if system is None else ("--color", "always")
    assert [line.rstrip() for line in written.splitlines()] == [
        line.rstrip()
        for line in re.sub(r"\x1b\[[0-9;]*m", "", call("--width", "90", *colour, "The cat sat")[1]).splitlines()
    ]
    assert ("\x1b[" in console.file.getvalue()) == (system is not None)


def test_a_notebook_cell_shows_the_lesson():
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    from nbformat import v4

    code = 'from attnexplain import explain\nexplain("The <b>cat</b> sat")'
    book = v4.new_notebook(cells=[v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    shown = book.cells[0].outputs[0]["data"]["text/html"]
    assert shown.startswith('<div class="attnexplain attnexplain-')
    assert "in this sentence" in shown
    assert len(shown) < 10_000
    assert "<script" not in shown
    assert not re.search(r"(^|\}) *(html|body|\*|:root|@page)[^,{}]* \{", shown)  # the rest of the page is not ours


@pytest.mark.parametrize("steps", [(1, 2, 3, 4), (3,), (1,)])
@pytest.mark.parametrize("causal", [False, True])
def test_json_in_pieces_is_the_same_json(steps, causal):
    trace = explain("The cat sat, xqzzt", causal=causal)
    assert "".join(stream_json(trace, steps)) == render_json(trace, steps)


def test_long_json_is_written_row_by_row():
    sentence = " ".join(["cat"] * 300)
    done = run("--json", sentence)
    script = f"from attnexplain import explain; import json; print(json.dumps(explain({sentence!r}).to_dict()))"
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as the command has; with more the last digits may differ
    alone = subprocess.run([sys.executable, "-c", script], capture_output=True, env=one_thread, check=True)
    assert json.loads(done.stdout) == json.loads(alone.stdout)
