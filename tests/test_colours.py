"""The two colour maps: readable on every cell, in order and told apart by every eye, in every palette."""

import re
from pathlib import Path

import numpy as np
import pytest
from make_colours import written
from rich.color import ColorType
from screens import ARTICLE, draw

from attnexplain.render.colours import of_256, share_colour, signed_colour
from attnexplain.render.ink import FORMULA, HEADING, Ink

PATHS = [share_colour, signed_colour, lambda strength, theme: signed_colour(-strength, theme)]
STRENGTHS = [step / 100 for step in range(101)]
LIMITED = {
    "all cones": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "a grey printer": [[0.2126, 0.7152, 0.0722]] * 3,
}
"""What is seen of linear red, green and blue: Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (2009, https://doi.org/10.1109/TVCG.2009.113), table 1, severity 1."""


def linear(colour):
    parts = np.asarray(colour) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(colour, eye):
    """CIELAB of a colour as an eye sees it, by CIE 15 with the white point of D65."""
    light = np.clip(np.asarray(LIMITED[eye]) @ linear(colour), 0, 1)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.asarray(to_xyz) @ light / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", ["truecolor", "256"])
@pytest.mark.parametrize("colours", ["share", "signed"])
@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_on_every_cell_has_a_contrast_of_at_least_four_and_a_half(palette, colours, theme, marked):
    ink = Ink(palette, theme=theme)
    strengths = STRENGTHS if colours == "share" else [sign * strength for strength in STRENGTHS for sign in (1, -1)]
    for strength in strengths:
        style = ink.cell(strength, colours, marked=marked)
        wanted = ColorType.TRUECOLOR if palette == "truecolor" else ColorType.EIGHT_BIT
        assert style.color.type == style.bgcolor.type == wanted
        assert contrast(style.color.get_truecolor(), style.bgcolor.get_truecolor()) >= 4.5
        assert not style.dim


@pytest.mark.parametrize("eye", LIMITED)
@pytest.mark.parametrize("colour", PATHS)
def test_more_is_lighter_on_dark_and_darker_on_light_paper_for_every_eye(colour, eye):
    for theme, sign in (("dark", 1), ("light", -1)):
        lightness = [seen(colour(step / 20, theme), eye)[0] for step in range(21)]
        assert (sign * np.diff(lightness) > 1).all()


@pytest.mark.parametrize("eye", [eye for eye in LIMITED if eye != "a grey printer"])
def test_the_two_signs_are_told_apart_by_every_eye(eye):
    """A difference of 2.3 is just noticeable; a grey printer has the number's own minus sign."""
    for theme in ("dark", "light"):
        for strength in (0.25, 0.5, 0.75, 1.0):
            one, other = (seen(signed_colour(sign * strength, theme), eye) for sign in (1, -1))
            assert np.linalg.norm(one - other) > (20 if strength > 0.25 else 10)


def test_headings_and_formulas_are_readable_on_black_and_on_white():
    for style in (HEADING, FORMULA):
        for paper in ((0, 0, 0), (255, 255, 255)):
            assert contrast(style.color.get_truecolor(), paper) >= 4.5


def test_of_sixteen_colours_only_magenta_is_used_which_every_paper_bears(monkeypatch):
    """The terminal's own text is readable on its own paper, and nobody else knows which they are."""
    monkeypatch.setenv("TERM", "linux")
    screen = draw(["--color", "always", ARTICLE])
    codes = {code for sequence in re.findall(r"\x1b\[([\d;]*)m", screen) for code in sequence.split(";")}
    assert codes == {"0", "1", "2", "4", "35"}  # plain, bold, dim, underlined, magenta


@pytest.mark.parametrize("colour", PATHS)
def test_256_colours_hardly_ever_run_backwards_and_never_by_much(colour):
    for theme, sign in (("dark", 1), ("light", -1)):
        lightness = [seen(of_256(colour(step / 40, theme))[1], "all cones")[0] for step in range(41)]
        assert min(sign * np.diff(lightness)) > -2  # of 100
        assert len(set(lightness)) >= 6


def test_on_light_paper_nothing_is_white_and_on_dark_paper_almost_black():
    for colour in PATHS:
        assert colour(0.0, "light") == (255, 255, 255)
        assert max(colour(0.0, "dark")) < 64


def test_the_maps_are_those_that_their_generator_makes():
    source = (Path(__file__).parents[1] / "attnexplain" / "render" / "colours.py").read_text(encoding="utf-8")
    assert written() in source
