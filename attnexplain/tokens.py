"""A sentence becomes tokens.

A token is a word: the lesson compares words, so punctuation is left out (and named, so that the screen can say so).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from attnexplain.errors import CommandError, PhraseError, TextError
from attnexplain.text import SURROGATE, UNSEEN, visible, word_key

MAX_TOKENS = 512
"""The longest sentence, in words, that is explained unless the user asks for more."""
MOST_TOKENS = 4096
"""The longest sentence that the user may ask for."""
MOST_NEXT = 100
"""The most next tokens that the user may ask for."""

LONGEST_PHRASE = 64
"""The longest phrase, in words."""

SPACE_SIGN = "␣"
"""How a space that belongs to a token is shown."""
CONTINUES = "##"
"""How a piece begins that continues the word before it."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of one sentence: n words, or n pieces of words. What is not said of them holds of none."""

    texts: tuple[str, ...]
    """In the order of the sentence, as the vocabulary writes them."""
    left_out: tuple[str, ...] = ()
    """The different punctuation marks and control characters between the words, in order of appearance."""
    ids: tuple[int, ...] | None = None
    """Their numbers in a checkpoint's vocabulary; None without one."""
    special: tuple[bool, ...] = ()
    """For each token, whether a tokenizer uses it as a sign of its own, such as [CLS]."""
    spans: tuple[tuple[int, int], ...] | None = None
    """Where each begins and ends in the sentence; None where the tokens came without one."""
    shown: tuple[str, ...] = ()
    """For each token, how it is written for a reader."""
    legend: tuple[str, ...] = ()
    """What the signs in them mean."""
    are_pieces: bool = False
    """Whether they are pieces of words, and not words."""
    segments: tuple[int, ...] | None = None
    """For each token of a pair of texts its segment: 0 or 1, and 0 for all where a model knows none; else None."""
    second_begins: int = 0
    """The character of the sentence at which the second text of a pair begins; 0 without a pair."""
    cut_from: int = 0
    """How many tokens there were before the text was cut; 0 where it was not."""

    def __post_init__(self) -> None:
        if not self.special:
            object.__setattr__(self, "special", (False,) * len(self.texts))
        if not self.shown:
            object.__setattr__(self, "shown", self.texts)

    def known(self) -> dict[str, Any]:
        """Say of each token what is known beside its text, as lists: its number, its place, whether it is a word."""
        everything = {
            "ids": None if self.ids is None else list(self.ids),
            "spans": None if self.spans is None else [list(span) for span in self.spans],
            "special": list(self.special) if self.are_pieces else None,
            "segments": None if self.segments is None else list(self.segments),
            "second_begins": self.second_begins or None,
            "cut_from": self.cut_from or None,
        }
        return {name: value for name, value in everything.items() if value is not None}

    @property
    def noun(self) -> str:
        """What one of them is called."""
        return "token" if self.are_pieces else "word"


class Repeats(NamedTuple):
    """A sequence of random tokens, several times over."""

    tokens: Tokens
    length: int
    """Of the sequence."""
    first: int
    """Where it begins for the first time."""
    times: int


def tokenize(sentence: str, phrases: Sequence[str] = (), max_tokens: int = MAX_TOKENS) -> Tokens:
    """Split a sentence into its words, in any script.

    Contractions, hyphenated words and numbers stay whole ("didn't", "self-attention", "-3.14"); a symbol or an emoji
    is a word of its own. Scripts that put no space between words are split into the smallest written units that carry
    meaning or sound: each Han character, runs of Hiragana and of Katakana, syllables of Thai, Lao, Khmer and Burmese.

    Args:
        sentence: any text.
        phrases: words to be kept together as one token each, in any case.
        max_tokens: how many words are allowed.

    Raises:
        TextError: no word at all, too many, or a text that is not valid Unicode.
        CommandError: a phrase that does not occur.

    >>> tokenize("The cat sat, didn't it?").texts
    ('The', 'cat', 'sat', "didn't", 'it')
    """
    if (surrogate := SURROGATE.search(sentence)) is not None:
        raise TextError(f"the text is not valid Unicode at character {surrogate.start() + 1} (is it UTF-8?)")
    found = [_Word(sentence[m.start() : m.end()], *m.span(), m.lastgroup or "") for m in _split(sentence)]
    words = [word for word in found if word.kind == "word"]
    if not words:
        raise TextError("the text is empty" if not sentence.strip() else "the text has no word, only punctuation")
    keys = {phrase: _phrase_keys(phrase) for phrase in phrases}
    for phrase, key in keys.items():
        if len(key) > len(words):
            raise PhraseError(phrase)
        if len(key) > LONGEST_PHRASE:
            raise CommandError(f"the phrase has {len(key)} words, and {LONGEST_PHRASE} are allowed")
    longest = max((len(key) for key in keys.values()), default=1)
    if len(words) <= max_tokens * longest:  # else no phrase can make it short enough
        words, missing = _join_phrases(sentence, words, keys)
        if missing:
            raise PhraseError(missing[0])
    refuse_long(len(words), max_tokens, "words")
    left_out = dict.fromkeys(word.text for word in found if word.kind == "other")
    spans = tuple((word.start, word.end) for word in words)
    return Tokens(tuple(word.text for word in words), tuple(left_out), spans=spans)


def phrases_in(sentence: str, phrases: Sequence[str]) -> tuple[str, ...]:
    """Choose the phrases that occur in a sentence.

    >>> phrases_in("Chanting Hare Krishna", ["hare krishna", "divine self"])
    ('hare krishna',)
    """
    keys = {phrase: _phrase_keys(phrase) for phrase in phrases}
    words = [_Word(sentence[a:b], a, b, "word") for a, b in word_spans(sentence)]
    short = {phrase: key for phrase, key in keys.items() if len(key) <= min(len(words), LONGEST_PHRASE)}
    missing = set(keys) - set(short) | set(_join_phrases(sentence, words, short)[1])
    return tuple(phrase for phrase in keys if phrase not in missing)


def refuse_long(count: int, max_tokens: int, noun: str, most: int = MOST_TOKENS) -> None:
    """Refuse a text of more words or tokens than are allowed; the hint promises no more than `most`.

    Raises:
        TextError: it has more.
    """
    if count > max_tokens:
        raise TextError(
            f"the text has {count} {noun}, and {max_tokens} are allowed",
            hint=f"shorten it, or raise the limit with --max-tokens (up to {most})",
        )


def word_spans(sentence: str) -> list[tuple[int, int]]:
    """Find where each word begins and ends, the punctuation between them left out.

    >>> word_spans("No, it didn't")
    [(0, 2), (4, 6), (7, 13)]
    """
    return [m.span() for m in _split(sentence) if m.lastgroup == "word"]


# Splitting: each character is replaced by the letter of its class, and a pattern of those letters finds the words.
#
#   w letter, underscore   n digit   x combining mark   i invisible   j zero-width joiner (joins emoji too)
#   ' - . , : /            joiners: inside a word or a number they belong to it
#   + m                    plus and minus sign: the sign of a number, or a symbol
#   s other symbol         e emoji, and any sign that is no letter   t emoji modifier or tag   f half of a flag
#   h Han   r Hiragana   a Katakana   _ white space   o other punctuation, control characters
#   b consonant, l vowel written before it, c vowel written after it, g sign that stacks consonants, k sign that
#     ends a syllable (Thai, Lao, Khmer, Burmese)
#
# The joiners follow the classes MidLetter, MidNumLet and MidNum of Unicode's UAX #29.

_PATTERN = re.compile(
    r"""
    (?P<word>
        (?: (?<![wnx+m-]) [-+m] (?=n) )?                          # the sign of a number
        [wn] (?: [wnx] | [ij]+ (?=[wnx]) | ['.-] (?=[wn]) | (?<=n) [,:/] (?=n) )*
      | ff | [et] (?: [xt] | j (?=e) e )* | f                     # emoji, flags
      | hx* | r[rx]* | a[ax]*                                     # Chinese and Japanese
      | l* b (?: [xck] | g b | b (?=k) )*                         # syllables
      | [s+m]+
    )
    | (?P<space> _+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    kind: str


def _split(text: str) -> Iterator[re.Match[str]]:
    return _PATTERN.finditer(text.translate(_CLASSES))


_SINGLE = {
    **dict.fromkeys("'\u2019\u02bc\u05f3\u05f4", "'"),
    **dict.fromkeys("-\u2010\u2011", "-"),
    **dict.fromkeys(".\u00b7\u2027", "."),
    ",": ",",
    ":": ":",
    "/": "/",
    "\u2044": "/",
    "+": "+",
    "\u2212": "m",
    "\u200d": "j",
    **dict.fromkeys("%&@#§¶†‡‰", "s"),
    "\u30fc": "x",  # the mark that lengthens a vowel, in both kana
    "\u3005": "h",  # repeats a Han character
    "\u17d2": "g",
    "\u1039": "g",
    "\u103a": "k",
}
_RANGES = (
    (0x3041, 0x3096, "r"),
    (0x309D, 0x309F, "r"),
    (0x30A1, 0x30FA, "a"),
    (0x30FD, 0x30FF, "a"),
    (0x31F0, 0x31FF, "a"),
    (0xFF66, 0xFF9D, "a"),
    (0x3400, 0x4DBF, "h"),
    (0x4E00, 0x9FFF, "h"),
    (0xF900, 0xFAFF, "h"),
    (0x20000, 0x3FFFF, "h"),
    (0x1F1E6, 0x1F1FF, "f"),
    (0x1F3FB, 0x1F3FF, "t"),
    (0xE0020, 0xE007F, "t"),
    (0x0E40, 0x0E44, "l"),
    (0x0EC0, 0x0EC4, "l"),
)
_SYLLABLES = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
_VOWELS_AFTER = "\u0e30\u0e32\u0e33\u0e45\u0e46\u0e2f\u0eb0\u0eb2\u0eb3\u0ec6"

_OF_CATEGORY = {
    "L": "w",
    "N": "w",
    "Nd": "n",
    "M": "x",
    "Pc": "w",
    "Sm": "s",
    "Sc": "s",
    "So": "e",
    "Cf": "i",
    "Co": "e",
    "Cn": "e",
}


def _class_of(character: str) -> str:
    if character.isspace():
        return "_"
    if character in _SINGLE:
        return _SINGLE[character]
    code, category = ord(character), unicodedata.category(character)
    for first, last, letter in _RANGES:
        if first <= code <= last and (category[0] in "LM" or letter in "ft"):
            return letter
    if character in UNSEEN and category[0] != "M":
        return "i"
    if category[0] == "L" and any(first <= code <= last for first, last in _SYLLABLES):
        return "c" if character in _VOWELS_AFTER else "b"
    return _OF_CATEGORY.get(category) or _OF_CATEGORY.get(category[0], "o")


class _Classes(dict[int, str]):
    """Character number → letter of its class, worked out when first met."""

    def __missing__(self, code: int) -> str:
        letter = self[code] = _class_of(chr(code))
        return letter


_CLASSES = _Classes()


# Phrases


def _join_phrases(sentence: str, words: list[_Word], phrases: Mapping[str, list[str]]) -> tuple[list[_Word], list[str]]:
    """Make one token of the words of each phrase, the longest phrase first; say which phrases were not there."""
    missing = []
    for phrase, keys in sorted(phrases.items(), key=lambda item: -len(item[1])):
        of_words = [word_key(word.text) for word in words]
        joined: list[_Word] = []
        found, i = False, 0
        while i < len(words):
            run = words[i : i + len(keys)] if of_words[i] == keys[0] and of_words[i : i + len(keys)] == keys else []
            between = (sentence[left.end : right.start] for left, right in pairwise(run))
            if run and not any(gap.strip() for gap in between):
                text = " ".join(sentence[run[0].start : run[-1].end].split())
                joined.append(_Word(text, run[0].start, run[-1].end, "word"))
                found, i = True, i + len(keys)
            else:
                joined.append(words[i])
                i += 1
        words = joined
        if not found:
            missing.append(phrase)
    return words, missing


def _phrase_keys(phrase: str) -> list[str]:
    if SURROGATE.search(phrase) is not None:
        raise CommandError(f"the phrase {visible(phrase)!r} is not valid Unicode (is it UTF-8?)")
    keys = [word_key(phrase[m.start() : m.end()]) for m in _split(phrase) if m.lastgroup == "word"]
    if not keys:
        raise CommandError(f"the phrase {visible(phrase)!r} has no word in it")
    return keys
