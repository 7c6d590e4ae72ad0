"""Sentences: WordNet's glosses and examples, the King James Bible, two public-domain dictionaries."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from attnexplain.models.spelling import normal_word
from attnexplain.models.training.sources import evaluation_file, wordnet
from attnexplain.tokens import tokenize

LONGEST = 24
"""Words of a training sentence; longer ones are cut into several."""
OWN_TIMES = 40
"""How often the sentences of our own are read: they are few, and nearly all that is known of some words."""
HELD_OUT = 20
"""One synset of so many is kept for measuring and never trained on."""


@dataclass(frozen=True)
class Synset:
    """One entry of WordNet: its words, what it means, and sentences that use it."""

    words: tuple[str, ...]
    definition: str
    examples: tuple[str, ...]
    kind: str
    """The number of the lexicographer's file it stands in."""
    usages: tuple[str, ...]
    """The offsets of the usage domains it belongs to, such as that of slurs."""
    offset: str
    part: str
    """"noun", "verb", "adj" or "adv"."""
    parents: tuple[str, ...]
    """The offsets of the entries that it is a kind of, or an instance of."""

    @property
    def is_held_out(self) -> bool:
        """Whether its sentences are kept for measuring."""
        return int(sha256(self.definition.encode()).hexdigest(), 16) % HELD_OUT == 0


def synsets(work: Path) -> Iterator[Synset]:
    """Read all of WordNet."""
    for name in ("noun", "verb", "adj", "adv"):
        for line in (wordnet(work) / f"data.{name}").read_text(encoding="latin-1").splitlines():
            if line.startswith("  "):
                continue
            data, _, gloss = line.partition(" | ")
            fields = data.split()
            count = int(fields[3], 16)
            words = tuple(re.sub(r"\(.*\)$", "", word) for word in fields[4 : 4 + 2 * count : 2])
            usages = tuple(fields[i + 1] for i, field in enumerate(fields) if field == ";u")
            examples = tuple(re.findall(r'"([^"]+)"', gloss))
            definition = re.sub(r'"[^"]*"|[;:]\s*$', "", gloss).strip(" ;:")
            above = (fields[i + 1] for i, field in enumerate(fields) if field in ("@", "@i"))
            yield Synset(words, definition, examples, fields[1], usages, fields[0], name, tuple(above))


def first_meanings(work: Path, part: str = "noun") -> dict[str, str]:
    """Return the entry of each word's first meaning, the most frequent one, by its offset."""
    return {entry[0]: entry[6 + int(entry[3])] for entry in _index(work, part)}


def meanings(work: Path, part: str) -> dict[str, int]:
    """Count in how many meanings a word occurs in WordNet's tagged texts, and one more where it has any."""
    return {entry[0]: 1 + int(entry[5 + int(entry[3])]) for entry in _index(work, part)}


def irregular_forms(work: Path) -> dict[str, list[str]]:
    """Return the forms that no rule makes, and what each is a form of: "ate" → "eat"."""
    files = (wordnet(work) / f"{part}.exc" for part in ("noun", "verb", "adj", "adv"))
    found: dict[str, list[str]] = {}
    for line in (line for file in files for line in file.read_text(encoding="latin-1").splitlines()):
        form, *bases = line.split()
        found.setdefault(form, []).extend(bases)
    return found


def _index(work: Path, part: str) -> Iterator[list[str]]:
    lines = (wordnet(work) / f"index.{part}").read_text(encoding="latin-1").splitlines()
    return (line.split() for line in lines if not line.startswith("  "))


def counted_texts(work: Path) -> Iterator[str]:
    """Yield every text once, each definition with its words: what the vocabulary is counted from."""
    for synset in synsets(work):
        if not synset.is_held_out:
            yield _with_words(synset)
            yield from synset.examples
    yield from _books(work)


def training_texts(work: Path) -> Iterator[str]:
    """Yield every text to learn from. Definitions come twice, one in three the second time with its words."""
    for synset in synsets(work):
        if not synset.is_held_out:
            yield synset.definition
            yield _with_words(synset) if len(synset.definition) % 3 == 0 else synset.definition
            yield from synset.examples
    yield from _books(work)
    for _ in range(OWN_TIMES):
        yield from own_sentences()


def examples(work: Path) -> Iterator[str]:
    """Yield WordNet's examples, which are written as people write, and the sentences of our own."""
    for synset in synsets(work):
        if not synset.is_held_out:
            yield from synset.examples
    yield from own_sentences()


def own_sentences() -> list[str]:
    """Return the sentences that were written for this project."""
    lines = Path(__file__).with_name("own_sentences.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _with_words(synset: Synset) -> str:
    names = " ".join(word.replace("_", " ") for word in synset.words[:2])
    return f"{names}: {synset.definition}"


def _books(work: Path) -> Iterator[str]:
    yield from _bible(work)
    yield from _dictionary(work / "dict-devil" / "usr/share/dictd/devil.dict.dz")
    yield from _dictionary(work / "dict-jargon" / "usr/share/dictd/jargon.dict.dz")


def held_out_texts(work: Path) -> Iterator[str]:
    """Yield WordNet's sentences that were not trained on: the definition alone, and the examples."""
    for synset in synsets(work):
        if synset.is_held_out:
            yield synset.definition
            yield from synset.examples


def news_texts(work: Path) -> Iterator[str]:
    """Yield the sentences of the Lee news corpus, which has nothing to do with the training texts."""
    text = evaluation_file(work, "lee_background.cor").read_text(encoding="utf-8")
    for document in text.splitlines():
        yield from re.split(r"(?<=[.?!])\s+", document)


def sentences(texts: Iterator[str]) -> Iterator[list[str]]:
    """Split texts into lists of normal words, each 3 to `LONGEST` long."""
    for text in texts:
        try:
            words = [normal_word(word) for word in tokenize(text, max_tokens=4096).texts]
        except ValueError:
            continue
        parts = -(-len(words) // LONGEST)
        size = -(-len(words) // max(parts, 1))
        for start in range(0, len(words), size):
            if len(part := words[start : start + size]) >= 3:
                yield part


def _bible(work: Path) -> Iterator[str]:
    program = work / "bible-kjv" / "usr/bin/bible"
    folder = work / "bible-kjv-text" / "usr/lib"
    done = subprocess.run(
        [str(program), "-f", "-p", str(folder), "gen1:1-rev22:21"], check=True, capture_output=True, text=True
    )
    for line in done.stdout.splitlines():
        yield re.sub(r"^\S+\s+", "", line)


def _dictionary(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        text = file.read()
    for paragraph in re.split(r"\n\s*\n|\n(?=[A-Za-z])", text):
        yield from re.split(r"(?<=[.?!;])\s+", " ".join(paragraph.split()))
