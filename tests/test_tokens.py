"""Words of any script, phrases, and text that is safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnexplain import tokens as module
from attnexplain.errors import CommandError, PhraseError, TextError
from attnexplain.text import is_invisible, visible, word_key
from attnexplain.tokens import tokenize, word_spans


@pytest.fixture(autouse=True)
def forgets():
    """What characters were met before must not matter."""
    module._CLASSES.clear()


WORDS = [
    ("The cat sat", ["The", "cat", "sat"]),
    ("The cat sat, didn't it?", ["The", "cat", "sat", "didn't", "it"]),
    ("don’t self-attention rock'n'roll", ["don’t", "self-attention", "rock'n'roll"]),
    ("'quoted' \"words\" (here)", ["quoted", "words", "here"]),
    ("well -- known", ["well", "known"]),
    ("-5 degrees, +3.14 and 1,000.50", ["-5", "degrees", "+3.14", "and", "1,000.50"]),
    ("at 12:30 on 2020-01-01, 3rd", ["at", "12:30", "on", "2020-01-01", "3rd"]),
    ("U.S.A. snake_case x² H2O", ["U.S.A", "snake_case", "x²", "H2O"]),
    ("$5 + 50% = R&D C++", ["$", "5", "+", "50", "%", "=", "R", "&", "D", "C", "++"]),
    ("3+5 x=-2", ["3", "+", "5", "x", "=", "-2"]),
    ("naïve nai\u0308ve café", ["naïve", "nai\u0308ve", "café"]),
    ("Привет, мир!", ["Привет", "мир"]),
    ("نص عربي قصير", ["نص", "عربي", "قصير"]),
    ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
    ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया"]),
    ("צה״ל", ["צה״ל"]),
    ("한국어 문장", ["한국어", "문장"]),
    ("我喜歡自注意力。", ["我", "喜", "歡", "自", "注", "意", "力"]),
    ("猫がマットの上に座った", ["猫", "が", "マット", "の", "上", "に", "座", "った"]),
    ("ラーメンとコンピューター", ["ラーメン", "と", "コンピューター"]),
    ("สวัสดีเรา", ["ส", "วั", "ส", "ดี", "เรา"]),
    ("ខ្ញុំស្រឡាញ់", ["ខ្ញុំ", "ស្រ", "ឡា", "ញ់"]),
    ("မြန်မာစကား", ["မြန်", "မာ", "စ", "ကား"]),
    ("I ❤️ 👩\u200d👩\u200d👧 👍🏽", ["I", "❤️", "👩\u200d👩\u200d👧", "👍🏽"]),
    ("🇫🇷🇩🇪 1️⃣", ["🇫🇷", "🇩🇪", "1️⃣"]),
    ("ad\u200bmin \u202eabc\u202c", ["ad\u200bmin", "abc"]),
    ("ぁゖゝァヺヽㇰｦﾝ", ["ぁゖゝ", "ァヺヽㇰｦﾝ"]),
    ("㐀䶿一鿿豈\U00020000", ["㐀", "䶿", "一", "鿿", "豈", "\U00020000"]),
    ("。・ 、々人々", ["々", "人", "々"]),
    ("เกแก ກາເກ ກະ", ["เก", "แก", "ກາ", "เก".translate({0xE40: 0xEC0, 0xE01: 0xE81}), "ກະ"]),
    ("🇦🇿🇿 👍🏻👍🏿", ["🇦🇿", "🇿", "👍🏻", "👍🏿"]),
    ("🏴\U000e0067\U000e007f!", ["🏴\U000e0067\U000e007f"]),
    ("a\u00a0b \u2028c", ["a", "b", "c"]),
    ("\u3164\u115f x\u3164y \ue000", ["x\u3164y", "\ue000"]),
    ("two\nlines\tand\u3000spaces\u2028here", ["two", "lines", "and", "spaces", "here"]),
]


@pytest.mark.parametrize(("sentence", "words"), WORDS)
def test_words(sentence, words):
    assert list(tokenize(sentence).texts) == words


def test_what_is_left_out_is_named_once_in_order():
    assert tokenize("Well, yes - no, (never)!").left_out == (",", "-", "(", ")", "!")
    assert tokenize("\x1b[31mred").left_out == ("\x1b", "[")


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("", "the text is empty"),
        (" \t\n", "the text is empty"),
        ("... --", "the text has no word, only punctuation"),
        ("\u200b\u0301", "the text has no word, only punctuation"),
        ("a\udcffb", "the text is not valid Unicode at character 2 (is it UTF-8?)"),
        ("a b c", "the text has 3 words, and 2 are allowed"),
    ],
)
def test_bad_texts(sentence, message):
    with pytest.raises(TextError) as caught:
        tokenize(sentence, max_tokens=2)
    assert caught.value.message == message
    is_long = "are allowed" in message
    assert caught.value.hint == ("shorten it, or raise the limit with --max-tokens (up to 4096)" if is_long else "")


def test_words_have_their_places():
    sentence = "No, it didn't... 猫猫!"
    assert [sentence[start:end] for start, end in word_spans(sentence)] == ["No", "it", "didn't", "猫", "猫"]


# Phrases


def test_a_phrase_becomes_one_token_in_any_case_wherever_it_occurs():
    tokens = tokenize("Chanting Hare  Krishna, hare krishna", ["HARE KRISHNA"])
    assert tokens.texts == ("Chanting", "Hare Krishna", "hare krishna")


def test_the_words_of_a_phrase_follow_one_another():
    with pytest.raises(PhraseError, match="'Hare Krishna' does not occur"):
        tokenize("Hare, Krishna", ["Hare Krishna"])


def test_the_longest_phrase_comes_first():
    assert tokenize("New York City hall", ["New York City", "City hall"][:1]).texts == ("New York City", "hall")
    with pytest.raises(PhraseError) as caught:
        tokenize("New York City hall", ["City hall", "New York City"])
    assert caught.value.phrase == "City hall"


def test_phrases_of_phrases_and_the_words_around_them():
    sentence = "so New York City hall of New York City, New York"
    joined = tokenize(sentence, ["New York", "New York City", "hall of"])
    assert joined.texts == ("so", "New York City", "hall of", "New York City", "New York")
    assert tokenize("a b c d", ["b c", "c d"][:1]).texts == ("a", "b c", "d")
    assert tokenize("a b a b", ["a b"]).texts == ("a b", "a b")
    with pytest.raises(PhraseError):
        tokenize("a b, c", ["a b", "b c"])


def test_phrases_count_as_one_word_in_the_limit():
    assert tokenize("a b c", ["a b"], max_tokens=2).texts == ("a b", "c")
    assert tokenize("a b a b", ["a b"], max_tokens=2).texts == ("a b", "a b")


def test_a_phrase_has_at_most_sixty_four_words():
    words = [f"w{number}" for number in range(70)]
    assert tokenize(" ".join(words), [" ".join(words[:64])]).texts[0] == " ".join(words[:64])
    with pytest.raises(CommandError, match="65 words, and 64 are allowed"):
        tokenize(" ".join(words), [" ".join(words[:65])])


def test_a_phrase_stands_from_its_first_word_to_its_last():
    found = tokenize("I like New York City pizza", ["New York City"])
    assert found.spans == ((0, 1), (2, 6), (7, 20), (21, 26))


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("!\x1b", "the phrase '!<U+001B>' has no word in it"),
        ("a\udcff", "the phrase 'a<U+DCFF>' is not valid Unicode (is it UTF-8?)"),
    ],
)
def test_a_phrase_without_a_word_is_refused(phrase, message):
    with pytest.raises(CommandError) as caught:
        tokenize("a b", [phrase])
    assert caught.value.message == message


# Sameness


@pytest.mark.parametrize(
    ("one", "other"), [("The", "the"), ("Straße", "STRASSE"), ("cafe\u0301", "café"), ("don’t", "don't"), ("ﬁn", "fin")]
)
def test_the_same_word(one, other):
    assert word_key(one) == word_key(other)


def test_invisible_characters_do_not_make_another_word():
    assert word_key("ad\u200bmin") == word_key("admin")
    assert word_key("s\x11\u0301") == word_key("s\u0301") == word_key("ś")


# Safety


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain  text\n", "plain text"),
        ("a\x1b[31mb", "a<U+001B>[31mb"),
        ("\x9b31m", "<U+009B>31m"),
        ("\u202eabc", "<U+202E>abc"),
        ("ad\u200bmin", "ad<U+200B>min"),
        ("a\u3164b", "a<U+3164>b"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("❤\ufe0f", "❤"),
        ("\u0301x", "\u25cc\u0301x"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "<U+0301>" * 2),
        ("\ud800", "<U+D800>"),
        ("[bold]x[/x]", "[bold]x[/x]"),
        ("a \ufe0fb", "a <U+FE0F>b"),
        ("❤\ufe0fb", "❤b"),
        ("猫 \u0301x", "猫 \u25cc\u0301x"),
        ("\x00\u0301x", "<U+0000>\u25cc\u0301x"),
        ("猫\u0301\u0301x", "猫\u0301\u0301x"),
        ("\u0301\u0301x", "\u25cc\u0301\u25cc\u0301x"),
        ("猫" + "\u0301" * 5, "猫" + "\u0301" * 4 + "<U+0301>"),
        ("a" + "\u0301" * 4 + "b" + "\u0301" * 4, "a" + "\u0301" * 4 + "b" + "\u0301" * 4),
        ("猫\u2028x", "猫 x"),
        ("猫\U000e0100\U000e01ef", "猫<U+E0100><U+E01EF>"),
        ("猫\U000e00ff\U000e01f0", "猫<U+E00FF><U+E01F0>"),
        ("猫\u0378", "猫<U+0378>"),
        ("猫\U0001f2ff\U0001fb93", "猫<U+1F2FF><U+1FB93>"),
        ("猫\U0001faff", "猫\U0001faff"),
        ("猫\ue000\U000f0000", "猫<U+E000><U+F0000>"),
        ("naïve 猫", "naïve 猫"),
    ],
)
def test_text_made_visible(text, shown):
    assert visible(text) == shown


def test_ascii_only_text_is_ascii():
    assert visible("naïve 猫", charset="ascii") == "na<U+00EF>ve <U+732B>"


@given(st.text())
def test_nothing_unseen_is_shown(text):
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert visible(text, charset="ascii").isascii()


@given(st.text(max_size=60))
def test_tokens_are_pieces_of_the_sentence_and_always_the_same(text):
    try:
        tokens = tokenize(text)
    except TextError:
        return
    assert tokens == tokenize(text)
    position = 0
    for word in tokens.texts:
        position = text.index(word, position) + len(word)
    assert all(word.strip() for word in tokens.texts)


def test_separators_and_unusual_spaces_are_invisible_where_they_are_no_white_space_of_the_text():
    """A token from a file of numbers can hold what a sentence cannot."""
    assert [c for c in "\u2028\u2029\u00a0\u2003\u1680 " if not is_invisible(c)] == [" "]
    assert not is_invisible("\U0001f300")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAD9), (0x20000, 0x2A6DF), (0x0E01, 0x0E2E), (0x1000, 0x102A),
        (0x1780, 0x17A2), (0xA9E0, 0xA9E4), (0xAA60, 0xAA6F),
    ],
)  # fmt: skip
def test_scripts_without_spaces_are_cut_from_their_first_letter_to_their_last(first, last):
    """Blocks of Unicode: an ideograph is a word, and so is a syllable of Thai, Burmese or Khmer."""
    assert tokenize(f"{chr(first)}{chr(first + 1)}{chr(last - 1)}{chr(last)}").texts == (
        chr(first), chr(first + 1), chr(last - 1), chr(last)
    )  # fmt: skip


@pytest.mark.parametrize("run", [(0x3041, 0x3096), (0x30A1, 0x30FA), (0x31F0, 0x31FF), (0xFF66, 0xFF9D)])
def test_kana_of_one_kind_are_one_word(run):
    first, last = run
    assert len(tokenize(f"{chr(first)}{chr(last)}").texts) == 1
    assert len(tokenize(f"{chr(first)}一{chr(last)}").texts) == 3
