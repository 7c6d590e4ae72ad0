"""Bytes become choices: from Hypothesis, from libFuzzer or from the corpus, the same bytes are the same input."""

from collections.abc import Sequence

NASTY = (
    "",
    " ",
    "cat",
    "The",
    "cat sat on the",
    "don't",
    "self-attention",
    "3.14",
    "-5",
    "\x1b[31m",
    "\x1b]0;x\x07",
    "\x9b",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufe0f",
    "\u0301",
    "\u0301" * 9,
    "é",
    "ß",
    "İ",
    "猫",
    "한국",
    "สวัสดี",
    "မြန်",
    "❤️",
    "👩\u200d🚀",
    "🇫🇷",
    "🇫",
    "\U000e0067",
    "\ud800",
    "\udcff",
    "\x00",
    "\n",
    "\r",
    "\u2028",
    "\ufffe",
    "\ue000",
    "\u3164",
    "[bold]",
    "[/]",
    "<script>",
    "&amp;",
    "]]>",
    '"',
    "'",
    "\\",
    "%s",
    "{0}",
    "--",
    "-",
    "…",
    "▸",
    "##s",
    "Ġ",
    "▁",
    "[CLS]",
    "<s>",
    "x" * 99,
)
"""Texts that have to do with something that the code does."""


class Source:
    """Reads choices from bytes; when they are used up, everything is the first choice."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def byte(self) -> int:
        """The next byte."""
        self.place += 1
        return self.data[self.place - 1] if self.place <= len(self.data) else 0

    def number(self, below: int) -> int:
        """A whole number from 0 up to, and without, a bound of at most 2**24."""
        value = self.byte()
        if below > 256:
            value = value << 16 | self.byte() << 8 | self.byte()
        return value % below

    def one_of(self, choices: Sequence) -> object:
        """One of several."""
        return choices[self.number(len(choices))]

    def raw(self) -> bytes:
        """A few of the next bytes as they are."""
        length = self.number(24)
        self.place += length
        return self.data[self.place - length : self.place]

    def text(self, most: int = 8) -> str:
        """A text of nasty pieces, of characters of any number, and of bytes read as a shell would."""
        pieces = []
        for _ in range(self.number(most + 1)):
            kind = self.number(4)
            if kind < 2:
                pieces.append(self.one_of(NASTY))
            elif kind == 2:
                pieces.append(chr(self.number(0x110000)))
            else:
                pieces.append(self.raw().decode("utf-8", "surrogateescape"))
        return (" " if self.byte() % 2 else "").join(pieces)

    def value(self, depth: int = 3) -> object:
        """Any value that JSON can hold, and a few that it should not."""
        kind = self.number(8 if depth else 4)
        if kind == 0:
            return self.one_of((None, True, False, "", [], {}))
        if kind == 1:
            return self.one_of((0, 1, -1, 0.5, 2.0, 1e308, -1e-320, 10**400, float("nan"), float("-inf")))
        if kind == 2:
            return self.byte()
        if kind == 3:
            return self.text(2)
        if kind == 4:
            return {self.text(1): self.value(depth - 1) for _ in range(self.number(3))}
        return [self.value(depth - 1) for _ in range(self.number(4))]

    def spliced(self, good: bytes, fragments: Sequence[bytes]) -> bytes:
        """A good file with a few places overwritten, cut out, doubled, or filled with fragments."""
        data = bytearray(good)
        for _ in range(1 + self.number(4)):
            start = self.number(len(data) + 1)
            end = min(start + self.number(64), len(data))
            kind = self.number(5)
            if kind == 0:
                data[start:end] = self.raw()
            elif kind == 1:
                del data[start:end]
            elif kind == 2:
                data[start:start] = data[start:end] * (1 + self.number(50))
            elif kind == 3:
                data[start:end] = self.one_of(fragments)
            else:
                del data[start:]
        return bytes(data)
