"""The keys: what each does, said once, for the last line of the screen and for the help."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One key, or several that belong together."""

    keys: str
    """As Textual names them."""
    action: str
    shown: str
    """As a reader knows them."""
    says: str
    brief: str = ""
    """What the last line of the screen says; "" for what only the help lists."""


KEYS = (
    Key("space", "walk(1)", "space", "a walk through: the next thing worth saying", "next"),
    Key("b", "walk(-1)", "b", "back, to the one before", "back"),
    Key("left,h", "move(0,-1)", "← h", "the cell to the left"),
    Key("down,j", "move(1,0)", "↓ j", "the cell below"),
    Key("up,k", "move(-1,0)", "↑ k", "the cell above"),
    Key("right,l", "move(0,1)", "→ l", "the cell to the right"),
    Key("home", "edge(-1)", "Home", "the first cell of the row"),
    Key("end", "edge(1)", "End", "the last cell of the row"),
    Key("pageup", "move(-10,0)", "PgUp", "ten rows up"),
    Key("pagedown", "move(10,0)", "PgDn", "ten rows down"),
    Key("0", "step(0)", "0", "the answer: what the sentence does to one word"),
    Key("1", "step(1)", "1", "step 1, query, key and value vectors"),
    Key("2", "step(2)", "2", "step 2, scores"),
    Key("3", "step(3)", "3", "step 3, weights"),
    Key("4", "step(4)", "4", "step 4, context vectors"),
    Key("tab", "part(1)", "Tab", "the next matrix of the step, and what is said of the cell", "part"),
    Key("shift+tab", "part(-1)", "Shift-Tab", "the one before"),
    Key("slash", "ask_sentence", "/", "another sentence", "sentence"),
    Key("c", "causal", "c", "causal: each word sees only itself and those before it"),
    Key("s", "scale", "s", "scaling: divide by √d_k, or do not"),
    Key("f", "full", "f", "everything that the step has, or the lesson's choice"),
    Key("m", "ask_model", "m", "another model: tiny, untrained, minilm, a file or a folder", "model"),
    Key("left_square_bracket", "layer(-1)", "[", "the layer before"),
    Key("right_square_bracket", "layer(1)", "]", "the next layer"),
    Key("left_curly_bracket", "head(-1)", "{", "the head before"),
    Key("right_curly_bracket", "head(1)", "}", "the next head"),
    Key("o", "overview", "o", "all heads of the model; Enter opens one", "heads"),
    Key("w", "ask_link", "w", "which heads link two words, as it:animal; Enter opens one"),
    Key("y", "keep_command", "y", "the command that shows this very cell; printed at the end"),
    Key("e", "ask_file", "e", "write what is seen to a file: .svg or .html", "export"),
    Key("p", "plain", "p", "the answer and this cell as plain lines, for a screen reader"),
    Key("question_mark,f1", "help", "?", "these keys", "keys"),
    Key("escape", "give_up", "Esc", "give up what is being computed; leave a prompt"),
    Key("q,ctrl+q", "leave", "q", "the end", "quit"),
)
_FIRST = ("space", "question_mark,f1", "q,ctrl+q", "b", "slash")
BRIEF = sorted(
    (key for key in KEYS if key.brief), key=lambda key: _FIRST.index(key.keys) if key.keys in _FIRST else len(_FIRST)
)
"""What the last line of the screen says, as far as there is room: first what nobody should have to look for."""
