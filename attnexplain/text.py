"""Any text made safe to show, and what makes two words the same word."""

from __future__ import annotations

import os
import re
import shlex
import unicodedata

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: where one stands alone, the text was no valid UTF-8."""

LONGEST_WORD = 1000
"""Characters of a word whose forms are looked at; no language has longer ones."""


def visible(text: str, *, charset: str = "utf-8") -> str:
    """Make a text safe to show on a terminal or in a picture, on one line.

    White space becomes single spaces. Control characters, bidirectional overrides, invisible and unassigned
    characters are written as their numbers, `<U+202E>`, and so is what the charset of the screen does not have.
    A combining mark without a letter gets a dotted circle to stand on, and one letter carries four of them at the most.
    The two selectors of an emoji's style (U+FE0E, U+FE0F) are dropped: they are not seen, only their effect is.

    >>> visible("a\x1b[31mb")
    'a<U+001B>[31mb'
    """
    if _PLAIN.fullmatch(text) and can_show(text, charset):
        return " ".join(text.split())
    shown: list[str] = []
    marks = 0  # how many combining marks the character before has
    for character in " ".join(text.split()):
        if character in _STYLE_SELECTORS and shown and shown[-1] != " ":
            continue
        is_mark = unicodedata.category(character)[0] == "M"
        marks = marks + 1 if is_mark else 0
        if is_invisible(character) or marks > 4 or not can_show(character, charset):
            shown.append(f"<U+{ord(character):04X}>")
        elif is_mark and (not shown or shown[-1] == " " or len(shown[-1]) > 1):
            shown.append("\u25cc" + character)
        else:
            shown.append(character)
    return "".join(shown)


def for_shell(text: str, *, system: str = os.name) -> str:
    """Quote a text for the shell of a system: in double quotes where nothing in it means anything there.

    On Windows that fits PowerShell and cmd; other texts are quoted for PowerShell.

    >>> for_shell("The cat", system="posix"), for_shell("cat", system="nt"), for_shell("it's $5", system="nt")
    ('"The cat"', 'cat', "'it''s $5'")
    """
    if system == "nt":
        if re.fullmatch(r"[A-Za-z0-9_./:\\=-]+", text):
            return text
        is_plain = text and not set(text) & set('"$`%!^\u201c\u201d\u201e') and not text.endswith("\\")
        return f'"{text}"' if is_plain else "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"
    is_plain = not set(text) & set('"$`\\!')
    return f'"{text}"' if is_plain and shlex.quote(text) != text else shlex.quote(text)


def can_show(text: str, charset: str) -> bool:
    """Whether a screen with this charset has the characters of a text."""
    if text.isascii():
        return True
    try:
        text.encode(charset)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def word_key(word: str) -> str:
    """What makes two words the same word: case, compatibility forms and invisible characters do not count.

    The folding is that of NFKC_Casefold in The Unicode Standard, section 3.13.

    >>> word_key("Straße") == word_key("STRASSE")
    True
    """
    if word.isascii() and word.isprintable():
        return word.lower()
    if len(word) > LONGEST_WORD:
        return word.casefold()  # normalizing takes time in proportion to the square of a run of marks
    compatible = unicodedata.normalize("NFKC", word)
    folded = "".join(character for character in compatible if not is_invisible(character)) or compatible
    for form in ("NFD", "NFKC"):
        folded = unicodedata.normalize(form, folded).casefold()
    return unicodedata.normalize("NFKC", folded).replace("’", "'")


def is_invisible(character: str) -> bool:
    """Whether nobody sees a character, or a terminal would obey it."""
    if character in UNSEEN or 0xE0100 <= ord(character) <= 0xE01EF:
        return True
    category = unicodedata.category(character)
    if category == "Cn":  # unassigned, or an emoji younger than this Python
        return not 0x1F300 <= ord(character) <= 0x1FAFF
    return category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (category == "Zs" and character != " ")


# Letters of Latin, raised letters, dashes, arrows, signs of mathematics, boxes: all are seen, and none is a mark.
_PLAIN = re.compile("[ -~\xa1-\xac\xae-\u02ff\u1d2c-\u1d6a\u2010-\u2027\u2190-\u22ff\u2500-\u25ff]*")

_STYLE_SELECTORS = "\ufe0e\ufe0f"

# What Unicode calls Default_Ignorable_Code_Point beyond the category Cf, and two blanks that count as letters or signs.
UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05"
    "\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f"
)
