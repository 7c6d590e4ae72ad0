"""The screen of --explore: driven by Textual's pilot, and held against the lesson of the command."""

import asyncio
import json
import re
import shlex
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import call

from attnexplain import explain, load_model
from attnexplain.errors import CheckpointError, NumbersError
from attnexplain.models.checkpoint.run import KeptRun

pytest.importorskip("textual", reason="the extra attnexplain[explore] is not installed")

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.widgets import Input

from attnexplain.explore.app import Explorer, Outside
from attnexplain.explore.keys import KEYS
from attnexplain.explore.matrix import Matrix
from attnexplain.explore.scene import ANSWER, Scene, magnified
from attnexplain.explore.session import GivenUpError, Job, Session, Wanted
from attnexplain.explore.walk import first_columns, walk
from attnexplain.render.ink import Ink
from attnexplain.render.terminal import render_text
from attnexplain.steps.blocks import Company, Equation, Grid, Lesson, Step

RIVER = "The river bank was flooded after the storm"
BERT = str(Path(__file__).parent / "data" / "checkpoints" / "bert")
SIZES = ((80, 24), (120, 40), (200, 60), (40, 15))


def session_of(sentence=RIVER, model="tiny", **asked):
    return Session(Wanted(load_model(model), sentence, **asked))


def computed(session):
    return session.do(Job(session.wanted, Wanted.explain, print, print))


def outside():
    from attnexplain.cli.exploring import _write_file

    return Outside(_write_file, print)


@asynccontextmanager
async def opened(sentence=RIVER, model="tiny", size=(120, 40), ink=None, **how):
    """Open the screen, and wait until something is seen."""
    session = session_of(sentence, model)
    trace = None if session.wanted.has_layers else computed(session)
    app = Explorer(session, ink or Ink("truecolor"), outside(), trace, **how)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot
    assert app.failure is None


async def settled(app, pilot):
    """Wait for what runs beside the screen."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def seen(app):
    """Return what the screen shows, as text."""
    lines = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
    return "\n".join(line.rstrip() for line in lines)


def screen(test):
    """Run a test that waits, without a plugin."""

    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    run.__signature__ = __import__("inspect").signature(test)
    if hasattr(test, "pytestmark"):
        run.pytestmark = test.pytestmark
    return run


def drawn(blocks):
    return render_text(Lesson("", (Step(0, "", tuple(blocks)),)), Ink(), width=80)


# What is said of a cell is what the lesson says


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("settings", [[], ["--causal"], ["--no-scale"], ["--head", "1"], ["--model", "untrained"]])
def test_what_is_said_of_a_cell_is_what_the_lesson_says(step, settings):
    trace = explain(
        RIVER,
        model="untrained" if "untrained" in settings else "tiny",
        head=1 if "1" in settings else None,
        causal="--causal" in settings,
        scale="--no-scale" not in settings,
    )
    start = Scene.of(trace).on(step)
    for row in range(0, len(trace.tokens), 3):
        for column in range(0, len(trace.tokens), 2):
            scene = start.at(row, column)
            assert scene.cell == (row, column)
            asked = ["--step", str(step), "--query", str(row + 1), "--key", str(column + 1), "--width", "80"]
            code, out, _ = call(*settings, *asked, RIVER)
            assert code == 0
            said = drawn(scene.panel).strip("\n")
            assert said in out


@pytest.mark.parametrize("step", [1, 4])
def test_the_first_place_of_a_vector_is_what_the_lesson_works_out(step):
    start = Scene.of(explain(RIVER)).on(step)
    for row in range(8):
        _, out, _ = call("--step", str(step), "--query", str(row + 1), "--width", "80", RIVER)
        assert drawn(start.at(row, 0).panel[:3]).strip("\n") in out


@pytest.mark.parametrize("role", ["queries", "keys", "values", "context"])
def test_every_number_of_every_vector_can_be_worked_out(role):
    trace = explain(RIVER)
    step = 4 if role == "context" else 1
    start = Scene.of(trace).on(step, role)
    matrix = getattr(trace, role)
    for row in (0, 2, 7):
        for place in (0, 3, matrix.shape[1] - 1):
            scene = start.at(row, place)
            assert scene.cell == (row, place)
            equation = next(block for block in scene.panel if isinstance(block, Equation))
            assert equation.left.startswith(f"place {place + 1} of {'context' if role == 'context' else role[0]}")
            result = float(equation.lines[-1].terms[-1].value)
            assert result == pytest.approx(matrix[row, place], abs=0.06)
            assert scene.grid.mark == (row, place)


def test_the_answer_is_the_first_screen():
    for query in ("bank", "storm"):
        scene = Scene.of(explain(RIVER), query=query)
        _, out, _ = call("--query", query, "--width", "80", RIVER)
        assert drawn(scene.panel).strip("\n") in out


@pytest.mark.parametrize(
    "sentence",
    [RIVER, "the 3 cats saw 3 dogs 8", '-5 degrees $HOME `x` "quoted"', "ab 日本 é é", "bank 日本 é é river"],
)
@pytest.mark.parametrize("step", [ANSWER, 1, 2, 3, 4])
def test_the_command_opens_the_very_cell(sentence, step):
    trace = explain(sentence)
    scene = Scene.of(trace).on(step)
    for row in range(len(trace.tokens)):
        there = scene.at(row, (row + 1) % len(trace.tokens))
        if step in (1, 4):
            there = scene.at(row, 0)
        words = shlex.split(there.command.text)
        assert words[0] == "attnexplain"
        code, out, err = call("--width", "80", *words[1:])
        assert code == 0, err
        said = drawn(there.panel[: {ANSWER: 1, 1: 3, 4: 3}.get(step)]).strip("\n")
        assert said in out


@pytest.mark.parametrize("role", ["queries", "keys", "values", "context"])
def test_the_command_of_a_place_works_that_place_out(role):
    trace = explain(RIVER)
    start = Scene.of(trace, digits=3).on(4 if role == "context" else 1, role)
    for row, place in ((0, 0), (2, 3), (7, getattr(trace, role).shape[1] - 1)):
        there = start.at(row, place)
        words = shlex.split(there.command.text)
        code, out, err = call("--width", "80", *words[1:])
        assert code == 0, err
        said = render_text(Lesson("", (Step(0, "", tuple(there.panel[:3])),)), Ink(digits=3), width=80).strip("\n")
        assert said in out


@pytest.mark.parametrize(("name", "options"), [
    ("gpt2", ["--no-causal"]), ("gpt2", ["--no-scale"]), ("bert", ["--causal"]), ("gpt-neo", ["--scale"]), ("bert", []), ("gpt2", []),
])  # fmt: skip
def test_the_command_of_a_checkpoint_keeps_its_settings(name, options):
    pytest.importorskip("tokenizers")
    model = str(Path(BERT).parent / name)
    trace = explain(
        "The river bank", model=model,
        causal={"--causal": True, "--no-causal": False}.get("".join(options)),
        scale={"--scale": True, "--no-scale": False}.get("".join(options)),
    )  # fmt: skip
    scene = Scene.of(trace).on(3)
    words = shlex.split(scene.command.text)
    assert [word for word in words if word in ("--causal", "--no-causal", "--scale", "--no-scale")] == options
    assert drawn(scene.panel).strip("\n") in call("--width", "80", *words[1:])[1]


@pytest.mark.parametrize(("options", "says"), [
    (["--place", "10"], "--place 10: queries have 9 places here"), (["--place", "v25"], "--place 25: values have 24 places here"),
    (["--step", "4", "--place", "25"], "--place 25: context vectors have 24 places here"),
    (["--step", "3", "--place", "2"], "--place is of the vectors of the steps 1 and 4"), (["--place", "x"], "is no place"),
    (["--place", "0"], "is no place"), (["--json", "--place", "2"], "so --place does not go with it"),
])  # fmt: skip
def test_a_place_that_is_not_there_is_refused(options, says):
    code, out, err = call(*options, RIVER)
    assert (code, out) == (2, "")
    assert says in err


# Keys


@screen
async def test_arrows_and_letters_walk_over_the_matrix_and_stop_at_its_edges():
    async with opened() as (app, pilot):
        await pilot.press("3")
        row, column = app.scene.cell
        await pilot.press("right", "down", "l", "j")
        assert app.scene.cell == (row + 2, column + 2)
        await pilot.press("left", "up", "h", "k")
        assert app.scene.cell == (row, column)
        await pilot.press("home")
        assert app.scene.cell == (row, 0)
        await pilot.press("end")
        assert app.scene.cell == (row, 7)
        await pilot.press("right", "pagedown", "down")
        assert app.scene.cell == (7, 7)
        await pilot.press("pageup")
        assert app.scene.cell == (0, 7)


@screen
async def test_numbers_open_steps_and_tab_goes_through_their_matrices():
    async with opened() as (app, pilot):
        assert app.scene.step == ANSWER
        for step, roles in {1: ["queries", "keys", "values"], 2: ["scores"], 3: ["weights"], 4: ["context"]}.items():
            await pilot.press(str(step))
            for role in [*roles, roles[-1], roles[0]]:  # behind the last comes what is said
                assert (app.scene.step, app.scene.grid.role) == (step, role)
                await pilot.press("tab")
        await pilot.press("0")
        assert app.scene.step == ANSWER
        await pilot.press("1", "shift+tab", "shift+tab")
        assert app.scene.grid.role == "values"


@screen
async def test_in_the_answer_the_arrows_choose_who_asks():
    async with opened() as (app, pilot):
        await pilot.press("down")
        assert '"was"' in seen(app) or '"flooded"' in seen(app)
        assert app.scene.view.query == 3
        assert app.scene.view.key == Scene.of(app.scene.trace, query="4").view.key


@screen
async def test_causal_and_scaling_are_computed_anew():
    async with opened() as (app, pilot):
        await pilot.press("3", "c")
        np.testing.assert_array_equal(app.scene.trace.weights, explain(RIVER, causal=True).weights)
        assert "causal" in seen(app)
        await pilot.press("c", "s")
        np.testing.assert_array_equal(app.scene.trace.weights, explain(RIVER, scale=False).weights)
        await pilot.press("s")
        np.testing.assert_array_equal(app.scene.trace.weights, explain(RIVER).weights)


@screen
async def test_everything_has_more_matrices():
    async with opened() as (app, pilot):
        await pilot.press("3", "f")
        assert [grid.role for grid in app.scene.grids] == ["scores", "scaled_scores", "weights"]
        assert app.scene.grid.role == "weights"
        await pilot.press("f")
        assert [grid.role for grid in app.scene.grids] == ["weights"]
        await pilot.press("1", "f")
        assert "w_q" in [grid.role for grid in app.scene.grids]


@screen
async def test_the_numbers_follow_while_a_sentence_is_typed():
    async with opened("The cat sat") as (app, pilot):
        await pilot.press("3", "slash")
        assert app.query_one(Input).value == "The cat sat"
        await pilot.press("space", "o", "n")
        assert app.scene.trace.tokens == ("The", "cat", "sat", "on")
        await pilot.press("enter")
        assert not app.query_one(Input).display
        assert app.scene.trace.tokens == ("The", "cat", "sat", "on")
        await pilot.press("q")


@screen
async def test_a_sentence_that_does_not_work_is_said_in_one_line_and_nothing_is_lost():
    async with opened() as (app, pilot):
        await pilot.press("slash")
        app.query_one(Input).value = "!!!"
        await pilot.pause()
        assert app.session.wanted.sentence == RIVER
        assert app.scene.trace.sentence == RIVER
        assert "no" in seen(app).splitlines()[-1]
        app.query_one(Input).value = "word " * 600
        await pilot.pause()
        assert (
            seen(app).splitlines()[-1].strip() == "the text has 600 words, and 512 are allowed"
        )  # no hint: it is long
        await pilot.press("enter")
        await pilot.press("escape", "3")
        assert "W, the attention weights" in seen(app)


@screen
async def test_esc_gives_up_what_was_typed():
    async with opened() as (app, pilot):
        await pilot.press("slash", *" at night")
        assert app.scene.trace.sentence == f"{RIVER} at night"
        await pilot.press("escape")
        assert app.scene.trace.sentence == RIVER
        await pilot.press("slash")
        app.query_one(Input).value = ""
        await pilot.pause()
        await pilot.press("a")
        assert "empty" not in seen(app).splitlines()[-1]


@screen
async def test_heads_change_and_the_cell_stays():
    async with opened() as (app, pilot):
        await pilot.press("3", "right")
        cell = app.scene.cell
        await pilot.press("right_curly_bracket")
        assert (app.scene.trace.model.head, app.scene.cell) == (1, cell)
        np.testing.assert_array_equal(app.scene.trace.weights, explain(RIVER, head=1).weights)
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        assert app.scene.trace.model.head == 0
        assert "there is no other on that side" in seen(app)


# The walk


def test_the_walk_says_what_the_lesson_says_and_each_thing_grows():
    scene = Scene.of(explain(RIVER))
    stops = walk(scene)
    order = list(dict.fromkeys((stop.scene.step, stop.scene.role) for stop in stops))
    assert order == [
        (ANSWER, None), (1, "queries"), (1, "keys"), (2, "scores"), (3, "weights"), (1, "values"), (4, "context")
    ]  # fmt: skip
    products = [stop for stop in stops if stop.scene.step == 2]
    whole = next(block for block in products[0].scene.panel if isinstance(block, Grid))
    shown = [next((len(b.columns) for b in stop.panel if isinstance(b, Grid)), None) for stop in products]
    assert shown[: len(whole.columns) + 1] == [None, *range(1, len(whole.columns) + 1)]  # first what the step does
    assert all(stop.panel == stop.scene.about for stop in stops if stop.panel and stop.panel[0].id == "says")
    told = " ".join(block.text for stop in stops for block in stop.panel if block.id == "says")
    assert "softmax" in told or any(block.id == "formula" for stop in stops for block in stop.panel)
    assert isinstance(products[-2].panel[-1], Equation)
    assert any(isinstance(block, Company) for block in stops[-1].panel)
    for stop in stops:
        for block in stop.panel:
            if isinstance(block, Grid) and block not in stop.scene.panel:
                table = next(b for b in stop.scene.panel if isinstance(b, Grid) and b.title == block.title)
                np.testing.assert_array_equal(block.numbers, table.numbers[:, : len(block.columns)])
            else:
                assert block in (*stop.scene.panel, *stop.scene.about)


def test_columns_are_cut_from_the_right_with_their_sums_and_marks():
    table = next(block for block in Scene.of(explain(RIVER)).on(3).panel if isinstance(block, Grid))
    cut = first_columns(table, 3)
    assert len(cut.columns) == 3
    assert cut.mark is None
    assert cut.footer[1][-1] == pytest.approx(table.numbers[:, 2].sum(), abs=1e-9)  # of the powers, as printed
    assert first_columns(table, 1).footer is None
    assert first_columns(table, 99) is table


@screen
async def test_space_goes_on_b_goes_back_and_the_end_is_told():
    async with opened() as (app, pilot):
        stops = walk(app.scene)
        seen_steps = []
        for _ in stops[1:]:
            await pilot.press("space")
            seen_steps.append(app._scene_now().step)
        assert seen_steps == [stop.scene.step for stop in stops[1:]]
        assert "The company" in seen(app)
        await pilot.press("b")
        assert app._scene_now().step == 4
        await pilot.press("space", "space")
        assert "that was the walk" in seen(app)


@screen
async def test_a_key_leaves_the_walk_where_it_is():
    async with opened() as (app, pilot):
        await pilot.press(*["space"] * 6)
        stop, step = app._stop, app._scene_now().step
        await pilot.press("right")
        assert app.scene.step == step == 2
        assert app._stop is None
        await pilot.press("space")  # and it goes on from there, with the other cell
        assert app._stop == stop + 1
        assert app._scene_now().cell == app.scene.cell
        await pilot.press("left", "b")
        assert app._stop == stop


@screen
async def test_the_walk_says_how_far_it_is():
    async with opened() as (app, pilot):
        await pilot.press("space")
        assert f"2 of {len(walk(app.scene))}" in seen(app).splitlines()[-1]


# Models of layers


@screen
async def test_a_model_of_layers_is_run_beside_the_screen_and_its_layers_are_kept(monkeypatch):
    pytest.importorskip("tokenizers")
    async with opened("The animal didn't cross the street", BERT) as (app, pilot):
        await pilot.press("3", "right_square_bracket")
        await settled(app, pilot)
        expected = explain("The animal didn't cross the street", model=BERT, layer=1)
        np.testing.assert_array_equal(app.scene.trace.weights, expected.weights)
        done = []
        app.session.wanted.model._kept._on_layer = done.append
        await pilot.press("left_square_bracket")
        await settled(app, pilot)
        await pilot.press("right_square_bracket", "right_curly_bracket")
        await settled(app, pilot)
        assert done == []  # nothing is computed twice
        expected = explain("The animal didn't cross the street", model=BERT, layer=1, head=1)
        np.testing.assert_array_equal(app.scene.trace.weights, expected.weights)
        await pilot.press("right_square_bracket")
        await settled(app, pilot)
        assert done == [2]


@screen
async def test_all_heads_are_a_screen_and_enter_opens_one():
    pytest.importorskip("tokenizers")
    async with opened("The animal didn't cross the street", BERT) as (app, pilot):
        await pilot.press("o")
        await settled(app, pilot)
        assert "head (across), layer (down)" in seen(app)
        await pilot.press("down", "right", "down", "enter")
        await settled(app, pilot)
        assert (app.scene.trace.model.layer, app.scene.trace.model.head) == (2, 1)
        await pilot.press("o")
        await settled(app, pilot)
        assert app._head == 2 * 3 + 1  # it begins at the head that is open
        await pilot.press("escape")
        assert "head (across)" not in seen(app)


@screen
async def test_a_link_ranks_the_heads_and_enter_opens_the_best():
    pytest.importorskip("tokenizers")
    sentence = "The animal didn't cross the street"
    async with opened(sentence, BERT) as (app, pilot):
        await pilot.press("w")
        app.query_one(Input).value = "animal:street"
        await pilot.press("enter")
        await settled(app, pilot)
        _, out, _ = call("--model", BERT, "--find", "animal:street", "--json", sentence)
        best = json.loads(out)["find"]["heads"][0]
        assert "the strongest heads" in seen(app)
        await pilot.press("enter")
        await settled(app, pilot)
        assert (app.scene.trace.model.layer, app.scene.trace.model.head) == (best["layer"], best["head"])
        assert app.scene.step == 3
        assert [app.scene.names[place] for place in app.scene.cell] == ["anim", "stre"]  # where they begin
        await pilot.press("w")
        app.query_one(Input).value = "animal:zebra"
        await pilot.press("enter")
        await settled(app, pilot)
        assert "zebra" in seen(app).splitlines()[-1]
        assert app.query_one(Input).display  # to be mended
        assert app.query_one(Input).value == "animal:zebra"


@screen
async def test_the_prompt_shows_nothing_raw_and_a_sentence_that_nobody_changed_is_kept():
    hostile = "The \x1b]0;x\x07 river \u202ebank\u200b was"
    async with opened(hostile) as (app, pilot):
        await pilot.press("slash")
        assert not set("\x1b\x07\u202e\u200b") & set(app.query_one(Input).value)
        await pilot.press("enter")
        assert app.session.wanted.sentence == hostile
        await pilot.press("slash")
        app.query_one(Input).value = "a\x1b[31mb\u202e  c "
        assert app.query_one(Input).value == "a<U+001B>[31mb<U+202E>  c "


@screen
async def test_settings_are_not_carried_to_another_model():
    pytest.importorskip("tokenizers")
    async with opened() as (app, pilot):
        await pilot.press("3", "c", "c", "m")
        app.query_one(Input).value = str(Path(BERT).parent / "gpt2")
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.scene.trace.causal


@screen
async def test_a_long_message_is_cut_with_a_sign():
    async with opened(size=(60, 20)) as (app, pilot):
        app.say("x" * 200)
        await pilot.pause()
        assert seen(app).splitlines()[-1] == "x" * 59 + "…"


@screen
async def test_another_model_is_opened_by_its_name_and_a_wrong_one_is_told():
    async with opened() as (app, pilot):
        await pilot.press("3", "m")
        app.query_one(Input).value = "nosuch"
        await pilot.press("enter")
        assert "nosuch" in seen(app).splitlines()[-1]
        assert app.session.wanted.model.info.name == "tiny"
        example = Path(__file__).parents[1] / "sentences" / "raschka-simple.json"
        app.query_one(Input).value = str(example)
        await pilot.press("enter")
        assert "is a finished example" in seen(app).splitlines()[-1]
        app.query_one(Input).value = "untrained"
        await pilot.press("enter")
        np.testing.assert_array_equal(app.scene.trace.weights, explain(RIVER, model="untrained").weights)
        assert "untrained" in seen(app)


def test_a_job_is_given_up_between_two_layers_and_its_layers_are_kept():
    pytest.importorskip("tokenizers")
    session = session_of("The animal didn't cross", BERT)
    wanted = session.wanted.beside(2, 0)
    job = Job(wanted, Wanted.explain, print, print)
    begun = []
    on_layer = session._on_layer

    def watched(number):
        begun.append(number)
        if number == 1:
            job.given_up.set()
        on_layer(number)

    session.wanted.model._kept._on_layer = watched
    with pytest.raises(GivenUpError):
        session.do(job)
    assert begun == [0, 1]
    trace = session.do(Job(wanted, Wanted.explain, print, print))
    assert begun == [0, 1, 1, 2]
    np.testing.assert_array_equal(trace.weights, explain("The animal didn't cross", model=BERT, layer=2).weights)


def test_what_failed_once_fails_again_and_does_not_end_in_silence(monkeypatch):
    pytest.importorskip("tokenizers")
    session = session_of("The animal didn't cross", BERT)
    wanted = session.wanted.beside(2, 0)
    family = session.wanted.model._parameters.family
    failing = {"is": True}

    def next_states(*arguments):
        if failing["is"]:
            raise NumbersError("on purpose")
        return family.next_states(*arguments)

    monkeypatch.setattr(session.wanted.model._parameters, "family", replace(family, next_states=next_states))
    for _ in range(2):
        with pytest.raises(CheckpointError, match="on purpose"):
            session.do(Job(wanted, Wanted.explain, print, print))
    failing["is"] = False
    assert session.do(Job(wanted, Wanted.explain, print, print)).model.layer == 2


def slowly(monkeypatch, seconds=0.15):
    """Let each layer take its time."""
    layer = KeptRun.layer

    def slow(self, tokens, number):
        time.sleep(seconds)
        return layer(self, tokens, number)

    monkeypatch.setattr(KeptRun, "layer", slow)


@screen
async def test_keys_that_come_fast_add_up_and_only_the_last_is_seen(monkeypatch):
    pytest.importorskip("tokenizers")
    sentence = "The animal didn't cross the street"
    async with opened(sentence, BERT) as (app, pilot):
        slowly(monkeypatch)
        await pilot.press("3", "right_square_bracket", "right_square_bracket", "right_curly_bracket")
        assert app.session.wanted.model.info.layer == 2
        assert app.session.seen.model.info.layer == app.scene.trace.model.layer == 0  # until it is there
        await settled(app, pilot)
        assert (app.scene.trace.model.layer, app.scene.trace.model.head) == (2, 1)
        assert "layer 2, head 1" in seen(app)
        np.testing.assert_array_equal(app.scene.trace.weights, explain(sentence, model=BERT, layer=2, head=1).weights)


@screen
async def test_a_slow_model_never_takes_the_place_of_one_that_was_chosen_after_it(monkeypatch):
    pytest.importorskip("tokenizers")
    async with opened("The animal didn't cross the street", BERT) as (app, pilot):
        slowly(monkeypatch, 0.4)
        await pilot.press("right_square_bracket", "m")
        app.query_one(Input).value = "tiny"
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.session.seen.model.info.name == app.scene.trace.model.name == "tiny"
        assert "tiny" in seen(app).splitlines()[1]


@screen
async def test_esc_gives_up_a_slow_model_and_what_was_seen_stays(monkeypatch):
    pytest.importorskip("tokenizers")
    async with opened("The animal didn't cross the street", BERT) as (app, pilot):
        slowly(monkeypatch, 0.3)
        await pilot.press("right_square_bracket", "right_square_bracket", "escape")
        await settled(app, pilot)
        assert app.session.wanted is app.session.seen
        assert app.scene.trace.model.layer == 0
        assert "given up" in seen(app)
        await pilot.press("right_square_bracket")
        await settled(app, pilot)
        assert app.scene.trace.model.layer == 1


@screen
async def test_what_the_help_or_the_overview_hides_is_not_changed():
    async with opened() as (app, pilot):
        await pilot.press("3", "question_mark")
        before = app.scene
        await pilot.press("c", "end", "f", "y", "space", "b", "s")
        assert app.scene is before
        assert app.kept == []
        assert "Keys" in seen(app)
        await pilot.press("2")
        assert "S, the scores" in seen(app)


# Pictures of long sentences, and sizes


LONG = " ".join(f"word{i} river bank" for i in range(40))


@screen
async def test_a_long_sentence_is_a_picture_with_a_magnifier():
    async with opened(LONG) as (app, pilot):
        await pilot.press("3", "right", "down")
        row, column = app.scene.cell
        said = seen(app)
        assert f"{app.scene.names[row]} → {app.scene.names[column]}" in said
        magnifier = magnified(app.scene.grid, app.scene.cell, 5)
        assert magnifier.numbers.shape == (5, 5)
        assert magnifier.numbers[magnifier.mark] == app.scene.trace.weights[row, column]
        assert magnifier.rows[magnifier.mark[0]] == app.scene.names[row]


@pytest.mark.parametrize("at", [(0, 0), (0, 119), (119, 0), (60, 61)])
def test_the_magnifier_never_leaves_the_matrix(at):
    grid = Scene.of(explain(LONG)).on(3).at(*at).grid
    small = magnified(grid, at, 5)
    assert small.numbers.shape == (5, 5)
    assert small.numbers[small.mark] == grid.numbers[at]


@screen
async def test_the_step_that_is_seen_is_named_on_a_narrow_screen_too():
    async with opened(size=(40, 15)) as (app, pilot):
        for step, name in enumerate(("answer", "vectors", "scores", "weights", "context")):
            await pilot.press(str(step))
            assert f"{step} {name}" in "\n".join(seen(app).splitlines()[:3])


@screen
async def test_help_and_the_end_are_always_named():
    async with opened(size=(80, 24)) as (app, pilot):
        for key in "0234":
            await pilot.press(key)
            assert "? keys" in seen(app).splitlines()[-1]
            assert "q quit" in seen(app).splitlines()[-1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("palette", ["truecolor", "256", "standard", None])
@screen
async def test_the_cell_is_always_seen_whatever_the_size(size, palette):
    async with opened(size=size, ink=Ink(palette, ascii_only=palette is None)) as (app, pilot):
        await pilot.press("3")
        for keys in (["end"], ["pagedown"], ["home"]):
            await pilot.press(*keys)
            matrix, sign = app.query_one(Matrix), ">" if palette is None else "▸"
            lines = [strip.text for strip in matrix._drawn()]
            written = matrix.ink.written(app.scene.grid.cell(*app.scene.cell))
            row = next(line for line in lines if sign in line)
            assert f"{sign}{written}" in row
            assert row.startswith(app.scene.names[app.scene.cell[0]][:3])
            assert all(len(line) <= size[0] for line in seen(app).splitlines())


@screen
async def test_a_screen_that_changes_its_size_is_drawn_anew():
    async with opened(size=(80, 24)) as (app, pilot):
        await pilot.press("3")
        for width, height in ((130, 30), (50, 18), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert ("wide" in app.query_one("#parts").classes) == (width >= 110)
            assert "▸" in seen(app)


@screen
async def test_pointing_goes_to_a_cell_a_word_and_a_step():
    async with opened() as (app, pilot):
        await pilot.press("3")
        matrix = app.query_one(Matrix)
        for place in ((0, 0), (4, 6), (7, 2)):
            layout = matrix._layout(app.scene.grid)
            x, y = layout.label + layout.cell * place[1] + 2, 2 + place[0]
            assert matrix.place_at(x, y) == place
            await pilot.click(Matrix, offset=(x, y))
            assert app.scene.cell == place
        await pilot.click("#words", offset=(5, 0))
        assert app.scene.cell[0] == 1  # river
        await pilot.click("#tabs", offset=(28, 0))
        assert app.scene.step == 2


# What leaves the screen


@screen
async def test_the_command_of_a_cell_is_kept_once():
    async with opened() as (app, pilot):
        await pilot.press("2", "right", "y", "y", "4", "y")
        assert len(app.kept) == 2
        assert (
            app.kept[0]
            == app.scene.on(2).at(*Scene.of(app.scene.trace).on(2).at(*app.scene.on(2).cell).cell).command.text
        )


@screen
async def test_what_is_seen_becomes_a_file_and_none_is_replaced(tmp_path):
    async with opened() as (app, pilot):
        await pilot.press("3")
        for name in ("x.svg", "x.html"):
            await pilot.press("e")
            app.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            assert "Attention" in re.sub("<[^>]+>|&#160;|&nbsp;", " ", (tmp_path / name).read_text())
        before = (tmp_path / "x.svg").read_bytes()
        for bad in (str(tmp_path / "x.svg"), str(tmp_path / "x.png"), str(tmp_path / "no" / "x.svg")):
            await pilot.press("e")
            app.query_one(Input).value = bad
            await pilot.press("enter")
            assert app.failure is None
        assert (tmp_path / "x.svg").read_bytes() == before


def test_plain_lines_have_the_answer_and_the_cell():
    app = Explorer(session_of(), Ink("truecolor"), outside(), explain(RIVER))
    text = app.plain(Scene.of(explain(RIVER)).on(3))
    assert "\x1b" not in text
    assert '"bank" on its own' in text
    assert 'share("bank", "river")' in text


def test_every_key_does_something_and_is_in_the_help():
    for key in KEYS:
        action = key.action.split("(")[0]
        assert hasattr(Explorer, f"action_{action}"), key


@screen
async def test_the_help_lists_every_key():
    async with opened(size=(100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        text = seen(app)
        assert all(key.says in text for key in KEYS)
        await pilot.press("escape")
        assert "Keys" not in seen(app)


@screen
async def test_a_bug_of_ours_is_kept_and_not_drawn(monkeypatch):
    session = session_of()
    app = Explorer(session, Ink(), outside(), computed(session))
    monkeypatch.setattr(Explorer, "action_full", lambda self: 1 / 0)
    with suppress(ZeroDivisionError):  # the pilot raises it again
        async with app.run_test() as pilot:
            await pilot.press("f")
    assert isinstance(app.failure, ZeroDivisionError)
    assert app._exit_renderables == []


@screen
async def test_hostile_words_reach_the_screen_made_safe():
    hostile = "\x1b]0;owned\x07bank \x1b[31mriver \u202eabc [bold]x[/bold] storm"
    async with opened(hostile) as (app, pilot):
        for key in "01234":
            await pilot.press(key)
            text = seen(app)
            assert "\x1b" not in text
            assert "\u202e" not in text


@screen
async def test_hostile_tokens_of_a_file_are_made_visible(tmp_path):
    eye = [[1.0, 0.0], [0.0, 1.0]]
    tokens = ["\u202eevil\x1b[31m", "[bold]b"]
    (tmp_path / "x.json").write_text(
        json.dumps({"tokens": tokens, "embeddings": eye, "w_q": eye, "w_k": eye, "w_v": eye})
    )
    async with opened(None, str(tmp_path / "x.json")) as (app, pilot):
        for key in "01234":
            await pilot.press(key)
            text = seen(app)
            assert not set("\x1b\u202e") & set(text)
            assert "<U+202E>" in text
            assert "[bold]b" in text


# What is seen, at four sizes

SHOWN = {"answer": [], "scores": ["2"], "weights": ["3", "right"], "products": ["space"] * 8}
SNAPSHOTS = Path(__file__).parent / "golden" / "explore"


async def snapshot(size, keys):
    async with opened(size=size, ink=Ink(None)) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause()
        return seen(app).rstrip() + "\n"


WALK = {"explore-1": (120, 40), "explore-2": (80, 24)}
"""Pictures of two screens: the weights, which the README shows, and a stop of the walk at a product."""
KEYS_OF = {1: ["3"], 2: ["space"] * 10}


def on_paper(segment):
    """Draw the terminal's own colours as those of the paper."""
    style = segment.style or Style()
    front, back = (None if colour is None or colour.is_default else colour for colour in (style.color, style.bgcolor))
    if style.reverse:
        front, back = back or "#17171b", front or "#e8e8ee"
    return Segment(
        segment.text, Style(color=front, bgcolor=back, bold=style.bold, underline=style.underline, dim=style.dim)
    )


async def screen_picture(size, number):
    """Draw a screen as a picture, as lessons are drawn."""
    from attnexplain.render.svg import COLUMN, LINE, MARGIN, _document

    async with opened(size=size) as (app, pilot):
        await pilot.press(*KEYS_OF[number])
        await pilot.pause()
        lines = [[on_paper(segment) for segment in strip] for strip in app.screen._compositor.render_strips()]
        wide, high = size[0] * COLUMN + 2 * MARGIN, size[1] * LINE + 2 * MARGIN
        return _document(lines, "attnexplain --explore", Ink("truecolor"), wide, high)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_what_is_seen_is_what_was_looked_at(size, name):
    kept = SNAPSHOTS / f"{name}-{size[0]}x{size[1]}.txt"
    assert asyncio.run(snapshot(size, SHOWN[name])) == kept.read_text()


@screen
async def test_the_wheel_moves_on_and_shift_moves_aside():
    async with opened() as (app, pilot):
        await pilot.press("3")
        row, column = app.scene.cell
        for kind, shift, expected in (
            (events.MouseScrollDown, False, (row + 1, column)),
            (events.MouseScrollUp, False, (row, column)),
            (events.MouseScrollDown, True, (row, column + 1)),
        ):
            matrix = app.query_one(Matrix)
            matrix.post_message(kind(matrix, 20, 5, 0, 1, 0, shift, False, False))
            await pilot.pause()
            assert app.scene.cell == expected


@screen
async def test_pointing_at_a_picture_goes_to_the_cell_that_is_drawn_there():
    async with opened(LONG, size=(80, 24)) as (app, pilot):
        await pilot.press("3")
        matrix = app.query_one(Matrix)
        layout = matrix._layout(app.scene.grid)
        assert layout.tall > 1
        await pilot.click(Matrix, offset=(layout.label + 3 * layout.cell, 2 + 2))
        assert app.scene.cell == (2 * layout.tall, 3 * layout.wide)


@screen
async def test_a_word_on_the_second_line_can_be_pointed_at():
    sentence = "The old river bank beside the mill was flooded after the storm of the year"
    async with opened(sentence, size=(40, 20)) as (app, pilot):
        second = app.query_one("#words").render().wrap(app.console, 40)[1].plain
        word = second.split()[1]
        await pilot.click("#words", offset=(second.index(word) + 1, 1))
        assert app.scene.trace.tokens[app.scene.view.query] == word


@screen
async def test_another_sentence_of_the_same_length_begins_at_its_own_cell():
    async with opened("The river bank was flooded") as (app, pilot):
        await pilot.press("3", "end", "pagedown")
        await pilot.press("slash")
        app.query_one(Input).value = "My money bank was closed"
        await pilot.press("enter")
        fresh = Scene.of(app.scene.trace)
        assert app.scene.cell == (fresh.view.query, fresh.view.key)


def test_layers_of_one_text_are_not_those_of_a_pair_with_the_same_tokens():
    pytest.importorskip("tokenizers")
    model = load_model(BERT)
    model.keep_layers(lambda number: None)
    tokens = model.read("a", (), 64, pair="b")[1]
    with_pair = model.embed(tokens).vectors
    without = model.embed(replace(tokens, segments=None)).vectors
    assert np.abs(with_pair - without).max() > 1e-3


def test_what_the_command_asks_for_is_what_is_seen_first():
    session = session_of()
    app = Explorer(session, Ink(), outside(), computed(session), query="storm", key="river", step=3, full=True)
    assert (app.scene.step, app.scene.view.full, app.scene.names[app.scene.cell[0]]) == (3, True, "storm")
    assert app.scene.names[app.scene.cell[1]] == "river"
