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
_LATIN, _OTHERS, _MARK, _WIDE = 0.65, 0.9, 0.35, 1.05
"""In parts of the size of the letters: those of DejaVu Sans, the widest of the common fonts, or a little more. Signs of
other scripts come from fonts that nobody knows; a mark of some takes room of its own."""
_LAST_OF_EUROPE = 0x0590


def advance(text: str, size: float) -> float:
    """Estimate the width of a text, rather too wide than too narrow, in the unit of the size of its letters."""
    return size * sum(map(_letter, text))


def _letter(character: str) -> float:
    if character in _WIDTHS:
        return _WIDTHS[character]
    if ord(character) < _LAST_OF_EUROPE:
        return _LATIN if character.isascii() or cell_len(character) else 0.0
    return (_MARK, _OTHERS, _WIDE)[min(cell_len(character), 2)]


def broken(text: str, size: float, width: float) -> list[str]:
    """Break a text at its spaces into lines that are not wider than this; a longer word is broken anywhere."""
    lines: list[str] = []
    for word in text.split():
        if lines and advance(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
            continue
        lines.append(word)
        while (count := _fitting(lines[-1], size, width)) < len(lines[-1]):
            lines[-1:] = [lines[-1][:count], lines[-1][count:]]
    return lines


def shortened(text: str, size: float, width: float) -> str:
    """Shorten a text to a width, and show that it goes on."""
    count = _fitting(text, size, width)
    return text if count == len(text) else text[: max(_fitting(text, size, width - advance("…", size)), 1)] + "…"


def _fitting(text: str, size: float, width: float) -> int:
    """Count how many characters fit, one at least."""
    taken = 0.0
    for count, character in enumerate(text):
        taken += size * _letter(character)
        if taken > width:
            return max(count, 1)
    return len(text)
