"""The command: streams, exit codes, error lines, colours, signals."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import jsonschema
import pytest
import typer
from command import COMMAND, SCHEMA, call, on_terminal, run, terminals
from hypothesis import given, settings
from hypothesis import strategies as st
from readme import skip_without_minilm

import attnexplain
from attnexplain.cli import options
from attnexplain.errors import CommandError
from attnexplain.models.tiny import card

HELP = call("--help")[1] + call("-h")[1]

# Where sentences come from


def test_the_sentence_is_an_argument():
    done = run("The cat sat")
    assert done.returncode == 0
    assert done.stdout.startswith(b"The cat sat\n")
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input_has_one_sentence_a_line(arguments):
    done = run(*arguments, "--json", stdin="\ufeffThe cat\n\n#2 sat\r\n".encode())
    assert [json.loads(line)["sentence"] for line in done.stdout.splitlines()] == ["The cat", "#2 sat"]


def test_a_file_has_one_sentence_a_line_and_comments(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("# a comment\nThe cat\n\n  The dog  \n", encoding="utf-8")
    code, out, _ = call("--file", str(path), "--json", "--step", "2")
    assert code == 0
    assert [json.loads(line)["sentence"] for line in out.splitlines()] == ["The cat", "The dog"]


def test_several_lessons_follow_one_another(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("The cat\nThe dog\n", encoding="utf-8")
    code, out, _ = call("-f", str(path), "-s", "4")
    assert code == 0
    assert out.startswith("The cat\n")
    assert "\n\nThe dog\n" in out


def test_text_after_two_dashes_may_start_with_one():
    code, out, _ = call("--json", "--", "-5 degrees")
    assert code == 0
    assert json.loads(out)["tokens"] == ["-5", "degrees"]


def test_nothing_to_read_from_a_terminal_shows_in_five_lines_how_to_begin():
    code, screen = on_terminal()
    assert code == 2
    assert len(screen.splitlines()) == 5
    assert "attnexplain --help lists the options" in screen


# The pager


def pager(tmp_path):
    """A pager that says that it was there and how many lines it got."""
    path = tmp_path / "pager"
    path.write_text('#!/bin/sh\necho "paged $(wc -l)"\n')
    path.chmod(0o755)
    return str(path)


def test_a_lesson_longer_than_the_screen_is_paged_as_a_whole(tmp_path):
    code, screen = on_terminal("The cat sat", ATTNEXPLAIN_PAGER=pager(tmp_path))
    lines = int(re.fullmatch(r"paged +(\d+)", screen.strip())[1])
    assert (code, lines) == (0, call("--color", "always", "--width", "80", "The cat sat")[1].count("\n"))


@pytest.mark.parametrize("options", [("--no-pager",), ("--explain", "softmax", "--no-pager"), ("--json",)])
def test_nothing_is_paged_that_should_not_be(options, tmp_path):
    sentence = () if "--explain" in options else ("The cat sat",)
    code, screen = on_terminal(*options, *sentence, ATTNEXPLAIN_PAGER=pager(tmp_path))
    assert code == 0
    assert "paged" not in screen


def test_a_pipe_is_never_paged(tmp_path):
    done = run("The cat sat", ATTNEXPLAIN_PAGER=pager(tmp_path))
    assert b"paged" not in done.stdout


def test_a_pager_that_leaves_early_is_no_error(tmp_path):
    path = tmp_path / "pager"
    path.write_text("#!/bin/sh\nhead -n 1\n")
    path.chmod(0o755)
    code, screen = on_terminal("--full", "The river bank was flooded after the storm", ATTNEXPLAIN_PAGER=str(path))
    assert code == 0
    assert "Traceback" not in screen


def test_a_phrase_matters_only_where_it_occurs_in_one_of_many_sentences():
    done = run("--json", "--phrase", "the dog", stdin=b"The cat\nThe dog sat\n")
    assert [json.loads(line)["tokens"] for line in done.stdout.splitlines()] == [["The", "cat"], ["The dog", "sat"]]
    assert done.returncode == 0
    missing = run("--json", "--phrase", "the cow", stdin=b"The cat\n")
    assert (missing.returncode, missing.stdout) == (2, b"")
    assert b"the phrase 'the cow' does not occur in the text" in missing.stderr


# JSON


@pytest.mark.parametrize("extra", [[], ["--causal"], ["--no-scale"], ["--step", "1"], ["--step", "3", "--step", "4"]])
def test_json_is_what_the_schema_says(extra):
    code, out, _ = call("--json", "--model", "untrained", *extra, "The naïve cat")
    assert code == 0
    assert out.endswith("}\n")
    assert out.isascii()
    assert out.count("\n") == 1
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    assert "NaN" not in out
    assert "Infinity" not in out
    if "--causal" in extra:
        assert written["scaled_scores"][0][1] is None
        assert written["weights"][0] == [1.0, 0.0, 0.0]
    assert written["settings"]["scale"] == (1.0 if "--no-scale" in extra else 4.0)


def test_json_has_full_precision():
    trace = attnexplain.explain("The cat sat", model="untrained")
    written = json.loads(call("--json", "--model", "untrained", "The cat sat")[1])
    for name in ("embeddings", "queries", "keys", "values", "scores", "scaled_scores", "weights", "context"):
        assert written[name] == getattr(trace, name).tolist()


def test_steps_choose_the_keys():
    always = {"schema", "version", "sentence", "tokens", "spans", "model", "settings"}
    of_step = {1: {"embeddings", "queries", "keys", "values"}, 2: {"scores"}, 3: {"scaled_scores", "weights"}}
    for step, keys in of_step.items():
        written = json.loads(call("--json", "-m", "untrained", "-s", str(step), "The cat")[1])
        assert keys <= set(written)
        assert not (set(written) - always - keys)


# Errors

SEE_HELP = "\n  hint: attnexplain --help lists the options"
NOT_A_WORD = "is not a word of this sentence, nor a position from 1 to 2\n  hint: its words are: a cat"
ERRORS = [
    ([], 3, "standard input has no sentence in it"),
    ([""], 3, "the text is empty"),
    (["?!"], 3, "the text has no word, only punctuation"),
    (
        ["a", "b c"],
        2,
        'the sentence must be one argument, and there are several\n  hint: put it in quotes: attnexplain "a b c"',
    ),
    (["-5 degrees"], 2, 'no such option: -5\n  hint: for text that starts with a dash: attnexplain -- "-5 degrees"'),
    (["--step", "5", "a"], 2, "--step: '5' is not a whole number from 1 to 4" + SEE_HELP),
    (["--digits", "9", "a"], 2, "--digits: '9' is not a whole number from 0 to 8" + SEE_HELP),
    (["--digits", "two", "a"], 2, "--digits: 'two' is not a whole number from 0 to 8" + SEE_HELP),
    (["--width", "19", "a"], 2, "--width: '19' is not a whole number from 20 to 500" + SEE_HELP),
    (["--max-tokens", "5000", "a"], 2, "--max-tokens: '5000' is not a whole number from 1 to 4096" + SEE_HELP),
    (
        ["--max-tokens", "1", "a b"],
        3,
        "the text has 2 words, and 1 are allowed\n"
        "  hint: shorten it, or raise the limit with --max-tokens (up to 4096)",
    ),
    (["--file", "/nowhere/x", "a"], 2, "a sentence and --file exclude each other\n  hint: give one of them"),
    (["--file", "/nowhere/x"], 2, "cannot open /nowhere/x: No such file or directory"),
    (["--file", "/"], 2, "cannot open /: Is a directory"),
    (
        ["--phrase", "no way", "a b"],
        2,
        "the phrase 'no way' does not occur in the text\n"
        "  hint: a phrase is words that follow one another there, with nothing but space between them",
    ),
    (["--query", "dog", "a cat"], 2, "--query: 'dog' " + NOT_A_WORD),
    (["--key", "0", "a cat"], 2, "--key: '0' " + NOT_A_WORD),
]


@pytest.mark.parametrize(("arguments", "code", "message"), ERRORS)
def test_an_error_is_one_line_and_what_to_do(arguments, code, message):
    done = run(*arguments)
    assert done.returncode == code
    assert done.stdout == b""
    assert done.stderr.decode() == f"attnexplain: error: {message}\n"


@pytest.mark.parametrize("option", ["--nonsense", "--stepp", "-x"])
def test_an_unknown_option_is_named(option):
    code, out, err = call(option, "a")
    assert (code, out) == (2, "")
    assert err.startswith(f"attnexplain: error: no such option: {option}")


def test_completion_ends_as_everything_else_does():
    """With a code that `main` returns, whether or not it knows the shell around it."""
    code, out, err = call("--show-completion")
    assert (code, bool(out)) in ((0, True), (2, False))
    assert err == "" or err.startswith("attnexplain: error: ")


def test_a_value_that_is_not_offered_is_refused():
    code, out, err = call("--color", "blue", "a")
    assert (code, out) == (2, "")
    assert "--color" in err
    assert "'auto', 'always', 'never'" in err


def test_the_line_of_a_bad_sentence_is_named():
    done = run("--json", stdin=b"fine\n\xff\xfe\n")
    assert done.returncode == 3
    assert done.stderr == b"attnexplain: error: standard input, line 2: not valid UTF-8 at byte 1\n"
    done = run("--json", stdin=b"fine\n!\n")
    assert done.stderr == b"attnexplain: error: standard input, line 2: the text has no word, only punctuation\n"


def test_an_endless_line_is_refused_in_bounded_memory():
    with open("/dev/zero", "rb") as zero:
        done = subprocess.run([*COMMAND], stdin=zero, capture_output=True, timeout=60)
    assert done.returncode == 3
    assert b"line 1: the line is longer than 1 MiB" in done.stderr


def test_invalid_bytes_in_an_argument_are_refused():
    done = subprocess.run([*COMMAND, b"a\xffb"], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 3
    assert b"not valid Unicode at character 2" in done.stderr


def test_errors_show_no_control_characters():
    _, _, err = call("--file", "/no\x1b[31m\u202ewhere")
    assert err == "attnexplain: error: cannot open /no<U+001B>[31m<U+202E>where: No such file or directory\n"


def test_a_bug_of_ours_is_one_line_and_a_traceback_only_with_debug(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("oh\x1bno")

    monkeypatch.setattr(sys.modules["attnexplain.explanation"], "attend", broken)
    code, out, err = call("The cat")
    assert (code, out) == (70, "")
    assert err.startswith("attnexplain: error: a bug of ours: RuntimeError: oh<U+001B>no\n")
    assert "Traceback" not in err
    assert "Traceback" in call("--debug", "The cat")[2]


# Help and version


def test_version():
    assert call("--version") == call("-V", "ignored") == (0, f"attnexplain {attnexplain.__version__}\n", "")


def test_the_first_help_is_no_longer_than_a_screen():
    code, out, err = call("-h")
    assert (code, err) == (0, "")
    assert call("-h", "The cat sat") == (code, out, err)
    lines = out.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    everything = call("--help")[1]
    for option in re.findall(r"--[a-z-]+", out):
        assert option in everything


def test_help_has_each_option_below_one_heading():
    from attnexplain.cli.options import GROUPS, app

    named = [name for names in GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    known = {parameter.name for parameter in typer.main.get_command(app).params}
    assert set(named) <= known
    assert known - set(named) == {
        "sentence", "debug", "version", "first_help", "install_completion", "show_completion",
    }  # fmt: skip
    out = call("--help")[1]
    assert re.findall(r"^(\w[\w ]*):$", out, re.MULTILINE) == [*GROUPS, "About"]


@pytest.mark.parametrize("command", re.findall(r"^  (\S.*attnexplain .*|attnexplain .*)$", HELP, re.MULTILINE))
def test_every_example_of_the_help_works_anywhere(command, tmp_path):
    if "minilm" in command:
        pytest.importorskip("safetensors")
        skip_without_minilm(command)
    line = command.replace("attnexplain ", f'"{sys.executable}" -m attnexplain ', 1)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_has_every_option_and_commands_to_copy():
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    options = (
        "--file --step --query --key --phrase --model --layer --head --overview --find --merge-words --download "
        "--causal --scale --json --digits --seed --width --color --ascii --brief --max-tokens --debug --version --help "
        "--show-completion"
    )
    for option in options.split():
        assert option in out
    assert 'attnexplain "The river bank was flooded after the storm"' in out
    assert max(map(len, out.split("\n"))) <= 80


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [(["--version"], ("numpy", "rich")), (["--help"], ("numpy", "rich")), (["--json", "The cat"], ("rich",))],
)
def test_what_is_not_needed_is_not_imported(arguments, absent):
    code = (
        f"import sys; from attnexplain.cli import main; main({arguments!r}); "
        f"print([name for name in {absent!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


# Colours and width

ESC = "\x1b["


def test_pipes_get_no_escape_sequence():
    assert b"\x1b" not in run("The cat").stdout


def test_terminals_get_colours():
    code, screen = on_terminal("The cat sat")
    assert code == 0
    assert ESC in screen


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        ([], {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": ""}, True),
        ([], {"FORCE_COLOR": "0"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_the_order_of_colour_settings_on_a_terminal(options, environment, coloured):
    assert (ESC in on_terminal(*options, "-s", "2", "The cat", **environment)[1]) == coloured


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": ""}, False),
        ([], {"FORCE_COLOR": "0"}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"TERM": "dumb"}, True),
    ],
)
def test_the_order_of_colour_settings_in_a_pipe(options, environment, coloured):
    assert (b"\x1b[" in run(*options, "-s", "2", "The cat", **environment).stdout) == coloured


@pytest.mark.parametrize(
    ("columns", "width"),
    [("60", 60), ("0", 80), ("-5", 80), ("abc", 80), ("", 80), ("9" * 30, 500), ("3", 20), ("99999", 500)],
)
def test_nonsense_in_columns_does_no_harm(columns, width):
    given = run("-s", "2", "The cat sat on the mat", COLUMNS=columns).stdout
    assert given == run("-s", "2", "--width", str(width), "The cat sat on the mat").stdout


def test_the_width_is_the_terminals():
    _, screen = on_terminal("-s", "2", "--color", "never", "The cat sat on the mat", columns=47)
    assert screen.replace("\r", "").encode() == run("-s", "2", "--width", "47", "The cat sat on the mat").stdout


def test_the_card_comes_in_the_letters_of_the_terminal():
    done = run("--model-card", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout.isascii(), done.stderr) == (0, True, b"")
    assert b"24 * 9" in done.stdout
    assert run("--model-card", PYTHONIOENCODING="utf-8").stdout == card().encode()


def test_an_ascii_terminal_gets_ascii():
    done = run("-s", "2", "Le naïve 猫", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"na<U+00EF>ve" in done.stdout


def test_a_screen_shows_what_it_can():
    """cp1252 has é and ×, and neither ▸ nor 猫."""
    done = run("-s", "2", "Le naïve 猫 café", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0
    text = done.stdout.decode("cp1252")
    assert "naïve" in text
    assert "café" in text
    assert "<U+732B>" in text
    assert "▸" not in text


# A good citizen


def test_a_closed_pipe_ends_the_process_silently():
    process = subprocess.Popen(
        [*COMMAND, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"The cat sat\n" * 2000)
        process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == -signal.SIGPIPE


@pytest.mark.parametrize("arguments", [["The cat"], ["--json", "The cat"], ["--help"], ["--version"]])
def test_a_full_disk_is_reported(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"attnexplain: error: standard output: No space left on device\n"


def test_a_closed_standard_output_is_reported():
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m attnexplain "The cat" >&-'], capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert b"standard output is closed" in done.stderr


def test_ctrl_c_ends_the_process_as_the_signal_does():
    code, screen = on_terminal("-", keys=b"\x03")
    assert code == -signal.SIGINT
    assert "Traceback" not in screen
    assert "Error" not in screen


def test_ctrl_c_ends_a_shell_loop():
    loop = f'for i in 1 2 3; do "{sys.executable}" -m attnexplain -; echo again; done'
    child, screen = terminals().fork()
    if child == 0:  # pragma: no cover
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvp("bash", ["bash", "-c", loop])
    time.sleep(1)
    os.write(screen, b"\x03")
    got = b""
    with contextlib.suppress(OSError):
        while piece := os.read(screen, 4096):
            got += piece
    os.waitpid(child, 0)
    assert b"again" not in got


def test_a_signal_that_the_caller_ignores_stays_ignored():
    shell = f"trap '' INT; (sleep 1; kill -INT $$) & \"{sys.executable}\" -m attnexplain --json 'The cat'"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60)
    assert json.loads(done.stdout)["tokens"] == ["The", "cat"]


def test_the_sentence_is_never_markup():
    code, out, _ = call("-s", "2", "see [bold]this[/bold] and [/x] :smile:")
    assert code == 0
    assert out.startswith("see [bold]this[/bold] and [/x] :smile:\n")


@pytest.mark.parametrize("position", ["2", "CAT", "cat"])
def test_the_query_is_a_word_in_any_case_or_a_position(position):
    _, out, _ = call("-s", "2", "--query", position, "--key", "sat", "the cat sat")
    assert 'score("cat", "sat")' in out


def test_a_word_wins_over_a_position():
    _, out, _ = call("-s", "2", "--query", "3", "--key", "of", "1 of 3 parts")
    assert 'score("3", "of")' in out


def test_the_strongest_pair_is_worked_out_when_none_is_given():
    trace = attnexplain.explain("The cat sat on the mat", model="untrained")
    words = [token.lower() for token in trace.tokens]
    best = max(
        ((i, j) for i in range(6) for j in range(6) if words[i] != words[j]), key=lambda pair: trace.weights[pair]
    )
    _, out, _ = call("-m", "untrained", "-s", "2", "The cat sat on the mat")
    names = re.search(r'score\("(\S+)", "(\S+)"\)', out).groups()
    assert trace.tokens[best[0]] in names[0]
    assert names != ("", "")


VALUES = {
    "--step": ["1", "4", "5", "x", ""], "--digits": ["0", "8", "9", "-1", "٣"], "--seed": ["3", "x"],
    "--width": ["20", "19", "80"], "--color": ["never", "always", "auto", "Never", "x"], "--max-tokens": ["7", "0"],
    "--layer": ["0", "-1", "2"], "--head": ["1", "x"], "--model": ["tiny", ""], "--query": ["a", "-a"],
    "--key": ["b"], "--phrase": ["a b", ""], "--find": ["a:b"], "--compare": ["x"], "--explain": ["mask"],
    "--file": ["f", "-"], "-s": ["2"], "-m": ["tiny"], "-f": ["g"],
}  # fmt: skip
FLAGS = [
    "--json", "--brief", "--causal", "--no-causal", "--scale", "--no-scale", "--ascii", "--pause", "--overview",
    "--merge-words", "--download", "--debug", "--model-card", "-V", "--", "a", "b", "-x", "--nothing", "--digits=3",
    "--json=1", "--di", "", "-s3",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(FLAGS).map(lambda flag: [flag]),
            st.sampled_from([(option, value) for option, values in VALUES.items() for value in values]).map(list),
        ),
        max_size=6,
    )
)
def test_ordinary_command_lines_are_read_as_typer_reads_them(pieces):
    arguments = [argument for piece in pieces for argument in piece]
    try:
        quick = options.read_ordinary(typer.main.get_command(options.app), arguments)
    except CommandError as error:
        quick = None
        if "is given twice" not in error.message:
            raise
    if quick is not None:
        assert quick == typer.main.get_command(options.app).main(arguments, prog_name="x", standalone_mode=False)


def test_an_ordinary_command_line_does_not_load_pydantic():
    read = "from attnexplain.cli.options import read; read(['a b', '-s', '3'])"
    code = f"import sys; {read}; print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_bad_line_is_skipped_only_when_asked(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a cat\n\xff\n" + b"x" * (1 << 21) + b"\n...\na dog\n")
    done = run("--json", "--file", str(path))
    assert done.returncode == 3
    assert [json.loads(line)["sentence"] for line in done.stdout.splitlines()] == ["a cat"]
    assert b"line 2: not valid UTF-8 at byte 1" in done.stderr
    done = run("--json", "--keep-going", "--file", str(path))
    assert done.returncode == 0
    assert [json.loads(line)["sentence"] for line in done.stdout.splitlines()] == ["a cat", "a dog"]
    assert [re.search(rb"line (\d)", line)[1] for line in done.stderr.splitlines()] == [b"2", b"3", b"4"]
    path.write_text("...\n")
    done = run("--keep-going", "--file", str(path))
    assert (done.returncode, done.stdout) == (3, b"")


def test_each_line_is_there_as_soon_as_it_is_ready():
    process = subprocess.Popen([*COMMAND, "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for sentence in (b"a cat\n", b"a dog\n"):
        process.stdin.write(sentence)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["sentence"] == sentence.decode().strip()
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def test_a_bar_is_shown_to_a_person_while_the_lessons_go_to_a_file(tmp_path):
    path = tmp_path / "\x1b[31mlines.txt"
    path.write_text("a cat\n" * 50)
    code, screen = on_terminal("--file", str(path), "--output", str(tmp_path / "out.json"), TERM="xterm-256color")
    assert code == 0
    assert "sentences" in screen
    assert "[31m" not in screen.replace("\x1b[38", "")
    assert len((tmp_path / "out.json").read_text().splitlines()) == 50


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--ov", ["--overview"]),
        ("--color ", ["auto", "always", "never"]),
        ("--explain s", ["scores", "scaling", "softmax", "sinks", "shared-keys"]),
        ("--model ", ["tiny", "untrained", "minilm"]),
    ],
)
def test_a_shell_completes_options_and_their_values(typed, offered):
    command = f"attnexplain {typed}"
    variables = {"COMP_WORDS": command, "COMP_CWORD": str(command.count(" ")), "_ATTNEXPLAIN_COMPLETE": "complete_bash"}
    entry = "import sys; sys.argv[0] = 'attnexplain'; from attnexplain.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", entry], capture_output=True, text=True, env={**os.environ, **variables}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == offered
