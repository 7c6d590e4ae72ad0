"""Make the colour maps of `attnexplain/render/colours.py`: `python tests/make_colours.py` prints them.

All are paths through OKLab, a space in which equal distances look equally different (Björn Ottosson, "A perceptual
color space for image processing", 2020, https://bottosson.github.io/posts/oklab/; the matrices are his). The steps
along a path have equal length. On dark paper much is bright, on white paper much is dark, so lightness alone orders
the cells, also for eyes and printers that see no hue.
"""

from itertools import pairwise
from math import cos, dist, radians, sin

PATHS = {
    ("dark", "share"): ((0.24, 0.04, 285), (0.45, 0.15, 300), (0.65, 0.19, 0), (0.80, 0.14, 65), (0.95, 0.09, 100)),
    ("dark", "positive"): ((0.27, 0.0, 60), (0.55, 0.13, 50), (0.85, 0.13, 75)),
    ("dark", "negative"): ((0.27, 0.0, 250), (0.50, 0.13, 255), (0.85, 0.09, 220)),
    ("light", "share"): ((1.0, 0.0, 95), (0.87, 0.10, 75), (0.68, 0.17, 20), (0.46, 0.17, 320), (0.27, 0.09, 290)),
    ("light", "positive"): ((1.0, 0.0, 60), (0.79, 0.13, 65), (0.46, 0.12, 42)),
    ("light", "negative"): ((1.0, 0.0, 250), (0.77, 0.10, 235), (0.40, 0.12, 260)),
}
"""Lightness, chroma and hue (degrees) of the corners of each path, from nothing to the most."""
STEPS = 64
OF_256 = {
    ("dark", "share"): (234, 235, 53, 54, 55, 97, 133, 168, 204, 210, 209, 215, 222, 229),
    ("dark", "positive"): (236, 237, 238, 94, 130, 166, 172, 215),
    ("dark", "negative"): (235, 236, 237, 23, 24, 25, 32, 74, 117),
    ("light", "share"): (231, 230, 223, 216, 210, 204, 168, 133, 97, 91, 54, 53),
    ("light", "positive"): (231, 223, 215, 172, 130, 94),
    ("light", "negative"): (231, 195, 153, 117, 74, 32, 25, 24, 18),
}
"""Colours of xterm's 256 along the paths. All the others are left out: nearest of all, they jump in hue."""


def ramp(corners):
    """Walk a path in steps of equal length."""
    points = [(lightness, chroma * cos(radians(hue)), chroma * sin(radians(hue))) for lightness, chroma, hue in corners]
    lengths = [dist(left, right) for left, right in pairwise(points)]
    colours = []
    for step in range(STEPS):
        way, leg = sum(lengths) * step / (STEPS - 1), 0
        while leg < len(lengths) - 1 and way > lengths[leg]:
            way -= lengths[leg]
            leg += 1
        part = min(way / lengths[leg], 1.0)
        lab = tuple(left + part * (right - left) for left, right in zip(points[leg], points[leg + 1], strict=True))
        colours.append(rgb(lab))
    return colours


def of_256(paper, path):
    """Choose for each step of a path the one of its colours in xterm's 256 that looks most alike."""
    chosen = OF_256[paper, path]
    return [
        min(chosen, key=lambda number: dist(lab(colour), lab(xterm(number)))) for colour in ramp(PATHS[paper, path])
    ]


def xterm(number):
    """Red, green and blue of one of xterm's 256 colours, from 16 on."""
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    red, rest = divmod(number - 16, 36)
    levels = (0, 95, 135, 175, 215, 255)
    return levels[red], levels[rest // 6], levels[rest % 6]


def rgb(lab):
    """From OKLab to red, green and blue, 0 to 255."""
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    clipped = (min(max(part, 0.0), 1.0) for part in linear)
    return tuple(round(255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055)) for v in clipped)


def lab(colour):
    """And back."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def written():
    """The table as it stands in the package."""
    lines = []
    for paper, path in PATHS:
        colours = "".join("{:02x}{:02x}{:02x}".format(*colour) for colour in ramp(PATHS[paper, path]))
        numbers = "".join(f"{number:02x}" for number in of_256(paper, path))
        lines.append(f'    ("{paper}", "{path}"): (')
        lines += [f'        "{text[i : i + 96]}"' for text in (colours,) for i in range(0, len(text), 96)]
        lines[-1] += ","
        lines += [f'        "{numbers[i : i + 64]}"' for i in range(0, len(numbers), 64)]
        lines[-1] += ","
        lines.append("    ),")
    return "\n".join(lines)


if __name__ == "__main__":
    print(written())
