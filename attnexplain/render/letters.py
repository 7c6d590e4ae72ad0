"""How wide a text becomes in a picture, where no font is at hand to be asked."""

from __future__ import annotations

from rich.cells import cell_len

_WIDTHS = {
    **dict.fromkeys("ijlI.,:;'|!()[]`", 0.40),
    **dict.fromkeys('ftr-"*/\\{}', 0.46),
    **dict.fromkeys("mwMW@%", 1.0),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&", 0.79),
    " ": 0.33,
}
_OTHERS = 0.65
"""In parts of the size of the letters: those of DejaVu Sans, the widest of the common fonts, or a little more."""
_WIDE = 1.05


def advance(text: str, size: float) -> float:
    """Estimate the width of a text, rather too wide than too narrow, in the unit of the size of its letters."""
    return size * sum(_letter(character) for character in text)


def _letter(character: str) -> float:
    columns = 1 if character.isascii() else cell_len(character)
    return _WIDTHS.get(character, _OTHERS) if columns == 1 else _WIDE * min(columns, 1)


def broken(text: str, size: float, width: float) -> list[str]:
    """Break a text at its spaces into lines that are not wider than this; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and advance(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
