"""Exercises: numbers that can be worked out in the head and say what the model says; sheets, keys and the quiz."""

import contextlib
import io
import json
import re
import signal
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from command import call
from hypothesis import given, settings
from hypothesis import strategies as st

from attnexplain import explain, load_model
from attnexplain.errors import DataError
from attnexplain.exercises.made import APART, made_exercise, sharpened
from attnexplain.exercises.quiz import is_right, questions, slip_of
from attnexplain.exercises.sheet import BLANKS, code_of, sheet
from attnexplain.exercises.working import worked_out
from attnexplain.models.tiny import Tiny
from attnexplain.render.ink import Ink
from attnexplain.render.terminal import render_text

RIVER = "The river bank was flooded after the storm"
SENTENCES = [
    RIVER, "She deposited the money at the bank", "I love my dog", "The quick brown fox jumps over the lazy dog",
    "Stocks fell sharply on Tuesday after the central bank raised interest rates",
    "My grandmother bakes bread every Sunday morning", "The teacher smiled because she was proud",
    "Heat the oil in a pan and fry the onions", "The bat flew out of the cave at night", "He hit the ball with a bat",
    "Plants need light and water to grow", "Chanting Hare Krishna mantra", "the dog bites the man",
]  # fmt: skip
SIMPLE = Path(__file__).parent.parent / "sentences" / "raschka-simple.json"


def made(sentence, **options):
    return made_exercise(explain(sentence), **options)


def holds(exercise, trace):
    """What the numbers of every sheet promise."""
    x, scores = exercise.trace.embeddings, exercise.trace.scores[exercise.query]
    assert set(np.unique(x)) <= {0, 1, 2, 3}
    assert len(np.unique(x, axis=0)) == len(x) <= 5
    for matrix in (exercise.trace.head.w_q, exercise.trace.head.w_k):
        assert matrix.shape == (4, 4)
        assert set(np.unique(matrix)) == {0, 1}
    assert exercise.trace.scale == 2
    assert scores.min() >= 0
    assert scores.max() <= 12
    shares = exercise.trace.weights[exercise.query]
    assert 0.4 <= shares.max() <= 0.8
    assert exercise.trace.values.shape[1] == 2
    assert np.array_equal(exercise.trace.values, exercise.trace.values.round())
    rows = {name: place for place, name in enumerate(trace.tokens)}  # of a word that occurs twice any row will do
    places = [rows[name] for name in exercise.names]
    model = trace.weights[places[exercise.query]][places]
    model = model / model.sum()
    assert shares.argmax() == model.argmax()
    for i in range(len(places)):
        for j in range(len(places)):
            assert not model[i] > model[j] + APART or shares[i] > shares[j]


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("seed", [0, 1])
def test_made_numbers_can_be_worked_out_in_the_head_and_say_what_the_model_says(sentence, seed):
    trace = explain(sentence)
    holds(made_exercise(trace, seed=seed), trace)


FILE = Tiny().file
WORDS = [FILE.word(row) for row in range(0, len(FILE), 37) if FILE.is_marked("offered", row)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=8, unique=True), st.integers(0, 5))
def test_any_words_make_a_sheet_or_the_reason_is_said(words, seed):
    """Of 500 such sentences, measured apart, 500 make one."""
    trace = explain(" and the ".join(words), model=load_model("tiny"))
    with contextlib.suppress(DataError):
        holds(made_exercise(trace, seed=seed), trace)


def half_up(value, digits):
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@pytest.mark.parametrize("sentence", [RIVER, "He hit the ball with a bat", "the dog bites the man"])
@pytest.mark.parametrize("seed", [0, 4])
def test_the_arithmetic_of_the_text_alone_comes_to_the_key(sentence, seed):
    exercise = made(sentence, seed=seed)
    working = worked_out(exercise.trace, exercise.query)
    x, w_q, w_k = working.embeddings, working.w_q, working.w_k
    query = [sum(a * row[p] for a, row in zip(x[exercise.query], w_q, strict=True)) for p in range(4)]
    keys = [[sum(a * row[p] for a, row in zip(one, w_k, strict=True)) for p in range(4)] for one in x]
    assert tuple(query) == working.query
    assert tuple(map(tuple, keys)) == working.keys
    scores = [sum(a * b for a, b in zip(query, key, strict=True)) for key in keys]
    assert tuple(scores) == working.scores
    powers = [half_up((score / 2).exp(), 2) for score in scores]
    assert tuple(powers) == working.powers
    total = sum(powers)
    assert total == working.total
    shares = [half_up(power / total, 2) for power in powers]
    assert tuple(shares) == working.shares
    context = [sum(share * value[j] for share, value in zip(shares, working.values, strict=True)) for j in range(2)]
    assert tuple(context) == working.context
    # and attention.py, which has all digits, says the same
    np.testing.assert_allclose(np.array(working.shares, float), exercise.trace.weights[exercise.query], atol=0.006)
    np.testing.assert_array_equal(np.array(working.scores, float), exercise.trace.scores[exercise.query])
    np.testing.assert_allclose(np.array(working.context, float), exercise.trace.context[exercise.query], atol=0.07)


@pytest.mark.parametrize("sentence", SENTENCES[:6])
def test_every_equation_of_a_key_is_what_a_calculator_gives(sentence):
    text = render_text(sheet(made(sentence), is_key=True), Ink(), width=200)
    lines = [
        line
        for line in text.splitlines()
        if re.search(r"\) = |sum = |\" [=≈] |share of", line) and line.count("=") + line.count("≈") > 1
    ]
    assert len(lines) > 10
    for line in lines:
        _, *parts = re.split(r" ([=≈]) ", line)
        values = [eval(part.replace("·", "*")) for part in parts[1::2]]  # noqa: S307 - numbers and signs of our own
        for sign, one, other in zip(parts[2::2], values, values[1:], strict=False):
            exact = abs(one - other) < 1e-9
            assert exact == (sign == "="), line
            assert exact or abs(one - other) <= 0.005, line


def test_a_sheet_has_boxes_and_its_key_has_none():
    exercise = made(RIVER)
    empty, filled = (render_text(sheet(exercise, is_key=is_key), Ink(), width=80) for is_key in (False, True))
    count = len(exercise.names)
    boxes = empty[empty.index("Step 1") :].split("What does it mean?")[0].count("______")
    assert boxes == 4 + 4 * count + count + 3 * count + 2 + 2 * (count + 1)
    assert "______" not in filled
    assert filled.count(" = ") > 15
    code = code_of(exercise)
    assert f"Sheet {code}\n" in empty
    assert f"Sheet {code}: the key" in filled
    assert code != code_of(made(RIVER, seed=1))
    assert code == code_of(made(RIVER))


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_can_be_chosen(blank):
    text = render_text(sheet(made(RIVER), blanks=(blank,)), Ink(), width=80).split("What does it mean?")[0]
    boxes = text[text.index("Step 1") :].count("______")
    assert boxes == {"queries": 4, "keys": 16, "sum": 1, "context": 10, "weights": 5}.get(blank, 4)


@pytest.mark.parametrize("ending", ["html", "md", "txt", "svg"])
def test_sheets_are_written_as_files(ending, tmp_path):
    path = tmp_path / f"sheet.{ending}"
    assert call("--worksheet", RIVER, "-o", str(path)) == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert code_of(made(RIVER)) in text
    if ending == "html":
        assert text.count('<td class="blank"></td>') == 48
    assert call("--key-sheet", RIVER, "-o", str(path), "--force") == (0, "", "")
    assert "blank" not in re.sub(r"(?s)<style>.*?</style>", "", path.read_text(encoding="utf-8"))


def test_own_numbers_make_a_sheet_as_they_are():
    code, out, err = call("--worksheet", "--model", str(SIMPLE))
    assert (code, err) == (0, "")
    assert "The numbers are those of the file." in out
    assert "These scores are not divided." in out
    code, out, _ = call("--key-sheet", "--model", str(SIMPLE), "--query", "journey")
    assert code == 0
    given = json.loads(SIMPLE.read_text())
    keys = np.array(given.get("keys", given.get("embeddings")))
    scores = keys @ keys[1]
    shares = np.exp(scores) / np.exp(scores).sum()
    said = [float(number) for number in re.findall(r'share of "[^"]+" = .* ≈ (\d\.\d+)', out)]
    np.testing.assert_allclose(said, shares, atol=0.01)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--worksheet", "the of and"], 3, "two different words"),
        (["--worksheet", "Hund und Katze sind im Haus"], 3, "knows none of these words"),
        (["--worksheet", "--model", "untrained", RIVER], 2, "exercises are made of the learned model"),
        (
            ["--worksheet", "--step", "3", RIVER],
            2,
            "--worksheet makes a sheet of one word, so --step does not go with it",
        ),
        (["--worksheet", "--json", RIVER], 2, "--worksheet makes a sheet of one word, so --json does not go with it"),
        (["--worksheet", "--causal", RIVER], 2, "so --causal does not go with it"),
        (["--worksheet", "--digits", "3", RIVER], 2, "so --digits does not go with it"),
        (["--worksheet", "--full", RIVER], 2, "so --full does not go with it"),
        (["--worksheet", "--quiz", RIVER], 2, "exclude each other"),
        (["--key-sheet", "--blanks", "scores", RIVER], 2, "--key-sheet leaves nothing out"),
        (["--worksheet", "--blanks", "scroes", RIVER], 2, "did you mean scores?"),
        (["--blanks", "scores", RIVER], 2, "so --blanks does not go with it"),
        (["--quiz", "-"], 2, "so its sentence must be an argument"),
        (["--quiz", "--file", "x.txt"], 2, "so --file does not go with it"),
        (["--quiz", "--json", "-o", "x.json", RIVER], 2, "so --output does not go with it"),
        (["--worksheet", "--model", str(SIMPLE), "--seed", "3"], 2, "--seed"),
        (["--worksheet", "--query", "moon", RIVER], 2, "moon"),
    ],
)
def test_what_cannot_be_made_is_one_line(arguments, code, said):
    assert (call(*arguments)[0], said in call(*arguments)[2]) == (code, True)


NUMBERS = {
    "tokens": ["a", "b"],
    "embeddings": [[1, 0], [3, 1]],
    "w_q": [[1, 0], [0, 1]],
    "w_k": [[1, 0], [0, 1]],
    "w_v": [[1, 0], [0, 1]],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"b_q": [5, 0]}, "no place for biases"),
        ({"causal": True}, "no place for a mask"),
        ({"tokens": ["a"], "embeddings": [[1, 0]]}, "two words at least"),
        ({"tokens": list("abcdefghi"), "embeddings": [[1, 0]] * 9}, "9 words of 2 numbers are too many"),
        ({"embeddings": [[5, 0], [9, 1]]}, "too large for a sheet"),
        ({"embeddings": [[1e6, 0], [9, 1]]}, "too large for a sheet"),
    ],
)
@pytest.mark.parametrize("kind", ["--worksheet", "--key-sheet", "--quiz"])
def test_own_numbers_that_make_no_sheet_are_refused(change, said, kind, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    path = tmp_path / "n.json"
    path.write_text(json.dumps(NUMBERS | change))
    code, out, err = call(kind, "--model", str(path))
    assert (code, out) == (3, "")
    assert said in err


def test_own_numbers_are_raised_to_their_powers_as_they_are(tmp_path):
    path = tmp_path / "n.json"
    path.write_text(json.dumps(NUMBERS))
    _, out, _ = call("--key-sheet", "--model", str(path), "--query", "b")
    scaled = [round(score / 1.41 + 1e-9, 2) for score in (3, 10)]
    assert f"the sum = {np.exp(scaled[0]):.2f} + {np.exp(scaled[1]):.2f} = " in out
    assert "(√2 ≈ 1.41, the root" in out
    assert '"b" won, with' in out
    assert '"a" wins if its score is the largest' in out


def test_a_tie_has_two_winners(tmp_path, monkeypatch):
    path = tmp_path / "n.json"
    path.write_text(json.dumps(NUMBERS | {"embeddings": [[1, 1], [1, 1]]}))
    assert '"a" and "b" share the first place' in call("--key-sheet", "--model", str(path))[1]
    for guess in "ab":
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{guess}\n"))
        out = call("--quiz", "--json", "--model", str(path))[1]
        assert json.loads(out.splitlines()[0])["right"]


def test_every_seed_makes_another_sheet():
    for sentence in (RIVER, "Dogs bark", "He swung the bat and hit the ball", "Where is my teddy bear?"):
        assert len({code_of(made(sentence, seed=seed)) for seed in range(8)}) == 8


def test_a_word_is_wanted_as_a_guess_and_any_of_its_spellings_will_do(monkeypatch):
    _, out, _ = asked(monkeypatch, "moon\nBANK\n")
    assert "One of river, bank, flooded, storm is wanted" in out
    assert "2 of 21." in out
    other = made("The dog chased the cat because it was hungry")
    first = questions(other)[0]
    assert is_right(first, first.written.upper())
    assert not any(is_right(first, name) for name in other.names if name != first.written)


# The quiz


@pytest.fixture
def quiz():
    return {question.id: question for question in questions(made(RIVER))}


def asked(monkeypatch, answers, *options):
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    return call("--quiz", *options, RIVER)


def test_an_answer_is_right_within_its_own_last_digit(quiz):
    share = next(question for name, question in quiz.items() if name.startswith("share-"))
    value = share.answer
    assert is_right(share, str(value))
    assert is_right(share, str(value).replace(".", ","))
    assert is_right(share, str(value).removeprefix("0"))
    assert is_right(share, str(half_up(value, 1)))
    assert not is_right(share, str(value + Decimal("0.1")))
    assert not is_right(share, "0")
    assert not is_right(share, "one")
    score = quiz["score-1"]
    assert is_right(score, f" {score.answer} ")
    assert is_right(score, f"{score.answer}.0")
    assert not is_right(score, str(score.answer + 1))


def test_the_likely_slips_are_named(quiz):
    working = worked_out((exercise := made(RIVER)).trace, exercise.query)
    order = sorted(range(len(exercise.names)), key=lambda i: -working.shares[i])
    other = next(i for i in order if i != exercise.query)
    score, scaled, power, share = (quiz[f"{name}-{other + 1}"] for name in ("score", "scaled", "power", "share"))
    assert "that is the score of" in slip_of(score, str(working.scores[exercise.query]))
    assert slip_of(scaled, str(working.scores[other])) == "you forgot to divide"
    assert slip_of(power, str(working.scaled[other])) == "e^ is left out"
    plain = half_up(working.scaled[other] / sum(working.scaled), 2)
    assert slip_of(share, str(plain)) == "e^ is left out"
    undivided = np.exp(np.array(working.scores, float))
    assert "forgot to divide" in slip_of(share, f"{undivided[other] / undivided.sum():.2f}")
    assert "scaled scores added up" in slip_of(quiz["sum"], str(sum(working.scaled)))
    x, w_q = exercise.trace.embeddings[exercise.query], exercise.trace.head.w_q
    for place in range(4):
        question, turned = quiz[f"query-{place + 1}"], float(x @ w_q[place])
        if turned != float(question.answer):
            assert any(says in slip_of(question, f"{turned:.0f}") for says in ("row", "W_k"))
    for question in quiz.values():
        assert all(slip.result != question.answer for slip in question.slips)


def test_piped_answers_are_judged_and_counted(monkeypatch):
    every = questions(made(RIVER))
    code, out, err = asked(monkeypatch, "".join(f"{question.written}\n" for question in every))
    assert (code, err) == (0, "")
    assert out.count("Right: ") == len(every) - 1  # all but the prediction, which is told at the end
    assert f'The largest share is that of "{every[0].written}": your guess was right.' in out
    assert f"{len(every) - 1} of {len(every) - 1} right at the first try." in out


def test_a_wrong_answer_is_asked_once_more_and_then_told(monkeypatch):
    every = questions(made(RIVER))
    answers = [question.written for question in every]
    answers[1:2] = ["99", "98"]
    code, out, _ = asked(monkeypatch, "\n".join(answers) + "\n")
    assert code == 0
    assert "Not quite" in out
    assert f" is {every[1].written}." in out
    assert f"{len(every) - 2} of {len(every) - 1} right" in out
    assert "attnexplain --explain qkv" in out


def test_the_end_of_input_ends_the_quiz_with_the_score_so_far(monkeypatch):
    first, second, third, *_ = questions(made(RIVER))
    code, out, err = asked(monkeypatch, f"{first.written}\n{second.written}\n")
    assert (code, err) == (0, "")
    assert "1 of 1 right at the first try (of " in out
    _, out, _ = asked(monkeypatch, f"{first.written}\n{second.written}\n{third.answer + 1}\n")
    assert "1 of 2 right at the first try (of " in out


def test_json_has_question_given_and_right(monkeypatch):
    every = questions(made(RIVER), ["scores"])
    answers = [every[0].written, "1e9", *(question.written for question in every[2:])]
    code, out, err = asked(monkeypatch, "\n".join(answers) + "\n", "--json", "--blanks", "scores")
    assert (code, err) == (0, "")
    *lines, last = map(json.loads, out.splitlines())
    assert [line["question"] for line in lines] == [question.id for question in every]
    assert [line["given"] for line in lines] == answers
    assert [line["right"] for line in lines] == [True, False] + [True] * (len(every) - 2)
    assert last["right"] == len(every) - 2
    assert [line["answer"] for line in lines] == [question.written for question in every]


def test_hostile_answers_are_shown_and_do_nothing(monkeypatch):
    _, out, _ = asked(monkeypatch, "\x1b[31mbank\u202e\n" + "9" * 10_000 + "\n")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert len(out) < 2000


def test_the_largest_share_is_brought_near_to_the_target():
    for shares in ([0.3, 0.25, 0.25, 0.2], [0.97, 0.01, 0.01, 0.01], [0.4, 0.35, 0.25]):
        assert sharpened(np.array(shares)).max() == pytest.approx(0.55, abs=0.01)
    assert sharpened(np.array([0.9, 0.1])).max() == pytest.approx(0.65, abs=0.01)


def test_ctrl_c_ends_a_quiz_as_a_signal_does():
    command = [sys.executable, "-m", "attnexplain", "--quiz", "the dog bites the man"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"\n1"  # the first question stands there, and nobody answers
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
        assert process.stderr is not None
        assert process.stderr.read() == b""
