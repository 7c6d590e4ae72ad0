"""The first screen, by its data: what it says of the asking word, in which cases."""

import json
import re

import numpy as np
import pytest
from command import call

from attnexplain import explain
from attnexplain.steps import lesson

RIVER = "The river bank was flooded after the storm"


def first(sentence, **options):
    chosen = {name: options.pop(name) for name in ("query", "key", "digits") if name in options}
    return lesson(explain(sentence, **options), **chosen).answer


def test_one_word_can_look_only_at_itself():
    answer = first("Flooded")
    assert answer.because == '"Flooded" could look only at itself:'
    assert [(bar.name, bar.share) for bar in answer.bars] == [("Flooded", 1.0)]
    assert answer.lines[1].text.endswith('times the key of "Flooded": ' + answer.lines[1].text.split(": ")[1])
    assert [name for name, _ in answer.company] == ['"Flooded" on its own']


def test_it_happened_is_said_only_where_something_did():
    assert first(RIVER).because.startswith('It happened because "bank" looked at all words')
    unmoved = first("It was happy")
    assert not unmoved.because.startswith("It happened")
    assert unmoved.company[1] == ('"happy" in this sentence', "the same")


def test_under_a_mask_a_word_looks_at_those_before_it():
    assert '"bank" looked at itself and the words before it' in first(RIVER, causal=True).because
    masked = first(RIVER, causal=True, query="river", key="storm")
    assert masked.lines[1].text.endswith("masked")
    assert masked.lines[2].text == '"storm" comes later, so its share is 0'


def test_the_bars_are_the_row_of_the_asking_word_in_order():
    trace = explain(RIVER)
    answer = lesson(trace).answer
    row = trace.weights[trace.tokens.index("bank")]
    shares = [bar.share for bar in answer.bars]
    assert shares == sorted(shares, reverse=True)
    assert set(shares) <= set(row)
    words, number, rest = re.fullmatch(r"(\d+) others, (0\.\d\d)( together)", answer.rest).groups()
    assert rest
    assert int(words) + len(shares) == len(row)
    assert float(number) == pytest.approx(row.sum() - sum(shares), abs=0.005)


def test_at_most_eight_lines_of_bars():
    words = ["river", "bank", "water", "boat", "fish", "stream", "lake", "shore", "bridge", "harbor", "sea", "canal"]
    answer = first(" ".join(words))
    assert len(answer.bars) == 7
    assert answer.rest.startswith("5 others, ")


def test_the_same_word_twice_is_one_bar_with_what_each_gets(tmp_path):
    answer = first("money in the bank and money in the safe", query="bank")
    (bar,) = [bar for bar in answer.bars if bar.is_each]
    assert bar.name == "money"
    tokens = {"tokens": ["a", "b", "a"], "weights": [[0.2, 0.3, 0.5]] * 3}
    path = tmp_path / "w.json"
    path.write_text(json.dumps(tokens))  # the same word with another share is another bar
    assert call("--model", str(path), "--step", "3")[0] == 0


def test_a_chosen_key_is_never_said_to_be_nothing_much():
    weak = first("She ate bread while the river rose", query="bread")
    assert "found nothing much" in weak.lines[2].text or weak.bars[1].share >= 0.1
    chosen = first(RIVER, query="bank", key="storm")
    assert "nothing much" not in chosen.lines[2].text
    assert "found nothing much" in first("It was happy").lines[2].text


@pytest.mark.parametrize(
    ("query", "key", "how"),
    [
        ("bank", "river", "highest of the others"),
        ("bank", "flooded", "place 2 among the others"),
        ("bank", "bank", "its own"),
    ],
)
def test_a_score_is_ranked_among_those_of_the_other_words(query, key, how):
    assert first(RIVER, query=query, key=key).lines[1].text.endswith(how)


def test_what_stands_on_the_first_screen_is_in_the_trace():
    trace = explain(RIVER)
    answer = lesson(trace).answer
    i, j = trace.tokens.index("bank"), trace.tokens.index("river")
    assert f"{trace.scores[i, j]:.2f}" in answer.lines[1].text
    assert f"{trace.weights[i, j]:.2f}" in answer.lines[2].text
    assert answer.company[0][1] == ", ".join(trace.neighbours[i].before)
    assert answer.company[1][1] == ", ".join(trace.neighbours[i].after)


LONG = (
    "Unquestionably extraordinary circumstances notwithstanding considerable international misunderstandings blorbian "
)


@pytest.mark.parametrize(
    "sentence", [LONG * 2, LONG + "zzq", "a " * 60, "7 sat table blorb guests ring money 1999 " * 3, "I"]
)
@pytest.mark.parametrize("options", [(), ("--full",), ("--causal",), ("--head", "2"), ("--digits", "4")])
def test_it_has_at_most_23_lines_at_80_columns(sentence, options):
    out = call("--width", "80", *options, sentence)[1]
    assert out.index("Step 1: ") > 0
    assert out.split("\nStep 1: ")[0].rstrip("\n").count("\n") + 1 <= 23


def test_the_asking_word_is_the_one_whose_company_moved_most_and_the_earlier_of_two():
    trace = explain("The bat bat flew out")
    moved = [near.moved if near.before else 2 for near in trace.neighbours]
    found = json.loads(call("--json", "The bat bat flew out")[1])["worked"]["query"]
    assert moved[found] <= min(moved) + 1e-9
    assert found == next(i for i, value in enumerate(moved) if value <= min(moved) + 1e-9)


def test_a_content_word_asks_before_a_little_word():
    assert json.loads(call("--json", "He ate")[1])["worked"] == {"query": 1, "key": 0}


def test_a_pronoun_is_named_as_it_is_written():
    notes = " ".join(note.text for note in lesson(explain("It was cold when She left the house")).notes)
    assert 'cannot tell what "It" stands for' in notes
    assert "stands for" not in " ".join(note.text for note in lesson(explain(RIVER)).notes)
    assert np.all([not note.text.startswith("warning") for note in lesson(explain(RIVER)).notes])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), RIVER), (("--head", "1"), RIVER), (("--causal",), "-5 degrees is cold"), (("--no-scale",), "don't stop"),
        (("--model", "untrained", "--seed", "5"), 'say "hi" $HOME `x`'), (("--query", "river", "--key", "bank"), RIVER),
        (("--phrase", "river bank"), RIVER), (("--overview",), "the dog bites the man"),
        (("--find", "dog:man"), "the dog saw a man"),
    ],
)  # fmt: skip
def test_every_printed_command_runs_and_shows_the_same_numbers(options, sentence, tmp_path):
    import subprocess
    import sys

    out = call("--width", "200", *options, "--", sentence)[1]
    commands = [line.strip() for line in out.splitlines() if line.startswith("  attnexplain ")]
    assert commands
    for command in commands:
        line = command.replace("attnexplain ", f'"{sys.executable}" -m attnexplain ', 1) + " --width 200"
        line = line.replace(" -- ", " --width 200 -- ").removesuffix(" --width 200") if " -- " in command else line
        done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=tmp_path, timeout=60, text=True)
        if "another sentence" in command and "another" not in sentence:
            assert done.returncode == 2  # which has no word in common, and is there to be replaced
            continue
        if "--explore" in command:  # which other tests open on a terminal
            assert (done.returncode, "needs a terminal" in done.stderr) == (2, True)
            continue
        assert (done.returncode, done.stderr) == (0, "")
        if "--step 3" in command:
            step = out.split("Step 3: ")[1].split("Step 4: ")[0].strip()
            assert step in done.stdout


@pytest.mark.parametrize(("head", "says"), [(1, "look ahead at their noun"), (2, "look back at a noun")])
def test_a_head_without_company_says_what_it_does_and_what_it_reads(head, says):
    trace = explain("the dog bites the man", head=head)
    whole = lesson(trace)
    assert says in whole.answer.note
    text = whole.steps[0].blocks[0].text
    assert "9 to 16 where it stands" in text
    assert np.array_equal(trace.values, trace.embeddings[:, :8])  # W_v copies, as the text says


def test_a_word_that_gets_different_shares_is_told_apart_by_its_positions():
    bars = first("the dog bites the man", head=1).bars
    assert {bar.name for bar in bars} >= {"the(1)", "the(4)"}


def test_where_no_share_is_large_enough_to_print_the_largest_are_shown():
    text = "the river bank was flooded after heavy rain and the old mill stood " * 80
    code, out, err = call("--max-tokens", "4096", text)
    assert (code, err) == (0, "")
    bars = [line for line in out.splitlines()[:20] if "█" in line]
    assert len(bars) > 1
    assert all("0.00" in line for line in bars)
