"""The token numbers of folders are those of transformers, and a stranger's tokenizer stays in bounds."""

import json
import timeit
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

import tokenizers
from make_tokenizers import NEWER, TEXTS, write

from attnexplain.errors import CheckpointError, TextError
from attnexplain.models.checkpoint.guard import PUBLISHED, refuse_unbounded
from attnexplain.models.checkpoint.tokenizer import PieceTokenizer
from attnexplain.models.checkpoint.tokenizer_folder import open_tokenizer

FOLDERS = json.loads((Path(__file__).parent / "data" / "tokenizers.json").read_text())
BASE = Path(__file__).parent / "data" / "checkpoints"


@pytest.mark.parametrize("number", range(len(FOLDERS)))
def test_a_folder_gives_the_numbers_of_transformers(number, tmp_path):
    name, files, change, expected = FOLDERS[number]
    write(name, files, change, tmp_path)
    kind = json.loads((BASE / name / "config.json").read_text())["model_type"]
    tokenizer = open_tokenizer(tmp_path, kind)
    for text, ids in zip(TEXTS, expected, strict=True):
        assert tokenizer.encode(text).ids == ids, text


def test_the_folders_differ_from_one_another():
    """Settings that made no difference would prove nothing: for each base the texts come out in several ways."""
    for name in ("bert", "roberta", "xlm-roberta", "gpt2", *NEWER):
        ways = len({json.dumps(ids) for base, _, _, ids in FOLDERS if base == name})
        assert ways >= (3 if name in NEWER else 4), name


@pytest.mark.parametrize("pattern", sorted(PUBLISHED))
@pytest.mark.parametrize(
    "unit", [" ", "a", "A", "1", "'", "\n", " \n", "猫", "é", "\u0301", "a ", "!", "'s", "\u02b0", "A猫"]
)
def test_a_published_pattern_takes_time_in_proportion_to_the_text(pattern, unit):
    splitter = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    short, long = (
        min(timeit.repeat(partial(splitter.pre_tokenize_str, unit * (size // len(unit)) + "x"), number=1, repeat=5))
        for size in (4_000, 64_000)
    )
    assert long < 100 * max(short, 1e-3)  # 16 times as long a text; in proportion to its square it would be 256


def split_by(pattern):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    return tokenizer


def test_published_patterns_pass_and_one_letter_more_does_not():
    for pattern in PUBLISHED:
        refuse_unbounded(split_by(pattern))
        with pytest.raises(CheckpointError, match="splits by the regular expression"):
            refuse_unbounded(split_by(pattern + "|x+"))


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"a*a*a*b", r"(?:x)", r"\s+|\w+"])
def test_other_patterns_that_may_be_slow_are_refused(pattern):
    with pytest.raises(CheckpointError, match="splits by the regular expression"):
        refuse_unbounded(split_by(pattern))


@pytest.mark.parametrize("pattern", [r"\d", r" {2,}", r"[a-z]+"])
def test_simple_patterns_are_read(pattern):
    refuse_unbounded(split_by(pattern))


def pieces(positions=None, vocabulary=160):
    return PieceTokenizer(open_tokenizer(BASE / "bert", "bert"), vocabulary, positions)


@pytest.mark.parametrize(
    ("most", "positions", "said", "hint"),
    [
        (3, None, "5 tokens, and 3 are allowed", "(up to 4096)"),
        (3, 48, "5 tokens, and 3 are allowed", "(up to 48)"),
        (3, 4, "5 tokens, and this model has 4 positions", "shorten the text"),
        (4096, 4, "5 tokens, and this model has 4 positions", "shorten the text"),
    ],
)
def test_a_hint_promises_no_more_than_the_model_can_take(most, positions, said, hint):
    with pytest.raises(TextError, match="the text has") as caught:
        pieces(positions).tokenize("the the the", most)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_text_of_a_quarter_of_a_million_characters_is_refused_before_it_is_cut():
    start = timeit.default_timer()
    with pytest.raises(TextError, match=r"longer than 262,144 characters"):
        pieces().tokenize("a " * 140_000, 512)
    assert timeit.default_timer() - start < 1
