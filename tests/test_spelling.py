"""Words that the learned model doesn't know."""

import pytest

from attnexplain.models import spelling


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("Krishna", "krishna"),
        ("1984", "<year>"),
        ("2030", "<year>"),
        ("3rd", "<ordinal>"),
        ("42", "<number>"),
        ("-3.5", "<number>"),
        ("1,000.50", "<number>"),
        ("3000", "<number>"),
        ("don’t", "don't"),
        ("H2O", "h2o"),
    ],
)
def test_the_form_in_which_a_word_is_looked_up(word, normal):
    assert spelling.normal_word(word) == normal


def test_the_split_of_two_words_is_the_most_even_one():
    common = {"river", "bank", "riv", "erbank", "the", "rapist"}.__contains__
    assert spelling.two_words("riverbank", common) == ("river", "bank")
    assert spelling.two_words("xyzzy", common) is None


def test_all_spellings_one_slip_away_are_tried_doubled_letters_first():
    near = list(spelling.one_slip_away("wrod"))
    assert near[:4] == ["wwrod", "wrrod", "wrood", "wrodd"]
    assert {"word", "rod", "wrad", "wrode"} <= set(near)
    assert "trod" not in near  # another consonant is another word


def test_groups_of_letters_are_numbered_the_same_for_ever():
    assert spelling.buckets("cat") == [
        spelling.crc32(g) % 2048 for g in (b"<ca", b"cat", b"at>", b"<cat", b"cat>", b"<cat>")
    ]
    assert all(0 <= bucket < spelling.BUCKETS for bucket in spelling.buckets("antidisestablishmentarianism"))
