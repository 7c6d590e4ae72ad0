"""Where a word stands, as numbers: sines and cosines of its position, as in the first transformers.

Each pair of places turns at a speed of its own: place 2i holds sin(position / BASE^(2i/PLACES)), place 2i + 1 the
cosine (Vaswani et al. 2017, arXiv:1706.03762, section 3.5, which has 10,000 for BASE: sentences here are short). Any
position has its numbers, so a text may be as long as it likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from attnexplain.attention import Array

KINDS = 8
"""Places that say which kind of word it is."""
PLACES = 8
"""Places that say where it stands."""
BASE = 100.0


def positions(count: int) -> Array:
    """Return the numbers of the positions 0 to count - 1, (count, PLACES).

    >>> positions(2).round(2)[1, :4]  # sin 1, cos 1, sin(1/√10), cos(1/√10)
    array([0.84, 0.54, 0.31, 0.95])
    """
    speeds = BASE ** (-np.arange(0, PLACES, 2) / PLACES)  # [PLACES / 2]
    angles = np.arange(count)[:, None] * speeds  # [count, PLACES / 2]
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(count, PLACES)


def with_positions(kinds: Array) -> Array:
    """Put what kind of word each is, (n, KINDS), and where it stands side by side: (n, KINDS + PLACES).

    That is the sum of two vectors, one with zeros for the position and one with zeros for the kind.
    """
    return np.hstack([kinds, positions(len(kinds))])
