"""A short training, where PyTorch is there: three topics of words, a minute."""

import random
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the shipped file is tested without it")

from attnexplain.attention import Head, attend  # noqa: E402
from attnexplain.models.positions import KINDS, PLACES  # noqa: E402
from attnexplain.models.tiny import Tiny  # noqa: E402
from attnexplain.models.tiny_file import read_tiny  # noqa: E402
from attnexplain.models.training.evaluate import Candidate, Cue, cue_accuracy  # noqa: E402
from attnexplain.models.training.hearing import Heard  # noqa: E402
from attnexplain.models.training.learn import Recipe, learn, padded  # noqa: E402
from attnexplain.models.training.learn_order import LearnedOrder  # noqa: E402
from attnexplain.models.training.telling import TellingRecipe, accuracy_left_out, tell  # noqa: E402
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary  # noqa: E402
from attnexplain.models.training.write import write  # noqa: E402

TOPICS = {
    "water": ["river", "flood", "stream", "boat", "fish", "shore", "tide", "wave"],
    "money": ["coin", "loan", "price", "market", "profit", "debt", "trade", "tax"],
    "food": ["bread", "soup", "cheese", "dinner", "cook", "taste", "salt", "oven"],
}
LITTLE = ["the", "a", "of", "and", "was", "on"]
RECIPE = replace(Recipe(), d_model=8, d_k=4, steps=150, batch=64, negatives=8)


@pytest.fixture(scope="module")
def course():
    generator = random.Random(0)
    words = [*LITTLE, *TOPICS["water"], *TOPICS["money"], *TOPICS["food"]]
    sentences = []
    for _ in range(400):
        topic = generator.choice(list(TOPICS.values()))
        sentence = generator.sample(topic, 3) + generator.sample(LITTLE, 3)
        generator.shuffle(sentence)
        sentences.append(sentence)
    vocabulary = Vocabulary(tuple(words), (400,) * len(words), frozenset(words) - FUNCTION_WORDS, frozenset({"debt"}))
    features = np.random.default_rng(0).normal(size=(len(words), 192)).astype(np.float32)
    rows = padded(sentences, vocabulary.index)
    topic_of = np.array([next((i for i, topic in enumerate(TOPICS.values()) if word in topic), -1) for word in words])
    alike = topic_of[rows][:, :, None] == topic_of[rows][:, None, :]  # as an encoder might find them
    return features, vocabulary, sentences, Heard(rows, (0.2 + 0.4 * alike).astype(np.float16))


@pytest.fixture(scope="module")
def learned(course):
    return learn(*course, RECIPE)


def test_the_loss_falls(learned):
    assert np.mean(learned.losses[-20:]) < 0.85 * np.mean(learned.losses[:20])


def test_words_learn_to_attend_to_their_topic(course, learned):
    _, vocabulary, *_ = course
    x = learned.embeddings.astype(float)
    head = Head(learned.w_q, learned.w_k, learned.w_v)
    right = 0
    for topic in TOPICS.values():
        for other in TOPICS.values():
            if other is not topic:
                words = [topic[0], topic[1], other[2], "the", "of"]
                row = attend(x[[vocabulary.index[word] for word in words]], head).weights[0]
                right += int(row[1] > row[2:].max())
    assert right >= 5


def test_the_same_recipe_gives_the_same_numbers_to_the_last_bit(course, learned):
    again = learn(*course, RECIPE)
    assert again.embeddings.tobytes() == learned.embeddings.tobytes()
    assert again.w_q.tobytes() == learned.w_q.tobytes()
    assert learn(*course, replace(RECIPE, seed=1)).w_q.tobytes() != learned.w_q.tobytes()


TELLING = [Cue(word, frozenset({"tax"}), f"the {word} and tax was on market") for word in TOPICS["water"]]


def _accuracy(learned, vocabulary, cues):
    head = Head(learned.w_q, learned.w_k, learned.w_v)
    return cue_accuracy(Candidate(vocabulary, learned.embeddings, head), cues)


def test_what_sentences_tell_is_learned_and_the_rest_stays(course, learned):
    _, vocabulary, _, heard = course
    recipe = replace(TellingRecipe(), steps=150, batch=32, product=0.1, scores=0.1)
    told = tell(learned, vocabulary, TELLING, heard.rows, recipe)
    before, after = (_accuracy(one, vocabulary, TELLING) for one in (learned, told))
    assert before < 0.7
    assert after == 1.0
    np.testing.assert_array_equal(told.embeddings, learned.embeddings)
    np.testing.assert_array_equal(told.w_v, learned.w_v)
    again = tell(learned, vocabulary, TELLING, heard.rows, recipe)
    np.testing.assert_array_equal(told.w_q, again.w_q)
    held = tell(learned, vocabulary, TELLING, heard.rows, replace(recipe, product=1e5))
    kept = tell(learned, vocabulary, TELLING, heard.rows, replace(recipe, product=0.0, scores=1e5))
    changes = [np.abs(one.w_q @ one.w_k.T - learned.w_q @ learned.w_k.T).mean() for one in (told, held, kept)]
    assert max(changes[1:]) < changes[0] / 5


def test_a_word_that_is_left_out_is_measured_by_what_others_tell(course, learned):
    _, vocabulary, _, heard = course
    recipe = replace(TellingRecipe(), steps=100, batch=16, product=0.1, scores=0.1)
    found = accuracy_left_out(learned, vocabulary, TELLING, heard.rows, recipe)
    assert found in {count / len(TELLING) for count in range(len(TELLING) + 1)}
    assert found < _accuracy(tell(learned, vocabulary, TELLING, heard.rows, recipe), vocabulary, TELLING) + 1e-9


def test_the_file_holds_what_was_learned(course, learned, tmp_path, monkeypatch):
    _, vocabulary, *_ = course
    generator = np.random.default_rng(1)
    wide = KINDS + PLACES
    shapes = (wide, 3), (wide, 3), (wide, wide)
    ahead, back = (tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes) for _ in "ab")
    kinds = generator.normal(size=(len(vocabulary.words), KINDS)).astype(np.float32)
    write(tmp_path / "tiny.bin", learned, LearnedOrder(kinds, ahead, back), vocabulary)
    monkeypatch.setattr("attnexplain.models.tiny_file.FILE", tmp_path / "tiny.bin")
    read_tiny.cache_clear()
    model = Tiny()
    np.testing.assert_array_equal(Tiny(2).head.w_q, back[0])
    read_tiny.cache_clear()
    np.testing.assert_array_equal(model.head.w_v, learned.w_v)
    steps = np.abs(learned.embeddings).max(axis=0) / 127
    for word, row in vocabulary.index.items():
        assert (np.abs(model.look_up(word)[0] - learned.embeddings[row]) <= 0.51 * steps + 1e-6).all()
    assert model.file.is_marked("offered", vocabulary.index["river"])
    assert not model.file.is_marked("offered", vocabulary.index["the"])
    assert [word for word, row in vocabulary.index.items() if model.file.is_marked("silent", row)] == ["debt"]
