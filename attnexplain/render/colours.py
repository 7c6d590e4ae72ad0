"""Two colour maps, even to the eye: one from zero up for shares, one on both sides of zero for signed numbers.

Both are paths through OKLab, a space in which equal distances look equally different (Björn Ottosson, "A perceptual
color space for image processing", 2020, https://bottosson.github.io/posts/oklab/; the matrices are his). The steps
along a path have equal length. Little is dark and much is bright, so lightness alone orders the cells, also for eyes
and printers that see no hue.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import cos, dist, radians, sin

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
_Lab = tuple[float, float, float]

# Lightness, chroma and hue (degrees) of the corners of each path.
_SHARE_PATH = ((0.24, 0.04, 285), (0.45, 0.15, 300), (0.65, 0.19, 0), (0.80, 0.14, 65), (0.95, 0.09, 100))
_POSITIVE_PATH = ((0.27, 0.0, 60), (0.55, 0.13, 50), (0.85, 0.13, 75))
_NEGATIVE_PATH = ((0.27, 0.0, 250), (0.50, 0.13, 255), (0.85, 0.09, 220))
_STEPS = 64

_OF_256 = (
    *(234, 235, 53, 54, 55, 97, 133, 168, 204, 210, 209, 215, 222, 229),
    *(236, 237, 238, 94, 130, 166, 172),
    *(23, 24, 25, 32, 74, 117),
    *(16, 231),  # black and white, for the text
)
"""Colours of xterm's 256 along the three paths. All the others are left out: nearest of all, they jump in hue."""


def share_colour(share: float) -> Colour:
    """Colour a number from 0 (dark) to 1 (bright)."""
    return _ramp(_SHARE_PATH)[round(min(max(share, 0.0), 1.0) * (_STEPS - 1))]


def signed_colour(number: float) -> Colour:
    """Colour a number from -1 (bright blue) over 0 (dark grey) to 1 (bright orange)."""
    path = _NEGATIVE_PATH if number < 0 else _POSITIVE_PATH
    return _ramp(path)[round(min(abs(number), 1.0) * (_STEPS - 1))]


def readable_on(background: Colour) -> Colour:
    """Choose black or white, whichever stands out more (a contrast of at least 4.58 : 1, by WCAG 2)."""
    white = 1.05 / (luminance(background) + 0.05)
    black = (luminance(background) + 0.05) / 0.05
    return (255, 255, 255) if white > black else (0, 0, 0)


def _linear(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Return the relative luminance of WCAG 2, from 0 (black) to 1 (white)."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def of_256(colour: Colour) -> tuple[int, Colour]:
    """Find the colour of those chosen from xterm's 256 that looks most alike: its number, and what it is."""
    wanted, candidates = _to_lab(colour), _xterm_labs()
    number = min(candidates, key=lambda candidate: dist(wanted, candidates[candidate]))
    return number, _xterm_colour(number)


@cache
def _xterm_labs() -> dict[int, _Lab]:
    return {number: _to_lab(_xterm_colour(number)) for number in _OF_256}


def _xterm_colour(number: int) -> Colour:
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    red, rest = divmod(number - 16, 36)
    levels = (0, 95, 135, 175, 215, 255)
    return levels[red], levels[rest // 6], levels[rest % 6]


@cache
def _ramp(path: tuple[tuple[float, float, float], ...]) -> tuple[Colour, ...]:
    """Walk the path in steps of equal length."""
    corners = [_lab(*corner) for corner in path]
    lengths = [dist(left, right) for left, right in pairwise(corners)]
    ramp = []
    for step in range(_STEPS):
        way, leg = sum(lengths) * step / (_STEPS - 1), 0
        while leg < len(lengths) - 1 and way > lengths[leg]:
            way -= lengths[leg]
            leg += 1
        part = min(way / lengths[leg], 1.0)
        left, right = corners[leg], corners[leg + 1]
        ramp.append(
            _rgb(
                (
                    left[0] + part * (right[0] - left[0]),
                    left[1] + part * (right[1] - left[1]),
                    left[2] + part * (right[2] - left[2]),
                )
            )
        )
    return tuple(ramp)


def _lab(lightness: float, chroma: float, hue: float) -> _Lab:
    return lightness, chroma * cos(radians(hue)), chroma * sin(radians(hue))


def _rgb(lab: _Lab) -> Colour:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _encode(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _encode(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _encode(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def _to_lab(colour: Colour) -> _Lab:
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _encode(linear: float) -> int:
    value = min(max(linear, 0.0), 1.0)
    return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))
