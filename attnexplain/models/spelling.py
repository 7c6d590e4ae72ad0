"""Words as the learned model knows them, and what to try for a word that it doesn't know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from zlib import crc32

from attnexplain.text import word_key

YEAR, ORDINAL, NUMBER = "<year>", "<ordinal>", "<number>"
NUMBERS = (YEAR, ORDINAL, NUMBER)
"""Numbers are learned by their kind."""

LONGEST = 32
"""Letters; longer words are not searched for two words or a slip of the keyboard."""

SHORTEST_SLIP = 6
"""Letters of a word that is taken for the slip of another."""

BUCKETS = 2048
"""How many vectors the groups of three to five letters share."""


@lru_cache(4096)
def normal_word(word: str) -> str:
    """Return the form in which a word is looked up.

    >>> [normal_word(word) for word in ("Krishna", "1984", "3rd", "-3.5", "don’t")]
    ['krishna', '<year>', '<ordinal>', '<number>', "don't"]
    """
    key = word_key(word)
    if not re.match(r"[+-]?[0-9]", key):
        return key
    if re.fullmatch(r"1[0-9]{3}|20[0-9]{2}", key):
        return YEAR
    return ORDINAL if re.fullmatch(r"[0-9]+(st|nd|rd|th)", key) else NUMBER


def parts(word: str) -> list[str]:
    """Split a hyphenated word, or the words of a phrase.

    >>> parts("self-attention")
    ['self', 'attention']
    """
    return [normal_word(part) for part in re.split(r"[-\s/]+", word) if part]


def without_ending(word: str) -> str:
    """Take off a possessive ending.

    >>> without_ending("cat's")
    'cat'
    """
    return re.sub(r"'s?$", "", word)


def without_accents(word: str) -> str:
    """Take accents off the letters.

    >>> without_accents("café")
    'cafe'
    """
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def bases(word: str) -> Iterator[str]:
    """Yield what a word may be a form of, the most likely first: plurals, forms of verbs, adverbs, comparisons.

    >>> list(bases("prays"))
    ['pray']
    >>> "kitten" in bases("kittens"), "city" in bases("cities"), "stop" in bases("stopped"), "make" in bases("making")
    (True, True, True, True)
    """
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2:
            continue
        yield stem + instead
        if ending in ("ed", "ing", "er", "est"):
            if len(stem) > 2 and stem[-1] == stem[-2]:
                yield stem[:-1]
            yield stem + "e"


_ENDINGS = (
    ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("men", "man"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
    ("shes", "sh"), ("oes", "o"), ("s", ""), ("ied", "y"), ("ed", ""), ("ing", ""), ("ier", "y"), ("iest", "y"),
    ("er", ""), ("est", ""), ("ily", "y"), ("ly", ""), ("ness", ""),
)  # fmt: skip


def two_words(word: str, is_common: Callable[[str], bool]) -> tuple[str, str] | None:
    """Find two common words that are written as one, the most even split first.

    >>> two_words("riverbank", {"river", "bank"}.__contains__)
    ('river', 'bank')
    """
    splits = sorted(range(3, len(word) - 2), key=lambda cut: abs(2 * cut - len(word)))
    return next(((word[:cut], word[cut:]) for cut in splits if is_common(word[:cut]) and is_common(word[cut:])), None)


def slip_of(word: str, is_common: Callable[[str], bool]) -> str | None:
    """Find the common word that was meant: letters doubled, swapped, missing or too many, or a vowel for another.

    A short word is close to too many others to guess, and so is one letter for any other: "autistic" is not "artistic".

    >>> slip_of("accomodate", {"accommodate"}.__contains__)
    'accommodate'
    """
    return next(filter(is_common, one_slip_away(word)), None) if len(word) >= SHORTEST_SLIP else None


def one_slip_away(word: str) -> Iterator[str]:
    """Yield the spellings one slip away: doubled letters first, then swapped, too many, other vowels, missing ones.

    >>> next(one_slip_away("accomodate")), "accommodate" in one_slip_away("accomodate")
    ('aaccomodate', True)
    """
    letters, vowels = "abcdefghijklmnopqrstuvwxyz", "aeiou"
    for i in range(len(word)):
        yield word[: i + 1] + word[i:]
    for i in range(len(word) - 1):
        yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
    for i in range(len(word)):
        if word[i] in vowels:
            for vowel in vowels:
                yield word[:i] + vowel + word[i + 1 :]
    for i in range(len(word) + 1):
        for letter in letters:
            yield word[:i] + letter + word[i:]


def buckets(word: str) -> list[int]:
    """Number the groups of three to five letters of a word; the numbers are hashed, so groups may share one.

    After Bojanowski et al., "Enriching Word Vectors with Subword Information" (2017, arXiv:1607.04606).
    """
    marked = f"<{word}>"
    groups = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    return [crc32(group.encode()) % BUCKETS for group in groups]
