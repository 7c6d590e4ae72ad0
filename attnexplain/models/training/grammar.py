"""Sentences of a small grammar, with what looks at what: the lessons of the two heads that see order.

No parser is at hand, and none is needed: who makes a sentence knows its structure. The words are WordNet's most
frequent ones of each kind. Natural sentences are kept for measuring (`order.tsv`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from attnexplain.models.training.corpus import first_meanings, meanings, synsets
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary

PERSONS, ANIMALS = "18", "05"
THINGS = ("06", "13", "17", "20", "21", "10", "14", "15", "04", "09", "11", "28")
"""Files of WordNet that persons, animals and things stand in; things made are the most frequent and come first."""
INTRANSITIVE = (
    "slept sat ran laughed waited arrived left worked smiled jumped stood walked fell cried sang talked swam rested "
    "sleeps sits runs laughs waits arrives leaves works smiles jumps stands walks falls sings talks swims was is were are"
).split()  # fmt: skip
LINKING = "was is were are seemed became looked felt remained".split()
TRANSITIVE = (
    "saw found took made gave bought sold wrote read ate drank opened closed carried held kept lost broke built cleaned "
    "cooked washed watched followed called helped loved liked wanted needed pulled pushed dropped painted fixed showed "
    "bites chased caught sees finds takes makes buys reads eats opens carries holds keeps loves likes wants needs pulls "
    "watches follows helps cleans paints bit brought sent told asked met left visited touched moved covered forgot"
).split()  # fmt: skip
PREPOSITIONS = "in on under near behind with from at by for over beside into through across after before of to".split()
SUBORDINATE = "because when while although after before but and so if since".split()
ADVERBS = "quickly slowly always never often quietly suddenly again yesterday today finally already carefully".split()
SINGULAR = "a the the the this that every my your our her his".split()
PLURAL = "the the the these those some many my your our two three few her his".split()
ARTICLES = frozenset(("a", "an", "the"))


@dataclass
class Sentence:
    """Words, and for those that have a lesson to learn: where they are to look."""

    words: list[str] = field(default_factory=list)
    ahead: dict[int, int] = field(default_factory=dict)
    """Articles and adjectives: their noun."""
    back: dict[int, list[int]] = field(default_factory=dict)
    """Pronouns: the nouns before that they may stand for; verbs: their subject."""


@dataclass(frozen=True)
class Nouns:
    """Nouns of one kind, and their plurals."""

    singular: list[str]
    plural: list[str]


class Grammar:
    """Makes sentences at random, always the same ones for the same seed."""

    def __init__(self, work: Path, vocabulary: Vocabulary, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        known = set(vocabulary.words)
        kind_of = {synset.offset: synset.kind for synset in synsets(work) if synset.part == "noun"}
        counts = {part: meanings(work, part) for part in ("noun", "verb", "adj", "adv")}

        def mostly(word: str, part: str) -> bool:
            return counts[part].get(word, 0) > sum(counts[other].get(word, 0) for other in counts if other != part)

        nouns: dict[str, list[str]] = {}
        for word, offset in first_meanings(work).items():
            if word in known and word not in FUNCTION_WORDS and mostly(word, "noun") and counts["noun"][word] > 2:
                nouns.setdefault(kind_of[offset], []).append(word)

        def of(*kinds: str) -> Nouns:
            chosen = [word for kind in kinds for word in nouns.get(kind, []) if f"{word}s" in known]
            return Nouns(chosen, [f"{word}s" for word in chosen])

        self._persons, self._animals, self._things = of(PERSONS), of(ANIMALS), of(*THINGS)
        self._adjectives = [
            word
            for word in counts["adj"]
            if word in known and mostly(word, "adj") and word not in FUNCTION_WORDS and counts["adj"][word] > 2
        ]

    def sentence(self) -> Sentence:
        """Make one sentence of one or two clauses."""
        made = Sentence()
        nouns: list[tuple[int, str, bool]] = []  # place, kind, whether it is a plural
        self._clause(made, nouns, first=True)
        if self._random.random() < 0.6:
            made.words.append(self._random.choice(SUBORDINATE))
            self._clause(made, nouns, first=False)
        return made

    def _clause(self, made: Sentence, nouns: list[tuple[int, str, bool]], *, first: bool) -> None:
        chance = self._random.random
        if not first and nouns and chance() < 0.7:
            subject = self._pronoun(made, nouns, ("he", "she", "it", "they"))
        else:
            subject = self._noun_phrase(made, nouns)
            if chance() < 0.2:
                made.words.append(self._random.choice(PREPOSITIONS))
                self._noun_phrase(made, nouns)
        if chance() < 0.15:
            made.words.append(self._random.choice(ADVERBS))
        verb = len(made.words)
        if chance() < 0.3:
            made.words.append(self._random.choice(LINKING if chance() < 0.5 else INTRANSITIVE))
            made.back[verb] = [subject]
            if made.words[verb] in LINKING:
                made.words += [*(["very"] if chance() < 0.3 else []), self._random.choice(self._adjectives)]
            elif chance() < 0.7:
                made.words.append(self._random.choice(PREPOSITIONS))
                self._noun_phrase(made, nouns)
        else:
            made.words.append(self._random.choice(TRANSITIVE))
            made.back[verb] = [subject]
            if nouns and not first and chance() < 0.25:
                self._pronoun(made, nouns[:-1] or nouns, ("him", "her", "it", "them"))
            else:
                self._noun_phrase(made, nouns)
            if chance() < 0.3:
                made.words.append(self._random.choice(PREPOSITIONS))
                self._noun_phrase(made, nouns)
        if chance() < 0.1:
            made.words.append(self._random.choice(ADVERBS))

    def _noun_phrase(self, made: Sentence, nouns: list[tuple[int, str, bool]]) -> int:
        chance, choose = self._random.random, self._random.choice
        kind = choose(("person", "animal", "thing", "thing", "thing"))
        words = {"person": self._persons, "animal": self._animals, "thing": self._things}[kind]
        is_plural = chance() < 0.3
        determiner = choose(PLURAL if is_plural else SINGULAR) if chance() < 0.92 else ""
        place_of_determiner = len(made.words)
        if determiner:
            made.words.append(determiner)
            if determiner in ("her", "his") and nouns:
                made.back[place_of_determiner] = self._antecedents(nouns, determiner) or [nouns[-1][0]]
        adjectives = [choose(self._adjectives) for _ in range(choose((0, 0, 0, 1, 1, 2)))]
        first_adjective = len(made.words)
        made.words += adjectives
        if chance() < 0.08:
            made.words.append(choose(self._things.singular))  # a compound: "the kitchen table"
        noun = len(made.words)
        made.words.append(choose(words.plural if is_plural else words.singular))
        if determiner in ARTICLES:
            made.ahead[place_of_determiner] = noun
            following = made.words[place_of_determiner + 1]
            if determiner == "a" and following[0] in "aeio":
                made.words[place_of_determiner] = "an"
        for place in range(first_adjective, first_adjective + len(adjectives)):
            made.ahead[place] = noun
        nouns.append((noun, kind, is_plural))
        return noun

    def _pronoun(self, made: Sentence, nouns: list[tuple[int, str, bool]], forms: tuple[str, ...]) -> int:
        _, kind, is_plural = self._random.choice(nouns)
        place = len(made.words)
        alone = self._random.choice(forms[:2]) if kind == "person" else forms[2]
        form = forms[3] if is_plural else alone
        made.words.append(form)
        made.back[place] = self._antecedents(nouns, form)
        return place

    @staticmethod
    def _antecedents(nouns: list[tuple[int, str, bool]], form: str) -> list[int]:
        """Choose the nouns that a pronoun may stand for, by number and by kind."""
        if form in ("they", "them", "their"):
            return [place for place, _, is_plural in nouns if is_plural]
        wanted = ("animal", "thing") if form in ("it", "its") else ("person",)
        return [place for place, kind, is_plural in nouns if kind in wanted and not is_plural]
