"""The lesson as a screen that answers to keys and mouse."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from attnexplain.errors import AttnExplainError, CommandError
from attnexplain.explanation import Explanation
from attnexplain.explore.keys import BRIEF, KEYS
from attnexplain.explore.matrix import Matrix, is_picture
from attnexplain.explore.scene import ANSWER, Scene, magnified
from attnexplain.explore.session import GivenUpError, Job, Session, Wanted
from attnexplain.explore.strips import Tabs, Words
from attnexplain.render.ink import BOLD, Ink
from attnexplain.render.terminal import LessonPage, render_text
from attnexplain.steps.blocks import Block, Command, Lesson, Place, Prose, Step, Table
from attnexplain.steps.compose import at_place
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.explore.walk import Stop
    from attnexplain.overview import HeadSummary, Overview

WIDE = 110
"""Columns from which on the cell stands beside the matrix, and not below it."""
ROOMY = 30
"""Lines from which on there are empty ones between what is said."""
MAGNIFIED = 5
"""Rows and columns that are seen through the magnifier."""
PROMPTS = {
    "sentence": "above: another sentence; Enter takes it, Esc does not",
    "model": "above: tiny, untrained, minilm, a file or a folder; Enter, or Esc",
    "link": "above: two words, as it:animal; Enter finds the heads that link them, or Esc",
    "file": "above: the name of a file that ends in .svg or .html; Enter, or Esc",
}


HIDDEN = frozenset(
    ("walk", "part", "edge", "causal", "scale", "full", "layer", "head", "keep_command", "ask_file", "plain")
)
"""Actions on what is seen, which need it to be seen."""


SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]


class Prompt(Input):
    """A line to type in; what a terminal would obey, or nobody sees, is written out."""

    def validate_value(self, value: str) -> str:
        """Replace what must not reach the terminal."""
        return "".join(sign if sign.isprintable() else visible(sign) for sign in value)


class Outside(NamedTuple):
    """What is done outside of the screen."""

    write_file: Callable[[str, bytes], None]
    """Writes a file that is not there yet, or raises an AttnExplainError."""
    show_lines: Callable[[str], None]
    """Prints lines where the screen was, and waits for the reader."""


class Explorer(App[None]):
    """The whole screen.

    Args:
        session: the model and the sentence.
        ink: how to draw.
        outside: what is done outside of the screen.
        trace: of the sentence, where it is there already.
        query: the word that asks first, unless the lesson chooses.
        key: the word that answers.
        step: which step is seen first; 0 for the answer.
        full: whether everything is shown.
        place: which number of a vector is looked at first.
    """

    class Ended(Message):
        """A job has come to its end."""

        def __init__(self, job: Job, found: Any, error: AttnExplainError | GivenUpError | None) -> None:
            super().__init__()
            self.job, self.found, self.error = job, found, error

    CSS = """
    Screen { layers: base; background: ansi_default; color: ansi_default; }
    #words { height: auto; max-height: 2; }
    #tabs { height: 1; }
    #parts { height: 1fr; layout: vertical; }
    #parts.wide { layout: horizontal; }
    #matrix { height: auto; }
    #panel { height: 1fr; scrollbar-size: 0 0; background: ansi_default; }
    .wide #panel { padding-left: 2; }
    #said { height: auto; }
    #prompt { height: 1; border: none; padding: 0; background: ansi_default; color: ansi_default; display: none; }
    #prompt > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    #prompt > .input--selection { background: ansi_default; color: ansi_default; text-style: reverse; }
    #message { height: 1; }
    """
    AUTO_FOCUS = ""
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = [
        # All at once, in the order in which they come: what follows a "/" is typed into the prompt.
        *(Binding(key.keys, key.action, key.says, show=False, priority=True) for key in KEYS),
        Binding("enter", "open_head", show=False, priority=True),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False),
    ]

    def __init__(
        self,
        session: Session,
        ink: Ink,
        outside: Outside,
        trace: Explanation | None = None,
        *,
        query: str | None = None,
        key: str | None = None,
        step: int = ANSWER,
        full: bool = False,
        place: Place | None = None,
    ) -> None:
        super().__init__(ansi_color=True)
        self.session, self.ink, self.outside = session, ink, outside
        self._begins = partial(self._first_scene, query, key, step, full=full, place=place)
        self.scene = None if trace is None else self._begins(trace)
        self.kept: list[str] = []
        """Commands to be printed at the end."""
        self.interrupted_by: int | None = None
        self.failure: BaseException | None = None
        self._stops: list[Stop] = []
        self._stop: int | None = None
        self._left_at: int | None = None
        """The stop at which the walk was left; it goes on from there."""
        self._asks = ""
        self._overview: Overview | None = None
        self._head = 0
        self._is_help = False
        self._is_in_panel = False
        """Whether the arrows scroll what is said, and do not move the cell."""
        self._message = ""
        self._before = self._shown_before = ""
        """The sentence before another was typed, and how the prompt shows it."""
        self._job: Job | None = None

    # What is on the screen

    def compose(self) -> ComposeResult:
        yield Words(self.ink)
        yield Tabs(self.ink)
        with Container(id="parts"):
            yield Matrix(self.ink)
            with VerticalScroll(id="panel", can_focus=False):
                yield Static(id="said", markup=False)
        yield Prompt(id="prompt", compact=True, select_on_focus=False)
        yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        self._heed_signals()
        self.set_interval(0.1, self._tell_progress)
        if self.scene is None:
            self._compute(self.session.wanted, self._first_seen)
        self.show()

    def _heed_signals(self) -> None:
        """End as a signal asks for, once the terminal is as it was."""
        for number in SIGNALS:
            with suppress(NotImplementedError):  # where there are none, as on Windows
                asyncio.get_running_loop().add_signal_handler(number, self.end_by, number)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Draw what is looked at."""
        parts, matrix, panel = self.query_one("#parts"), self.query_one(Matrix), self.query_one("#panel")
        stop = self._stops[self._stop] if self._stop is not None else None
        scene = stop.scene if stop is not None else self.scene
        is_wide = self.size.width >= WIDE
        parts.set_class(is_wide, "wide")
        has_matrix = scene is not None and scene.grid is not None and self._overview is None and not self._is_help
        matrix.display = has_matrix
        grid = scene.grid if scene is not None else None
        if scene is not None:
            matrix.show(scene, is_row=stop is not None and stop.is_row)
            wide, tall = matrix.natural_size
            room = self.size.height - 4
            if is_wide:
                matrix.styles.width = min(wide, self.size.width * 6 // 10)
                matrix.styles.height = "100%"
            else:
                matrix.styles.width = "100%"
                most = room * 4 // 10 if grid is not None and is_picture(grid) else max(room * 6 // 10, room - 16)
                matrix.styles.height = min(tall, most)
            self.query_one(Words).show(scene)
        self.query_one(Tabs).show(scene, self.session.seen)
        self.query_one("#said", Static).update(self._said(scene, stop))
        panel.scroll_home(animate=False)
        self.query_one("#message", Static).update(self._last_line())
        self.call_after_refresh(self._tell_more)

    def _said(self, scene: Scene | None, stop: Stop | None) -> RenderableType:
        """Choose what stands beside the matrix, or in its place."""
        if self._is_help:
            return self._keys()
        if self._overview is not None:
            return self._heads(self._overview)
        if scene is None:
            return Text("")
        blocks: tuple[Block, ...] = stop.panel if stop is not None else scene.panel
        grid = scene.grid
        if grid is not None and is_picture(grid) and stop is None:
            blocks = (magnified(grid, scene.cell, MAGNIFIED if self._is_roomy else MAGNIFIED - 2), *blocks)
        if stop is None:
            blocks = (*scene.about, *blocks) if self._is_roomy else (*blocks, *scene.about)
        return LessonPage(Lesson("", (Step(0, "", blocks),)), self.ink, is_spaced=self._is_roomy)

    @property
    def _is_roomy(self) -> bool:
        return self.size.height >= ROOMY

    def _keys(self) -> RenderableType:
        every = [(key.shown, key.says) for key in KEYS]
        every.append(("mouse", "click a cell, a word or a step; the wheel moves on"))
        lines = [Text(f"{self.ink.text(shown):>9}  {self.ink.text(says)}") for shown, says in every]
        return Group(Text("Keys", style=BOLD), *lines)

    def _heads(self, found: Overview) -> RenderableType:
        """Draw all heads, or a ranking of them, with the one that Enter opens."""
        from attnexplain.render.gallery import GalleryPage
        from attnexplain.steps.heads import gallery_of, legend_of, ranking_lesson

        if found.pair is None:
            gallery = gallery_of(found)
            place = divmod(self._head, len(gallery.column_labels))
            legend = legend_of(found)
            return Group(
                GalleryPage(gallery, self.ink, chosen=place),
                LessonPage(Lesson("", (Step(0, "", (legend,)),)), self.ink),
            )
        blocks: list[Block] = []
        for block in ranking_lesson(found, self.ink.digits).steps[0].blocks:
            if isinstance(block, Table):
                rows = [
                    (f"{self.ink.text('▸') if place == self._head else ''}{row[0]}", *row[1:])
                    for place, row in enumerate(block.rows)
                ]
                blocks.append(block._replace(rows=rows))
            elif not (isinstance(block, Command) or (isinstance(block, Prose) and block.is_on_screen_only)):
                blocks.append(block)
        return LessonPage(Lesson("", (Step(0, "", tuple(blocks)),)), self.ink)

    def _last_line(self, more: str = "") -> Text:
        """Say what the keys do, as far as there is room beside what is more important."""
        if self._message:
            return Text(self.ink.shortened(self.ink.text(self._message), self.size.width), style=BOLD, no_wrap=True)
        line = Text(no_wrap=True)
        if self._stop is not None:
            line.append(f"{self._stop + 1} of {len(self._stops)}  ")
        if self._overview is not None:
            keys = [("←↓↑→", "choose"), ("Enter", "open"), ("Esc", "back")]
        elif self._is_help:
            keys = [("Esc", "back")]
        else:
            keys = [("←↓↑→", "cell"), ("0-4", "steps"), *((key.shown, key.brief) for key in BRIEF)]
        for shown, brief in keys:
            if line.cell_len + len(shown) + len(brief) + 3 > self.size.width - len(more):
                break
            line.append(self.ink.text(shown), style=BOLD)
            line.append(f" {brief}  ")
        if more:
            line.append(" " * max(self.size.width - line.cell_len - len(more), 0) + self.ink.text(more), style=BOLD)
        return line

    def _tell_more(self) -> None:
        """Say where more is said than there is room for."""
        panel = self.query_one("#panel", VerticalScroll)
        hidden = panel.max_scroll_y - round(panel.scroll_y)
        if hidden > 0 and not self._message:
            is_scrolled = self._is_in_panel or self._is_help or self._overview is not None
            more = f"{hidden} more line{'s' * (hidden > 1)}: {'↓' if is_scrolled else 'Tab ↓'}"
            self.query_one("#message", Static).update(self._last_line(more))

    def say(self, text: str) -> None:
        """Say something in the last line, until the next key."""
        self._message = text
        self.query_one("#message", Static).update(self._last_line())

    # Computing

    def _compute(
        self,
        wanted: Wanted,
        then: Callable[[Any], None],
        work: Callable[[Wanted], Any] = Wanted.explain,
        otherwise: Callable[[], None] = lambda: None,
    ) -> None:
        """Run what is wanted, at once where that is quick, else beside the screen; it takes the place of all before.

        Args:
            wanted: is what is seen, once it is there.
            then: what is done with what comes out.
            work: what is run; the four steps, unless given.
            otherwise: what is done where nothing comes out.
        """
        self._give_up()
        job = self._job = Job(wanted, work, then, otherwise)
        self.session.wanted = wanted
        if self.session.is_quick:
            self.on_explorer_ended(self._done(job))
        else:
            self.run_worker(lambda: self.post_message(self._done(job)), thread=True)

    def _done(self, job: Job) -> Ended:
        """Do a job; what is a bug of ours is kept for whoever started the screen."""
        try:
            return self.Ended(job, self.session.do(job), None)
        except (AttnExplainError, GivenUpError) as error:
            return self.Ended(job, None, error)
        except Exception as error:
            self.failure = self.failure or error
            return self.Ended(job, None, GivenUpError())

    def on_explorer_ended(self, ended: Ended) -> None:
        """Show what came out of a job, or say why nothing did; one that is not wanted any more is passed over."""
        if self.failure is not None:
            self.exit()
        elif ended.job is self._job:
            self._job, self._message = None, ""
            if ended.error is None:
                self.session.seen = ended.job.wanted
                ended.job.then(ended.found)
                return
            self.session.wanted = self.session.seen
            ended.job.otherwise()
            self.say("given up" if isinstance(ended.error, GivenUpError) else one_line(ended.error))

    def _tell_progress(self) -> None:
        layer = self._job.layer if self._job is not None else None
        if layer is not None:
            self.say(f"layer {layer} of {self.session.wanted.model.info.layers} is being computed; Esc gives up")

    def _first_scene(
        self, query: str | None, key: str | None, step: int, trace: Explanation, *, full: bool, place: Place | None
    ) -> Scene:
        """Look at what the command asked for."""
        scene = Scene.of(trace, digits=self.ink.digits, query=query, key=key)
        if place is not None:
            scene = replace(scene, view=at_place(trace, scene.view, place, (step,) if step else ()))
        return scene.on(step, place.vectors if place is not None and step == 1 else None).in_full(full)

    def _first_seen(self, trace: Explanation) -> None:
        self.scene = self._begins(trace)
        self.show()

    def _seen(self, trace: Explanation) -> None:
        """Look at a new run as at the one before."""
        self._leave_walk()
        self._message = PROMPTS[self._asks] if self._asks else ""
        self.scene = Scene.of(trace, digits=self.ink.digits) if self.scene is None else self.scene.with_trace(trace)
        self.show()

    # Moving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key that is typed into a prompt, and none that would change what the help or the overview hides."""
        if self._asks and action not in ("give_up", "interrupt", "suspend_process"):
            return False
        return not (action in HIDDEN and (self._is_help or self._overview is not None))

    def action_move(self, rows: int, columns: int) -> None:
        if self._overview is not None:
            self._choose_head(rows, columns)
            return
        panel = self.query_one("#panel", VerticalScroll)
        if self._is_in_panel or self._is_help:
            panel.scroll_relative(columns, rows, animate=False, on_complete=self._tell_more)
            return
        if self.scene is not None:
            self._leave_walk()
            row, column = self.scene.cell
            if self.scene.step == ANSWER:
                row, columns = row + columns, 0
            self._to(self.scene.at(row + rows, column + columns))

    def action_edge(self, side: int) -> None:
        if self.scene is not None:
            self._leave_walk()
            row, grid = self.scene.cell[0], self.scene.grid
            if grid is None:
                self._to(self.scene.at(0 if side < 0 else len(self.scene.names), 0))
            else:
                self._to(self.scene.at(row, 0 if side < 0 else len(grid.columns)))

    def on_matrix_moved(self, moved: Matrix.Moved) -> None:
        if self.scene is not None:
            self._leave_walk()
            self._to(self.scene.at(moved.row, moved.column))

    def on_words_chosen(self, chosen: Words.Chosen) -> None:
        if self.scene is not None:
            self._leave_walk()
            self._to(self.scene.at(chosen.place, self.scene.cell[1]))

    def on_tabs_chosen(self, chosen: Tabs.Chosen) -> None:
        self.action_step(chosen.step)

    def action_step(self, step: int) -> None:
        if self.scene is not None:
            self._close()
            self._leave_walk()
            self._left_at = None
            self._to(self.scene.on(step))

    def action_part(self, by: int) -> None:
        """Go on to the next matrix of the step; behind the last one is what is said of the cell."""
        if self.scene is None:
            return
        grids = [grid.role for grid in self.scene.grids]
        here = len(grids) if self._is_in_panel else grids.index(self.scene.grid.role) if self.scene.grid else 0
        there = (here + by) % (len(grids) + 1)
        if there == len(grids) and (grids or not self._is_in_panel):
            self._is_in_panel = True
            self.say("the arrows scroll what is said; Tab goes back")
            return
        self._is_in_panel = False
        if grids:
            self._leave_walk()
            self._to(self.scene.on(self.scene.step, grids[there]))
        else:
            self.say("the arrows choose the word that asks")

    def _to(self, scene: Scene) -> None:
        self.scene, self._message = scene, ""
        self.show()

    # The walk

    def action_walk(self, by: int) -> None:
        if self.scene is None:
            return
        self._close()
        if self._stop is None:
            if by < 0 and self._left_at is None:
                return
            from attnexplain.explore.walk import walk

            self._stops = walk(self.scene)
            place = self._left_at if self._left_at is not None else 0 if self.scene.step == ANSWER else -1
            self._stop = max(place + by, 0)
            self._left_at = None
        else:
            self._stop = max(self._stop + by, 0)
        if self._stop >= len(self._stops):
            self._leave_walk()
            self._left_at = None
            self.show()
            self.say("that was the walk; space begins again")
            return
        self._message = ""
        self.show()

    def _leave_walk(self) -> None:
        if self._stop is not None and self.scene is not None:
            place = min(self._stop, len(self._stops) - 1)
            self.scene, self._left_at = self._stops[place].scene, place
        self._stop, self._stops = None, []

    # Settings and models

    def action_causal(self) -> None:
        if self.scene is not None:
            self._set(replace(self.session.wanted, causal=not self.scene.trace.causal))

    def action_scale(self) -> None:
        if self.scene is not None:
            is_divided = self.scene.trace.scale != 1
            self._set(replace(self.session.wanted, scale=False if is_divided else None))

    def _set(self, wanted: Wanted) -> None:
        """Run with another setting, and say which there are now."""

        def seen(trace: Explanation) -> None:
            self._seen(trace)
            self.say(", ".join(wanted.settings(trace)))

        self._compute(wanted, seen)

    def action_full(self) -> None:
        if self.scene is not None:
            self._leave_walk()
            is_full = not self.scene.view.full
            self._to(self.scene.in_full(is_full))
            self.say("everything that the step has" if is_full else "the lesson's choice")

    def action_layer(self, by: int) -> None:
        info = self.session.wanted.model.info
        self._choose(info.layer + by, info.head)

    def action_head(self, by: int) -> None:
        info = self.session.wanted.model.info
        self._choose(info.layer, info.head + by)

    def _choose(self, layer: int, head: int, then: Callable[[], None] = lambda: None) -> None:
        """Take another head, and look at it as at the one before.

        Args:
            layer: counted from 0.
            head: counted from 0.
            then: what is done when it is seen.
        """
        wanted = self.session.wanted.beside(layer, head)
        if wanted is None:
            self.say("there is no other on that side")
            return

        def seen(trace: Explanation) -> None:
            self._seen(trace)
            then()

        self._close()
        self._compute(wanted, seen)

    def action_overview(self) -> None:
        self._compute(self.session.wanted, self._seen_heads, Wanted.overview)

    def _seen_heads(self, found: Overview) -> None:
        self._overview, self._is_help = found, False
        ranked = found.heads if found.pair is None else found.ranked()
        info = self.session.seen.model.info
        here = [place for place, head in enumerate(ranked) if (head.layer, head.head) == (info.layer, info.head)]
        self._head = here[0] if here and found.pair is None else 0
        self._message = ""
        self.show()

    def _choose_head(self, rows: int, columns: int) -> None:
        from attnexplain.steps.heads import MOST_RANKED

        found = self._overview
        if found is None:
            return
        across = len(found.heads) // len(found.layers) if found.pair is None else 1
        there = self._head + rows * across + (columns if found.pair is None else 0)
        most = len(found.heads) if found.pair is None else min(len(found.heads), MOST_RANKED)
        if 0 <= there < most:
            self._head = there
            self.show()
            if found.pair is None:
                self._scroll_to_head(there // across, len(found.layers))

    def _scroll_to_head(self, row: int, count: int) -> None:
        panel = self.query_one("#panel", VerticalScroll)
        panel.scroll_to(y=max(panel.virtual_size.height * row // count - panel.size.height // 2, 0), animate=False)

    def action_open_head(self) -> None:
        found = self._overview
        if found is None:
            return
        ranked = list(found.heads) if found.pair is None else found.ranked()
        head: HeadSummary = ranked[self._head]
        self._overview = None
        self._choose(head.layer or 0, head.head or 0, then=partial(self._at_link, found))

    def _at_link(self, found: Overview) -> None:
        """Go to the weight of the link that was looked for."""
        if found.link is not None and self.scene is not None:
            self._to(self.scene.on(3).at(*found.link))

    def action_help(self) -> None:
        self._is_help, self._overview = not self._is_help, None
        self.show()

    def action_give_up(self) -> None:
        prompt = self.query_one(Input)
        if prompt.display:
            is_sentence = self._asks == "sentence"
            self._close_prompt()
            if is_sentence and self.session.wanted.sentence != self._before:  # what was typed so far is given up
                self._take_sentence(self._before)
        elif self._job is not None:
            self._give_up()
        else:
            self._close()
            self._leave_walk()
            self._message = ""
            self.show()

    def _close(self) -> None:
        """Leave the help, or the overview, or what is said of the cell."""
        self._is_help, self._overview, self._is_in_panel = False, None, False

    # Prompts

    def action_ask_sentence(self) -> None:
        wanted = self.session.wanted
        if wanted.sentence is None:
            self.say(f"{wanted.model.info.name} is a finished example, with words of its own")
            return
        self._before = wanted.sentence
        self._ask("sentence", wanted.sentence)
        self._shown_before = self.query_one(Input).value

    def action_ask_model(self) -> None:
        self._ask("model", "")

    def action_ask_link(self) -> None:
        self._ask("link", "")

    def action_ask_file(self) -> None:
        self._ask("file", "lesson.svg")

    def _ask(self, what: str, value: str) -> None:
        self._asks = ""
        prompt = self.query_one(Input)
        prompt.value = value
        prompt.cursor_position = len(value)
        prompt.display = True
        self.screen.set_focus(prompt)  # at once: the next key is the prompt's
        self._asks = what
        self.say(PROMPTS[what])

    def _close_prompt(self) -> None:
        """Leave the prompt, and go on with what was taken."""
        self._asks = ""
        self.query_one(Input).display = False
        self.set_focus(None)
        self._message = ""
        self.show()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Follow a sentence as it is typed, while that is quick."""
        if self._asks == "sentence" and self.session.is_quick:
            self._take_sentence(changed.value)

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        asks, value = self._asks, submitted.value
        self._close_prompt()
        if not value.strip():
            return

        def again() -> None:
            self._ask(asks, value)

        try:
            if asks == "sentence":
                self._take_sentence(value)
            elif asks == "model":
                self._compute(self.session.opened(value.strip()), self._seen)
            elif asks == "link":
                self._compute(self.session.wanted, self._seen_heads, lambda wanted: wanted.overview(value), again)
            elif asks == "file":
                self._write(value.strip())
        except AttnExplainError as error:
            again()
            self.say(one_line(error))

    def _take_sentence(self, text: str) -> None:
        text = self._before if text == self._shown_before else text  # of what nobody changed nothing is lost
        self._compute(replace(self.session.wanted, sentence=text), self._seen)

    # What leaves the screen

    def action_keep_command(self) -> None:
        if self.scene is None:
            return
        text = self._scene_now().command.text
        if text not in self.kept:
            self.kept.append(text)
        self.say(text)

    def _scene_now(self) -> Scene:
        assert self.scene is not None  # noqa: S101 - the callers looked
        return self._stops[self._stop].scene if self._stop is not None else self.scene

    def _write(self, path: str) -> None:
        """Write the lesson or the step that is seen; a file that is there is not replaced."""
        if self.scene is None:
            return
        if os.path.splitext(path)[1].lower() not in (".svg", ".html"):
            raise CommandError("the name of the file ends in .svg or .html")
        scene = self._scene_now()
        lesson = Lesson(scene.trace.sentence, (), answer=scene.answer)
        if scene.step != ANSWER:
            lesson = Lesson(scene.trace.sentence, (scene.lesson_step,))
        ink = Ink("truecolor", self.ink.ascii_only, self.ink.digits, theme=self.ink.theme)
        if path.lower().endswith(".svg"):
            from attnexplain.render.svg import PICTURE_WIDTH, render_svg

            data = render_svg(lesson.on_paper(), ink, width=PICTURE_WIDTH).encode()
        else:
            from attnexplain.render.html import render_html

            data = render_html(lesson.on_paper(), ink).encode()
        self.outside.write_file(path, data)
        self.say(f"written: {path}")

    def action_plain(self) -> None:
        """Leave the screen for a moment, and print the answer and the cell as plain lines."""
        if self.scene is None:
            return
        scene = self._scene_now()
        with self.suspend():
            for number in SIGNALS:  # the terminal is as it was already
                asyncio.get_running_loop().remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)
            self.outside.show_lines(self.plain(scene))
        self._heed_signals()
        self.refresh(layout=True)

    def plain(self, scene: Scene) -> str:
        """Write the answer and the cell as lines, without colours and nothing beside one another."""
        steps = (scene.lesson_step._replace(blocks=scene.panel),) if scene.step != ANSWER else ()
        lesson = Lesson(scene.trace.sentence, steps, answer=scene.answer)
        ink = Ink(None, self.ink.ascii_only, self.ink.digits, self.ink.charset)
        return render_text(lesson, ink, width=min(self.size.width, 80))

    def _give_up(self) -> None:
        if self._job is not None:
            self._job.given_up.set()

    def action_leave(self) -> None:
        self._give_up()
        self.exit()

    def action_interrupt(self) -> None:
        self.end_by(signal.SIGINT)

    def end_by(self, number: int) -> None:
        """End as a signal ends a process, once the terminal is as it was."""
        self._give_up()
        self.interrupted_by = number
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Keep a bug of ours for whoever started the screen; no trace of it is drawn."""
        if self.failure is None:
            self.failure = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()


def one_line(error: AttnExplainError) -> str:
    """Write an error and what to do about it in one line."""
    return (
        f"{error.message} ({error.hint})" if error.hint and len(error.message) + len(error.hint) < 70 else error.message
    )
