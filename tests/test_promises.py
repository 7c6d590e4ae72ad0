"""What the command promises, one line each with the test that holds it to its word; and the tests that stood nowhere else.

`file::test` is a function in that file of this folder; one without a file is below.
"""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import zoo
from command import COMMAND, bounded, call, on_terminal, raw, run

from attnexplain.cli.output import new_file
from attnexplain.errors import CommandError

HERE = Path(__file__).parent

PROMISES = {
    # Streams
    "a lesson goes to standard output, and nothing to standard error": "test_cli::test_the_sentence_is_an_argument",
    "an error goes to standard error, and nothing to standard output": "test_cli::test_an_error_is_one_line_and_what_to_do",
    "a pipe is read like -": "test_cli::test_standard_input_has_one_sentence_a_line",
    "each sentence's output is there as soon as it is ready": "test_cli::test_each_line_is_there_as_soon_as_it_is_ready",
    "progress is shown to a person alone, on standard error": "test_cli::test_a_bar_is_shown_to_a_person_while_the_lessons_go_to_a_file",
    "nothing waits for a person who is not there": "test_compare::test_without_a_terminal_nothing_waits",
    "with nothing to read from a terminal five lines say how to begin": "test_cli::test_nothing_to_read_from_a_terminal_shows_in_five_lines_how_to_begin",
    "closed standard streams are no traceback": "test_closed_streams_are_no_traceback",
    # Exit codes
    "0 is done": "test_hostile_command::test_a_hostile_case",
    "1 is an output that could not be written": "test_cli::test_a_full_disk_is_reported",
    "2 is a command to be mended": "test_cli::test_an_error_is_one_line_and_what_to_do",
    "3 is data to be mended": "test_cli::test_the_line_of_a_bad_sentence_is_named",
    "70 is a bug of ours, in one line": "test_cli::test_a_bug_of_ours_is_one_line_and_a_traceback_only_with_debug",
    # Signals
    "Ctrl-C ends the process as the signal does": "test_cli::test_ctrl_c_ends_the_process_as_the_signal_does",
    "Ctrl-C ends a shell's loop around it": "test_cli::test_ctrl_c_ends_a_shell_loop",
    "a signal that the caller ignores stays ignored": "test_cli::test_a_signal_that_the_caller_ignores_stays_ignored",
    "a signal in the midst of writing a file leaves nothing of it behind": "test_a_signal_leaves_no_half_file",
    # Pipes
    "a reader that has seen enough ends the process silently": "test_cli::test_a_closed_pipe_ends_the_process_silently",
    "head sees the beginning of a long lesson, and no error": "test_head_sees_the_beginning",
    # Colour
    "pipes get no escape sequence": "test_cli::test_pipes_get_no_escape_sequence",
    "--color, NO_COLOR, FORCE_COLOR, TERM count in this order on a terminal": "test_cli::test_the_order_of_colour_settings_on_a_terminal",
    "and in a pipe": "test_cli::test_the_order_of_colour_settings_in_a_pipe",
    "colour changes no character": "test_screens::test_colour_changes_no_character",
    "every palette draws the same text": "test_screens::test_every_palette_draws_the_same_text",
    # Widths
    "no line is wider than the page, and no number is cut": "test_screens::test_no_line_is_wider_than_the_page_and_no_number_is_cut",
    "the width is the terminal's": "test_cli::test_the_width_is_the_terminals",
    "a terminal of one column is drawn on as if it had twenty": "test_the_smallest_terminal",
    "nonsense in COLUMNS does no harm": "test_cli::test_nonsense_in_columns_does_no_harm",
    # Encodings
    "invalid UTF-8 in an argument is refused": "test_cli::test_invalid_bytes_in_an_argument_are_refused",
    "invalid UTF-8 on standard input and in files is refused with its line": "test_cli::test_the_line_of_a_bad_sentence_is_named",
    "and skipped where asked": "test_cli::test_a_bad_line_is_skipped_only_when_asked",
    "any locale and any encoding of the streams will do": "test_hostile_command::test_a_hostile_case",
    "an ASCII terminal gets ASCII": "test_cli::test_an_ascii_terminal_gets_ascii",
    "what has no sentence in it is ASCII there too": "test_everything_else_is_ascii_for_an_ascii_terminal",
    # Untrusted text
    "no control character reaches a terminal": "test_untrusted_text_on_a_terminal",
    "nor markup": "test_cli::test_the_sentence_is_never_markup",
    "any text is drawn safely or refused": "test_screens::test_any_text_is_drawn_safely_or_refused",
    "JSON is ASCII, and gives any text back": "test_untrusted_text_comes_back_from_json",
    "nothing in an SVG is live": "test_output::test_an_svg_is_xml_fetches_nothing_and_has_nothing_live",
    "nothing in a page is live": "test_output::test_a_page_is_html_with_headings_and_tables_and_nothing_live",
    "tokens and names of files are text too, in every format": "test_untrusted_text_in_every_file",
    "error lines show no control characters": "test_cli::test_errors_show_no_control_characters",
    "nor does --debug": "test_untrusted_text_in_a_traceback",
    "nor does the bar": "test_cli::test_a_bar_is_shown_to_a_person_while_the_lessons_go_to_a_file",
    # Files
    "a pipe can be a file of sentences": "test_a_pipe_as_a_file_of_sentences",
    "files that are no files are refused in one line": "test_hostile_command::test_a_hostile_case",
    "a folder that is no longer there does no harm": "test_a_folder_that_is_gone",
    "what exists is replaced only with --force": "test_output::test_what_exists_is_replaced_only_with_force",
    "nor what comes into being meanwhile": "test_what_comes_into_being_meanwhile_is_kept",
    "a file is whole or not there": "test_output::test_a_full_disk_leaves_the_old_file_whole",
    "a mistake leaves no file": "test_hostile_command::test_nothing_was_written_and_nothing_was_run",
    "nothing that is read is run": "test_hostile_checkpoints::test_nothing_in_the_folder_is_ever_run",
    "nothing touches the network unasked": "test_hostile_checkpoints::test_nothing_touches_the_network_without_download",
    # Time and memory
    "an endless line is refused in bounded memory": "test_cli::test_an_endless_line_is_refused_in_bounded_memory",
    "a header that lies costs no memory": "test_hostile_checkpoints::test_a_header_that_lies_costs_no_memory",
    "2,048 words fit into little memory, as text and as JSON": "test_a_long_sentence_in_little_memory",
    "no hostile case takes long": "test_hostile_command::test_a_hostile_case",
    "help and the version are there at once": "test_cli::test_what_is_not_needed_is_not_imported",
}


def functions_of(file):
    tree = ast.parse((HERE / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_promise_has_its_test():
    for promise, test in PROMISES.items():
        file, _, name = test.rpartition("::")
        assert name in functions_of(file or "test_promises"), promise


def test_every_test_here_holds_a_promise():
    assert functions_of("test_promises") - set(PROMISES.values()) == {
        "test_every_promise_has_its_test", "test_every_test_here_holds_a_promise",
    }  # fmt: skip


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["", "'The cat sat'", "'?!'", "--json 'The cat sat'", "--help", "--nonsense"])
def test_closed_streams_are_no_traceback(closed, arguments):
    line = f'exec "{sys.executable}" -m attnexplain {arguments} {closed}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1, 2, 3)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if ">&-" in closed.replace("2>&-", "") and "The cat" in arguments:
        assert done.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_half_file(number, tmp_path):
    process = subprocess.Popen([*COMMAND, "-", "-o", str(tmp_path / "x.json")], stdin=subprocess.PIPE)
    process.stdin.write(b"The cat sat\n")
    process.stdin.flush()
    until = time.monotonic() + 30
    while not list(tmp_path.glob(".attnexplain-*")) and time.monotonic() < until:
        time.sleep(0.01)
    assert list(tmp_path.iterdir())
    process.send_signal(number)
    assert process.wait(30) == -number
    assert list(tmp_path.iterdir()) == []
    process.stdin.close()


def test_head_sees_the_beginning():
    words = " ".join(["cat", "dog"] * 200)
    line = f'"{sys.executable}" -m attnexplain --json "{words}" | head -c 20; echo " ${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.stdout == f'{{"schema": "attnexpl {128 + signal.SIGPIPE}\n'
    assert done.stderr == ""


def test_the_smallest_terminal():
    code, screen = on_terminal("--color", "never", "-s", "2", "The cat sat", columns=1)
    assert code == 0
    assert screen.replace("\r", "") == run("--width", "20", "-s", "2", "The cat sat").stdout.decode()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["--model-card"], ["--json-schema"], ["--explain", "softmax"]]
)
def test_everything_else_is_ascii_for_an_ascii_terminal(arguments):
    done = run(*arguments, PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """Hostile text in every place that a file of numbers has: a token, its own name, the model that a run was of."""
    folder = tmp_path_factory.mktemp("evil")
    tokens = folder / f"evil {zoo.EVIL.replace('/', '')}.json"
    tokens.write_bytes(zoo.FILES["escapes.json"])
    stored = folder / "stored.json"
    run_of_tokens = json.loads(call("--json", "--model", str(tokens))[1])
    stored.write_text(json.dumps(run_of_tokens | {"model": run_of_tokens["model"] | {"name": zoo.EVIL}}))
    weights = folder / "weights.json"
    weights.write_bytes(zoo.FILES["evil-weights.json"])
    return [["--model", str(path)] for path in (tokens, stored, weights)]


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_untrusted_text_on_a_terminal(columns, evil):
    long = " ".join([zoo.EVIL] * 15)
    for arguments in (
        [zoo.EVIL],
        ["--phrase", zoo.EVIL[:8], zoo.EVIL],
        [long],
        ["--compare", long, "the script"],
        *evil,
    ):
        code, screen = on_terminal(*arguments, columns=columns)
        assert code == 0
        assert raw(screen.replace("\r\n", "\n")) == set()


def test_untrusted_text_comes_back_from_json(evil):
    code, out, _ = call("--json", zoo.EVIL)
    assert code == 0
    assert out.isascii()
    assert json.loads(out)["sentence"] == zoo.EVIL
    assert json.loads(call("--json", *evil[2])[1])["tokens"] == [zoo.EVIL, "b"]


@pytest.mark.parametrize("form", ["txt", "svg", "html", "md", "json"])
def test_untrusted_text_in_every_file(form, evil, tmp_path):
    for number, arguments in enumerate([[zoo.EVIL], ["--compare", zoo.EVIL, "the script"], *evil]):
        path = tmp_path / f"{number}.{form}"
        assert call("-o", str(path), *arguments)[0] == 0
        text = path.read_bytes().decode()
        assert raw(text.replace("\r", "")) == set()
        if form in ("svg", "html", "md"):
            assert "<script" not in text


def test_untrusted_text_in_a_traceback(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(zoo.EVIL)

    monkeypatch.setattr(sys.modules["attnexplain.explanation"], "attend", broken)
    code, _, err = call("--debug", "The cat")
    assert code == 70
    assert "Traceback" in err
    assert raw(err) == set()


def test_a_pipe_as_a_file_of_sentences(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("The cat\nThe dog\n"))
    writer.start()
    done = run("--json", "--file", str(tmp_path / "pipe"))
    writer.join()
    assert [json.loads(line)["sentence"] for line in done.stdout.splitlines()] == ["The cat", "The dog"]


def test_a_folder_that_is_gone(tmp_path):
    line = f'mkdir gone; cd gone; rmdir ../gone; "{sys.executable}" -m attnexplain --json "The cat sat"; "{sys.executable}" -m attnexplain -o x.svg "a b"'
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["tokens"] == ["The", "cat", "sat"]
    assert re.fullmatch(r"attnexplain: error: cannot write x\.svg: .*\n", done.stderr)


def test_what_comes_into_being_meanwhile_is_kept(tmp_path):
    path = tmp_path / "x.svg"
    writing = new_file(str(path), force=False)
    writing.__enter__()("ours")
    path.write_text("theirs")
    with pytest.raises(CommandError, match="exists"):
        writing.__exit__(None, None, None)
    assert path.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["x.svg"]


@pytest.mark.parametrize("form", [["--step", "3"], ["--json", "--step", "3"], ["-o", "x.json"]])
def test_a_long_sentence_in_little_memory(form, tmp_path):
    """One matrix of 2,048 × 2,048 is 32 MiB; as Python's lists it would be ten times as much."""
    words = " ".join(f"w{number}" for number in range(2048))
    done = bounded(
        ["--max-tokens", "2048", "--model", "untrained", *form, words],
        folder=tmp_path, seconds=60, megabytes=1100, OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="1",
    )  # fmt: skip
    assert (done.code, done.err) == (0, b"")
