"""What no class may see: for words of who somebody is no company is shown, and some words are company to none.

A model of which words stand beside which repeats what its texts say of people. Larger models do so too; what helps is
to be silent where a word says who somebody is, and to leave out of every company what hurts. Lists of our own say it in
words (`identity.txt`, `names.txt`, `never_offered.txt`), and two sources besides:

- WordNet's tree: whoever is a person by name, a people, a nation, an adherent, a scripture, a holy day (its capitalized
  words); and all kinds of crimes, killings, diseases, weapons, drugs, insults (whole branches, `BRANCHES`).
- The names that were most frequent in the US Census of 1990, which is in the public domain.
"""

from __future__ import annotations

from pathlib import Path

from attnexplain.models.training.corpus import Synset, first_meanings, irregular_forms, synsets
from attnexplain.models.training.sources import census

BRANCHES = {
    # the first word of an entry, and the number of the file of WordNet that it stands in
    ("crime", "04"), ("killing", "04"), ("violence", "04"), ("sexual_activity", "04"), ("vice", "04"), ("sin", "04"),
    ("war", "04"), ("attack", "04"), ("torture", "04"), ("punishment", "04"), ("wrongdoing", "04"),
    ("illness", "26"), ("disease", "26"), ("disorder", "26"), ("physical_condition", "26"), ("mental_disorder", "26"),
    ("injury", "26"), ("drunkenness", "26"), ("death", "28"), ("pain", "09"), ("pain", "26"), ("symptom", "26"),
    ("weapon", "06"), ("bomb", "06"), ("drug", "06"), ("narcotic", "06"), ("gallows", "06"),
    ("alcohol", "13"), ("drug_of_abuse", "06"), ("poison", "27"), ("feces", "27"), ("body_waste", "27"),
    ("reproductive_organ", "08"), ("erogenous_zone", "08"), ("bodily_fluid", "08"), ("body_covering", "08"),
    ("person", "18"), ("sadness", "12"), ("hate", "12"), ("fear", "12"), ("anger", "12"), ("shame", "12"),
    ("disrespect", "10"), ("swearing", "10"), ("death", "26"), ("misfortune", "11"), ("change_of_integrity", "11"),
}  # fmt: skip
"""Branches of WordNet whose words are company to none. All kinds of persons are among them, but for `DECENT`."""
DECENT = {
    ("worker", "18"), ("professional", "18"), ("entertainer", "18"), ("artist", "18"), ("scientist", "18"),
    ("educator", "18"), ("student", "18"), ("traveler", "18"), ("contestant", "18"), ("leader", "18"),
    ("creator", "18"), ("expert", "18"), ("friend", "18"), ("reader", "18"), ("owner", "18"), ("ruler", "18"),
    ("relative", "18"), ("adviser", "18"), ("communicator", "18"), ("intellectual", "18"), ("preserver", "18"),
    ("merchant", "18"), ("consumer", "18"), ("beverage", "13"),
}  # fmt: skip
"""Branches of persons, and of drinks, that may be company."""

IDENTITY_FILES = {"00", "01", "04", "09", "10", "14", "15", "18", "28"}
"""Adjectives, acts, beliefs, languages, groups, places, persons, times: where capitalized words say who somebody is."""
CALENDAR = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]
)
MOST_NAMES = {"dist.female.first": 1200, "dist.male.first": 900, "dist.all.last": 2500}
"""How many of the most frequent names of the census are taken."""


def listed(name: str) -> frozenset[str]:
    """Read a list of words beside this file."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


def identity_words(work: Path) -> frozenset[str]:
    """Collect the words that say who somebody is, in lower case."""
    everything = list(synsets(work))
    plain = {word for synset in everything for word in synset.words if word.islower()} | set(irregular_forms(work))
    plain |= {f"{word}s" for word in plain} | {f"{word}es" for word in plain}
    own = listed("identity.txt")
    found = proper_names(work) - plain - CALENDAR | own | listed("names.txt")
    return frozenset(found | {f"{word}s" for word in found} | {f"{word}es" for word in found})


def proper_names(work: Path) -> frozenset[str]:
    """Collect what is written with a capital in WordNet, and the frequent names of the census, in lower case."""
    capitalized = {
        word.lower() for synset in synsets(work) if synset.kind in IDENTITY_FILES
        for word in synset.words if word[:1].isupper() and word.isalpha() and not word.isupper()
    }  # fmt: skip
    return frozenset(capitalized | {name for file, most in MOST_NAMES.items() for name in census(work, file)[:most]})


def unfit_words(work: Path) -> frozenset[str]:
    """Collect the words that are company to none, in lower case.

    A word is judged by its first meaning, which WordNet puts first because it is the most frequent: "pound" is a weight
    before it is a blow. `fit.txt` has the words that are fit all the same: "sleep", "skin", "wild".
    """
    nouns = {synset.offset: synset for synset in synsets(work) if synset.part == "noun"}
    decent, unfit = _below(nouns, DECENT), _below(nouns, BRANCHES)
    first = first_meanings(work)
    words = {word for word, offset in first.items() if offset in unfit and offset not in decent}
    return frozenset(words) - listed("fit.txt") | listed("never_offered.txt")


def _below(nouns: dict[str, Synset], roots: set[tuple[str, str]]) -> set[str]:
    """Collect the entries of branches, from their roots down, by their offsets."""
    children: dict[str, list[str]] = {}
    for offset, synset in nouns.items():
        for parent in synset.parents:
            children.setdefault(parent, []).append(offset)
    waiting = [offset for offset, synset in nouns.items() if (synset.words[0], synset.kind) in roots]
    seen: set[str] = set()
    while waiting:
        offset = waiting.pop()
        if offset not in seen:
            seen.add(offset)
            waiting += children.get(offset, [])
    return seen
