"""An option without effect is refused: by what is asked for, by the form it is written in, by the model."""

import json
from pathlib import Path

import pytest
from command import call

from attnexplain.cli.request import Request
from attnexplain.cli.rules import OF_MODELS, RULES, chosen

BERT = str(Path(__file__).parent / "data" / "checkpoints" / "bert")
VALUES = {
    "sentence": ["a b"], "file": ["--file", "{}/two.txt"], "steps": ["--step", "3"], "query": ["--query", "a"],
    "key": ["--key", "b"], "place": ["--place", "2"], "phrases": ["--phrase", "a b"], "model": ["--model", "untrained"],
    "layers": ["--layer", "1"], "heads": ["--head", "1"],
    "pair": ["--pair", "b"], "truncate": ["--truncate"], "repeats": ["--repeats"], "next": ["--next", "2"],
    "merge_words": ["--merge-words"], "download": ["--download"], "causal": ["--causal"],
    "scale": ["--no-scale"], "pause": ["--pause"], "json": ["--json"], "keep_going": ["--keep-going"],
    "digits": ["--digits", "3"], "seed": ["--seed", "5"], "brief": ["--brief"],
    "shape": ["--shape", "column"], "blanks": ["--blanks", "scores"], "bare": ["--bare"], "full": ["--full"],
    "max_tokens": ["--max-tokens", "9"],
}  # fmt: skip
"""Each option of the table with a value that is not the default."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "two.txt").write_text("a b\nb a\n")
    eye = [[1, 0], [0, 1]]
    (tmp_path / "weights.json").write_text(json.dumps({"tokens": ["a", "b"], "weights": [[0.5, 0.5], [1, 0]]}))
    (tmp_path / "example.json").write_text(
        json.dumps({"tokens": ["a", "b"], "embeddings": eye, "w_q": eye, "w_k": eye, "w_v": eye})
    )
    return tmp_path


def refused(folder, *arguments):
    code, out, err = call(*[argument.replace("{}", str(folder)) for argument in arguments])
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    return err


def test_every_option_of_the_table_has_a_value_here():
    assert set(VALUES) == set(RULES)


@pytest.mark.parametrize("subject", [["--explain", "softmax"], ["--model-card"], ["--json-schema"]])
@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("digits", "brief", "full", "pause", "json")])
def test_what_needs_no_sentence_takes_no_option_of_one(subject, name, folder):
    assert "does not go with it" in refused(folder, *subject, *VALUES[name])


@pytest.mark.parametrize("name", ["query", "key", "steps", "causal", "scale"])
@pytest.mark.parametrize("subject", [["--overview"], ["--find", "a:b"]])
def test_all_heads_are_run_as_they_are(subject, name, folder):
    said = refused(folder, "--model", BERT, *subject, *VALUES[name], "a b")
    option = "--no-scale" if name == "scale" else RULES[name].option
    assert f"{subject[0]} runs every head as it is, so {option} does not go with it" in said


@pytest.mark.parametrize("name", ["digits", "brief", "pause"])
def test_json_takes_nothing_that_is_for_the_eye(name, folder):
    assert f"so {RULES[name].option} does not go with it" in refused(folder, "--json", *VALUES[name], "a b")


@pytest.mark.parametrize("name", ["steps", "query", "key", "digits", "brief", "pause", "merge_words"])
def test_arrays_take_nothing_that_chooses_from_them(name, folder):
    said = refused(folder, "-o", "{}/x.npz", *VALUES[name], "a b")
    assert f"so {RULES[name].option} does not go with it" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "{}/weights.json", "--causal"],
        ["--model", "{}/weights.json", "--no-scale"],
        ["--model", "{}/weights.json", "--merge-words"],
        ["--model", "{}/weights.json", "--seed", "5"],
        ["--model", "{}/weights.json", "--phrase", "a b"],
        ["--model", "{}/weights.json", "--keep-going"],
        ["--model", "{}/weights.json", "--compare", "a"],
        ["--model", "{}/example.json", "--seed", "5"],
        ["--model", "{}/example.json", "--phrase", "a b"],
        ["--model", "{}/example.json", "--keep-going"],
        ["--model", "{}/example.json", "--compare", "a"],
        ["--seed", "5", "a b"],
        ["--model", "tiny", "--seed", "5", "a b"],
        ["--model", BERT, "--seed", "5", "a b"],
        ["--model", BERT, "--phrase", "a b", "a b"],
        ["--merge-words", "a b"],
        ["--keep-going", "a b"],
        ["--model-card", "--model", "untrained"],
        ["--model-card", "-o", "{}/x.json"],
        ["--json-schema", "-o", "{}/x.txt"],
        ["--file", "{}/two.txt", "--compare", "a b"],
        ["--explain", "softmax", "--overview"],
        ["--model-card", "--json-schema"],
        ["--head", "1", "--head", "2", "a b"],
        ["--causal", "--no-causal", "a b"],
        ["-o", "{}/x.svg", "--output", "{}/y.svg", "a b"],
        ["--json", "--digits", "9", "a b"],
    ],
)
def test_what_has_no_effect_is_refused(arguments, folder):
    before = sorted(folder.iterdir())
    refused(folder, *arguments)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "0", "a b"],
        ["--model", BERT, "--overview", "--layer", "0", "--head", "0", "a b"],
        ["--json", "--step", "1-4", "a b"],
        ["--json", "--digits", "2", "a b"],
        ["--layer", "0", "--head", "0", "a b"],
        ["--model", "{}/weights.json", "--no-causal", "--scale"],
        ["--model-card", "--model", "tiny"],
        ["--json", "--color", "always", "--width", "40", "--ascii", "--theme", "light", "a b"],
        ["--json-schema", "--color", "never", "--width", "40"],
        ["--json", "--json", "a b"],
        ["--step", "1", "--step", "2", "--phrase", "a b", "--phrase", "a b", "a b"],
    ],
)
def test_a_value_that_is_the_default_anyway_and_how_the_screen_looks_are_never_refused(arguments, folder):
    code, out, err = call(*[argument.replace("{}", str(folder)) for argument in arguments])
    assert (code, err) == (0, "")
    assert out


def test_the_card_and_the_schema_are_written_to_files(folder):
    assert call("--model-card", "-o", str(folder / "card.txt")) == (0, "", "")
    assert (folder / "card.txt").read_text() == call("--model-card")[1]
    assert call("--json-schema", "-o", str(folder / "schema.json")) == (0, "", "")
    assert json.loads((folder / "schema.json").read_text()) == json.loads(call("--json-schema")[1])


def test_the_table_names_fields_of_the_request():
    fields = set(vars(Request()))
    assert set(RULES) <= fields
    assert set(OF_MODELS) <= fields
    assert chosen(Request()) == []
    assert chosen(Request(digits=3, causal=False)) == ["causal", "digits"]


@pytest.mark.parametrize(
    ("typed", "steps"),
    [("3", [3]), ("1-2", [1, 2]), ("2,3", [2, 3]), ("1-2,4", [1, 2, 4]), ("4,1", [1, 4]), (" 2 - 3 ", [2, 3])],
)
def test_steps_are_chosen_as_the_help_says(typed, steps):
    code, out, _ = call("--brief", "--step", typed, "a b")
    assert code == 0
    assert [int(line[5]) for line in out.splitlines() if line.startswith("Step ")] == steps


@pytest.mark.parametrize("typed", ["3-1", "1-", "-", "1,,2", "0-2", "1-5", "1 2", "a"])
def test_steps_that_are_none_are_refused(typed):
    code, out, err = call("--step", typed, "a b")
    assert (code, out) == (2, "")
    assert err.startswith("attnexplain: error: --step:")
    assert "Value error" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--theme", "drak", "a"], "(did you mean dark?)"),
        (["--color", "alway", "a"], "(did you mean always?)"),
        (["--model", "minlm", "a"], "hint: did you mean minilm?"),
        (["--explain", "sofmax"], "did you mean softmax?"),
        (["--csual", "a"], "did you mean --causal"),
    ],
)
def test_a_slip_of_the_keyboard_gets_a_suggestion(arguments, said):
    code, _, err = call(*arguments)
    assert code == 2
    assert said in err


# Words of many lines


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a bank\nno such\nbank b\n")
    return str(path)


@pytest.mark.parametrize("option", [["--query", "bank"], ["--key", "bank"]])
def test_a_line_without_the_word_is_the_lines_mistake(option, lines):
    code, out, err = call("--json", "--file", lines, *option)
    assert code == 3
    assert [json.loads(line)["sentence"] for line in out.splitlines()] == ["a bank"]
    assert f"line 2: {option[0]}: 'bank' is not a word of this sentence" in err
    code, out, err = call("--json", "--keep-going", "--file", lines, *option)
    assert code == 0
    assert [json.loads(line)["sentence"] for line in out.splitlines()] == ["a bank", "bank b"]
    assert err.count("; skipped") == 1


@pytest.mark.parametrize("option", ["--query", "--key"])
def test_a_word_that_no_line_has_is_the_commands_mistake(option, lines):
    code, out, err = call("--json", "--keep-going", "--file", lines, option, "zebra")
    assert (code, out) == (2, "")
    assert err.endswith(f"attnexplain: error: {option}: no line of {lines} has the word 'zebra'\n")
    code, out, err = call("--json", "--file", lines, option, "zebra")
    assert (code, out) == (2, "")
    assert err == f"attnexplain: error: {option}: no line of {lines} has the word 'zebra'\n"


def test_what_one_line_lacks_is_not_said_of_all(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a bank\na b\n")
    code, out, err = call("--json", "--keep-going", "--file", str(path), "--query", "bank", "--key", "b")
    assert (code, out) == (3, "")
    assert "no line" not in err
    assert "has no sentence in it that works" in err


def test_phrases_of_a_file_are_looked_for_before_anything_is_written(lines):
    code, out, err = call("--json", "--file", lines, "--phrase", "zebra cow")
    assert (code, out) == (2, "")
    assert err == f"attnexplain: error: no line of {lines} has the phrase 'zebra cow'\n"


def test_find_skips_lines_too(lines):
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    code, out, err = call("--json", "--keep-going", "--file", lines, "--model", BERT, "--find", "bank:b")
    assert code == 0
    assert [json.loads(line)["sentence"] for line in out.splitlines()] == ["bank b"]
    assert err.count("; skipped") == 2


def test_json_says_which_words_a_lesson_works_out():
    def worked(*arguments):
        return json.loads(call("--json", *arguments, "the dog saw the cat")[1]).get("worked")

    assert worked("--query", "dog", "--key", "the(4)") == {"query": 1, "key": 3}
    assert worked("--step", "2", "--query", "cat", "--key", "dog") == {"query": 4, "key": 1}
    assert set(worked()) == {"query", "key"}
    assert worked("--step", "2") is None


@pytest.mark.parametrize(("typed", "place"), [("the", 3), ("The", 0), ("the(4)", 3), ("The(4)", 3), ("4", 3)])
def test_a_word_goes_by_its_name_on_the_screen(typed, place):
    assert json.loads(call("--json", "--query", typed, "The dog saw the cat and the")[1])["worked"]["query"] == place


def test_a_name_of_another_place_is_none():
    code, _, err = call("--query", "the(2)", "The dog saw the cat")
    assert code == 2
    assert "'the(2)' is not a word of this sentence" in err


def test_a_search_says_which_of_several_words_it_took():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    sentence = "the love and the bank"

    def find(pair):
        code, out, err = call("--json", "--model", BERT, "--find", pair, sentence)
        assert (code, err) == (0, "")
        return json.loads(out)["find"]

    first, second = find("the:bank"), find(f"the({find('the:bank')['query'][4:-1]}):bank")
    assert first["query"].startswith("the(")
    assert first == second
    tokens = json.loads(call("--json", "--model", BERT, "--overview", sentence)[1])["tokens"]
    places = [place for place, piece in enumerate(tokens, start=1) if piece == "the"]
    assert [find(f"the({place}):bank")["query"] for place in places] == [f"the({place})" for place in places]
