"""What stands above the matrix: the sentence, and the steps with the model."""

from __future__ import annotations

from rich.console import RenderableType
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from attnexplain.explore.scene import TABS, Scene
from attnexplain.explore.session import Wanted
from attnexplain.render.ink import CHOSEN, DIM, PLAIN, Ink


class Words(Widget):
    """The sentence, each word shaded by the share that the asking word gives it."""

    class Chosen(Message):
        """The reader pointed at a word."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, ink: Ink) -> None:
        super().__init__(id="words")
        self.ink = ink
        self.scene: Scene | None = None

    def show(self, scene: Scene) -> None:
        self.scene = scene
        self.refresh(layout=True)

    def _pieces(self) -> list[tuple[int, str, Style]]:
        """The words that fit into two lines, those around the asking word first."""
        if self.scene is None:
            return []
        scene, ink = self.scene, self.ink
        shares = scene.trace.weights[scene.view.query].tolist()
        largest = max(shares) or 1.0
        texts = [ink.text(text) for text in scene.trace.found.shown]
        room, first, last = 2 * self.app.size.width - 20, scene.view.query, scene.view.query
        length = len(texts[first]) + 1
        while length < room and (first > 0 or last < len(texts) - 1):
            if first > 0:
                first -= 1
                length += len(texts[first]) + 1
            if last < len(texts) - 1 and length < room:
                last += 1
                length += len(texts[last]) + 1
        pieces = []
        for place in range(first, last + 1):
            style = ink.cell(shares[place] / largest, "share")
            if place == scene.view.query:
                style = CHOSEN
            pieces.append((place, texts[place], style))
        return pieces

    def render(self) -> RenderableType:
        text = Text(no_wrap=False)
        for number, (place, word, style) in enumerate(self._pieces()):
            text.append(" " if number else "")
            text.append(word, style + Style(meta={"place": place}))
        return text

    def on_click(self, event: events.Click) -> None:
        if (place := event.style.meta.get("place")) is not None:
            self.post_message(self.Chosen(place))


class Tabs(Widget):
    """The answer and the four steps, and which model it is."""

    class Chosen(Message):
        """The reader pointed at a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, ink: Ink) -> None:
        super().__init__(id="tabs")
        self.ink = ink
        self.step: int | None = None
        self.model = ""

    def show(self, scene: Scene | None, seen: Wanted) -> None:
        self.step = None if scene is None else scene.step
        info = seen.model.info
        where = f", layer {info.layer}" if info.layers > 1 else ""
        where += f", head {info.head}" if info.heads > 1 else ""
        settings = "" if scene is None else "".join(f", {said}" for said in seen.settings(scene.trace))
        self.model = self.ink.text(f"{info.name}{where}{settings}")
        self.refresh()

    def render(self) -> RenderableType:
        text = Text(no_wrap=True, overflow="ellipsis" if not self.ink.ascii_only else "crop")
        for step, label in self._labels():
            text.append(label, CHOSEN if step == self.step else PLAIN)
        room = self.size.width - text.cell_len - 2
        model = self.ink.shortened(self.model, max(room, 0))
        text.append(" " * max(self.size.width - text.cell_len - Text(model).cell_len, 1) + model, DIM)
        return text

    def _labels(self) -> list[tuple[int, str]]:
        """Name the steps; on a narrow screen only the one that is seen."""
        whole = [(step, f" {step} {name} ") for step, name in TABS.items()]
        if sum(len(label) for _, label in whole) <= self.size.width:
            return whole
        return [(step, label if step == self.step else f" {step} ") for step, label in whole]

    def on_click(self, event: events.Click) -> None:
        column = 0
        for step, label in self._labels():
            column += len(label)
            if event.x < column:
                self.post_message(self.Chosen(step))
                return
