"""The files that can be written, by their endings, and what each of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SCREEN = ""


class Form(NamedTuple):
    """One kind of file."""

    says: str
    """Why an option that it has no use for does not go with it."""
    is_drawn: bool = True
    """Whether it shows a lesson to a reader."""
    holds_one: bool = False
    """Whether it holds one sentence alone."""


FORMS: Mapping[str, Form] = {
    ".svg": Form("a picture is not a screen", holds_one=True),
    ".html": Form("a page is not a screen", holds_one=True),
    ".md": Form("a text file is not a screen"),
    ".txt": Form("a text file is not a screen"),
    ".json": Form("JSON has every number with all its digits, and no prose", is_drawn=False),
    ".npz": Form(".npz holds every array of one sentence", is_drawn=False, holds_one=True),
}
DRAWN = frozenset({SCREEN, *(ending for ending, form in FORMS.items() if form.is_drawn)})
EVERY = DRAWN | set(FORMS)
