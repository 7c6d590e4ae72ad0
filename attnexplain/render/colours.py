"""Two colour maps, even to the eye, on dark and on white paper: one from zero up for shares, one on both sides of zero.

The paper is what zero looks like. On dark paper much is bright, on white paper much is dark, so lightness alone orders
the cells, also for eyes and printers that see no hue. The numbers are made by `tests/make_colours.py`, which tells how.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from attnexplain.render.themes import ThemeName
from attnexplain.steps.blocks import Colours

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
Path = Literal["share", "positive", "negative"]
_STEPS = 64

# For each path 64 colours from nothing to the most, six hexadecimal digits each; and for terminals of 256 colours the
# numbers of those that look most alike, two digits each.
_MAPS: dict[tuple[ThemeName, Path], tuple[str, str]] = {
    ("dark", "share"): (
        "1d1c31211e3725203d2922432d244931264f3628553a2a5c3e2c62422e69472f6f4b31764f337c54358358378a5d3890"
        "613a97673c9a6e3f9a7541997c43998244988946979048979749969e4a95a54c94ad4d93b44e93bb4e92c24f90ca508f"
        "d1508ed8518de0518be6528ae75988e95f86ea6583ec6b81ed717eef767bf07c78f18175f38672f48b6ef5906bf69567"
        "f79a62f99f5efaa459fba953fcaf5afcb562fdbb69fdc171fdc778fdcd7ffdd387fdd98efddf95fde59cfdeba3fcf1aa",
        "eaebebebebebeb353535363636363636373761616161616161858585858585a8"
        "a8a8a8a8a8a8ccccccd2d2d2d1d1d1d1d1d7d7d7d7d7d7d7dedededededee5e5",
    ),
    ("dark", "positive"): (
        "2626262a28272e2a27322b28362d283a2f283e30284232294633294a35294e3629533829573a295b3b295f3d29633e29"
        "6740296c41297043287444287846287d4727814927854a268a4c268e4d25924f249750239b5122a05321a45420a9561e"
        "ad581eaf5b21b25e23b56225b76528ba682abd6c2cbf6f2fc27231c57633c77935ca7c38cd803acf833cd2873ed58a41"
        "d78d43da9145dd9448df974ae29b4ce59e4ee7a251eaa553eda955efac57f2b05af5b35cf7b65efaba61fdbd63ffc165",
        "ecececececececededededeeeeeeeeeeeeeeeeee5e5e5e5e5e5e5e5e82828282"
        "82828282828282a6a6a6acacacacacacacacacacacd7d7d7d7d7d7d7d7d7d7d7",
    ),
    ("dark", "negative"): (
        "26262627292b272b30282d3428303929323d2934422a36472a394c2a3b502a3d552b3f5a2b425f2b44642b46692b496e"
        "2b4b732b4d782b4f7d2b52822b54872a568d2a59922a5b97295d9c295fa22862a72864ac2b67ae2d6bb02f6eb23271b4"
        "3474b63778b8397bbb3c7ebd3e82bf4185c14388c3468bc5498fc74b92c94e95cb5099cd539ccf569fd258a2d45ba6d6"
        "5ea9d860acda63b0dc66b3de69b7e06bbae26ebde471c1e674c4e876c7ea79cbec7cceee7fd2f082d5f284d9f587dcf7",
        "ebebebececececedededededededed1818181818181818181919191919191919"
        "20202020202020202020204a4a4a4a4a4a4a4a4a4a4a4a4a7575757575757575",
    ),
    ("light", "share"): (
        "fffffffffbf5fff6ebfff2e1feedd7fee9cdfee5c3fde0b9fddcaffcd7a4fcd29afbce8ffbc988fbc386fbbd84fab783"
        "fab181f9ab7ff9a57df89f7cf7997af69378f68d76f58775f48173f27a71f1746ff06d6eef666cea636ee36171dd5f74"
        "d75c77d15a79cc577bc6557ec05280ba5082b44d83af4a85a94787a344889e418a983e8b933b8d8e378e88348f833090"
        "7e2c90782b8c722b876c2a8266297e6028795a27755426714f246c4923684322643e215f381f5b331e572d1d53271b4e",
        "e7e7e7e6e6dfdfdfdfdfdfdfdfd8d8d8d8d8d8d8d2d2d2d2d2d2d2cccccca8a8"
        "a8a8a8a8a8a8858585858561615b5b5b5b5b3636363636363535353535353535",
    ),
    ("light", "positive"): (
        "fffffffffcf9fff9f3fff6edfef2e7feefe2feecdcfee9d6fde6d0fde2cafddfc4fcdcbefcd9b8fbd6b2fbd2acfbcfa6"
        "facca0fac99af9c594f9c28ef8bf87f7bb81f7b87af6b574f5b16df5ae66f4ab5ff3a759f0a457eda155ea9e53e79b52"
        "e59850e2954edf924cdc8f4ad98c48d68946d38645d18343ce8041cb7d3fc87a3dc5773cc2743ac07138bd6e36ba6b34"
        "b76833b46531b1622faf5f2dac5c2ca9592aa65628a35326a150259e4e239b4b2198481f95451e93421c903f1a8d3c18",
        "e7e7e7e7e7e7e7dfdfdfdfdfdfdfdfdfdfdfdfd7d7d7d7d7d7d7d7d7d7d7d7d7"
        "acacacacacacacacacacacac82828282828282828282828282825e5e5e5e5e5e",
    ),
    ("light", "negative"): (
        "fffffffafdfef4fafeeff8fde9f5fce4f3fcdff0fbd9edfad4ebf9cee8f9c9e6f8c3e3f7bee1f6b8def6b3dcf5add9f4"
        "a8d7f3a2d4f29cd2f196cff191ccf08bcaef85c7ee7fc5ed79c2ec72bfeb6fbce96cb9e66ab5e467b2e165afde63abdc"
        "60a8d95ea5d65ba1d4599ed1579bce5497cb5294c95091c64d8ec34b8ac14987be4684bc4481b9427db6407ab43d77b1"
        "3b74ae3971ac376da9356aa63367a43064a12e619f2c5e9c2a5b99285797265494245191224e8f204b8c1f488a1d4587",
        "e7e7e7e7c3c3c3c3c3c39999999999999999757575757575754a4a4a4a4a4a4a"
        "4a4a4a4a4a4a2020202020202020202020191919191919191919181818181818",
    ),
}
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def share_colour(share: float, theme: ThemeName = "dark") -> Colour:
    """Colour a number from 0 (the colour of nothing) to 1 (what stands out most on it)."""
    return _colours(theme, "share")[step_of(max(share, 0.0))]


def signed_colour(number: float, theme: ThemeName = "dark") -> Colour:
    """Colour a number from -1 (blue) over 0 (the paper) to 1 (orange)."""
    return _colours(theme, "negative" if number < 0 else "positive")[step_of(number)]


def ground(strength: float, colours: Colours, theme: ThemeName) -> Colour:
    """Colour a cell by its strength."""
    return share_colour(strength, theme) if colours == "share" else signed_colour(strength, theme)


def step_of(strength: float) -> int:
    """Tell which step of its path a strength is, whatever its sign."""
    return round(min(abs(strength), 1.0) * (_STEPS - 1))


def of_256(colour: Colour) -> tuple[int, Colour]:
    """Find what stands for a colour of a map, or for black or white, among xterm's 256: its number, and what it is."""
    number = _numbers()[colour]
    return number, _xterm_colour(number)


def hexadecimal(colour: Colour) -> str:
    """Write a colour as pages and pictures do: #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def readable_on(background: Colour) -> Colour:
    """Choose black or white, whichever stands out more (a contrast of at least 4.58 : 1, by WCAG 2)."""
    white = 1.05 / (luminance(background) + 0.05)
    black = (luminance(background) + 0.05) / 0.05
    return _WHITE if white > black else _BLACK


def luminance(colour: Colour) -> float:
    """Return the relative luminance of WCAG 2, from 0 (black) to 1 (white)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def _colours(theme: ThemeName, path: Path) -> tuple[Colour, ...]:
    numbers = bytes.fromhex(_MAPS[theme, path][0])
    return tuple(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


@cache
def _numbers() -> dict[Colour, int]:
    """The numbers of 256 by the colours that they stand for; where two maps meet, the first one's."""
    found = {_BLACK: 16, _WHITE: 231}
    for theme, path in _MAPS:
        colours = _colours(theme, path)
        for colour, number in zip(colours, bytes.fromhex(_MAPS[theme, path][1]), strict=True):
            found.setdefault(colour, number)
    return found | {_xterm_colour(number): number for number in found.values()}


def _xterm_colour(number: int) -> Colour:
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    red, rest = divmod(number - 16, 36)
    levels = (0, 95, 135, 175, 215, 255)
    return levels[red], levels[rest // 6], levels[rest % 6]
