"""Light and dark paper for pictures: the few colours besides those of the cells, each readable on its paper."""

from __future__ import annotations

from typing import Literal, NamedTuple

ThemeName = Literal["dark", "light"]


class Theme(NamedTuple):
    """Colours as #rrggbb."""

    paper: str
    text: str
    quiet: str
    """For notes."""
    heading: str
    formula: str
    line: str
    """Around tables; it carries no meaning."""


THEMES: dict[ThemeName, Theme] = {
    "dark": Theme("#17171c", "#ececf1", "#a5a5b3", "#6fd3e8", "#f2c66d", "#3a3a45"),
    "light": Theme("#ffffff", "#1b1b22", "#5c5c6b", "#00647a", "#7a4f00", "#d4d4dd"),
}
FONTS = '"DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", "Noto Sans Mono CJK JP", monospace'
"""Fonts that computers have; nothing is fetched."""
