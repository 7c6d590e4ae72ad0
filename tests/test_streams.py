"""Standard input, output and error: each a terminal, a file, a pipe or closed. 64 ways to be started."""

import json
import os
import select
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from command import COMMAND, terminals

KINDS = ("terminal", "file", "pipe", "closed")
CASES = list(product(KINDS, repeat=3))
READING = list(product(KINDS, KINDS, ("pipe", "closed")))
SENTENCES = ("The cat sat", "The dog ran")


class Stream:
    """One end for the process, and what to read from the other."""

    def __init__(self, kind, number, folder):
        self.kind = kind
        self.other = self.mine = None
        if kind == "terminal":
            self.other, self.mine = terminals().openpty()
        elif kind == "file":
            path = folder / f"{number}"
            path.write_bytes("\n".join(SENTENCES).encode() if number == 0 else b"")
            self.mine = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
            self.path = path
        elif kind == "pipe":
            read, write = os.pipe()
            self.mine, self.other = (read, write) if number == 0 else (write, read)
            if number == 0:
                os.write(write, "\n".join(SENTENCES).encode())
                os.close(write)
                self.other = None

    def read(self):
        """Everything that has come, once the process has ended and its end is closed."""
        if self.kind == "file":
            return self.path.read_bytes().decode()
        got = b""
        while self.other is not None and select.select([self.other], [], [], 0)[0]:
            try:
                piece = os.read(self.other, 65536)
            except OSError:
                break
            if not piece:
                break
            got += piece
        return got.decode().replace("\r\n", "\n")

    def close(self):
        for descriptor in {self.mine, self.other} - {None}:
            os.close(descriptor)


def started(arguments, kinds, folder):
    """Run the command with such streams; return its exit code and what came out of two of them."""
    streams = [Stream(kind, number, folder) for number, kind in enumerate(kinds)]
    closed = " ".join(f"{number}>&-" for number, stream in enumerate(streams) if stream.mine is None)
    line = f'exec "$@" {closed}'
    out = subprocess.DEVNULL
    process = subprocess.Popen(
        ["sh", "-c", line, "sh", *COMMAND, *arguments],
        stdin=streams[0].mine if streams[0].mine is not None else out,
        stdout=streams[1].mine if streams[1].mine is not None else out,
        stderr=streams[2].mine if streams[2].mine is not None else out,
        env={**os.environ, "TERM": "xterm-256color", "PAGER": ""},
    )
    written, until = ["", "", ""], time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        for number in (1, 2):
            if kinds[number] in ("terminal", "pipe"):
                written[number] += streams[number].read()
        time.sleep(0.01)
    for number in (1, 2):
        if streams[number].kind != "closed":
            written[number] += streams[number].read()
    for stream in streams:
        stream.close()
    return process.wait(1), written[1], written[2]


def name_of(kinds):
    return "-".join(kinds)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Run all the cases, as many at a time as there are cores."""

    def run(case):
        kinds, arguments = case
        folder = tmp_path_factory.mktemp("streams")
        (folder / "sentences.txt").write_text("\n".join(SENTENCES))
        return started([a.replace("{}", str(folder)) for a in arguments], kinds, folder)

    cases = [(kinds, FROM_FILE) for kinds in CASES] + [(kinds, FROM_INPUT) for kinds in READING]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(cases, pool.map(run, cases), strict=True))


FROM_INPUT = ("--json", "--step", "3")
FROM_FILE = (*FROM_INPUT, "--file", "{}/sentences.txt")


@pytest.mark.parametrize("kinds", CASES, ids=name_of)
def test_a_file_of_sentences_comes_out_whole(kinds, ended):
    code, out, err = ended[kinds, FROM_FILE]
    if kinds[1] == "closed":
        assert code == 1
        assert out == ""
        assert err == ("" if kinds[2] == "closed" else "attnexplain: error: standard output is closed\n")
        return
    assert code == 0
    assert tuple(json.loads(line)["sentence"] for line in out.splitlines()) == SENTENCES
    if kinds[2] == "terminal" and kinds[1] == "file":
        assert "sentences" in err
        assert "\x1b[?25l" not in err  # the cursor is never hidden: Ctrl-Z would leave it so
        assert err.endswith("\x1b[2K")  # and the bar is gone
    else:
        assert err == ""


@pytest.mark.parametrize("kinds", READING, ids=name_of)
def test_sentences_are_read_from_standard_input_where_there_are_some(kinds, ended):
    code, out, err = ended[kinds, FROM_INPUT]
    said = kinds[2] != "closed"
    if kinds[0] == "terminal":
        assert (code, out) == (2, "")
        assert "attnexplain" in err or not said
    elif kinds[0] == "closed":
        assert (code, out) == (2, "")
        assert err.startswith("attnexplain: error: standard input is closed\n") or not said
        assert len(err.splitlines()) == (2 if said else 0)
    elif kinds[1] == "closed":
        assert code == 1
        assert err == ("attnexplain: error: standard output is closed\n" if said else "")
    else:
        assert (code, err) == (0, "")
        assert tuple(json.loads(line)["sentence"] for line in out.splitlines()) == SENTENCES


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--show-completion"], ["--model-card"]])
def test_what_needs_no_sentence_notices_a_closed_output_too(arguments, tmp_path):
    code, _, err = started(arguments, ("file", "closed", "file"), tmp_path)
    assert code == 1
    assert err == "attnexplain: error: standard output is closed\n"


@pytest.mark.parametrize("arguments", [["?"], ["--query", "x", "a b"], ["--keep-going", "-"]])
def test_errors_do_not_go_to_standard_output_where_standard_error_is_closed(arguments, tmp_path):
    code, out, _ = started(arguments, ("file", "file", "closed"), tmp_path)
    assert code in (0, 2, 3)
    assert "error" not in out
    assert "warning" not in out


def drained(terminal):
    """Read what is left of a terminal whose other end is closed."""
    got = b""
    while select.select([terminal], [], [], 0.2)[0]:
        try:
            got += os.read(terminal, 65536)
        except OSError:
            break
    os.close(terminal)
    return got


@pytest.fixture
def long_file(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("The cat sat on the mat\n" * 20_000)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_under_the_bar_takes_it_away(number, long_file, tmp_path):
    terminal, mine = terminals().openpty()
    with open(tmp_path / "out", "wb") as out:
        process = subprocess.Popen(
            [*COMMAND, "--json", "--file", str(long_file)], stdout=out, stderr=mine, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
        )  # fmt: skip
    os.close(mine)
    got = os.read(terminal, 4096)
    time.sleep(0.3)
    process.send_signal(number)
    assert process.wait(30) == -number
    got += drained(terminal)
    assert b"sentences" in got
    assert b"\x1b[?25l" not in got
    assert got.endswith(b"\x1b[2K")


def test_a_reader_that_has_seen_enough_ends_a_watched_run_silently(long_file):
    terminal, mine = terminals().openpty()
    line = f'"{COMMAND[0]}" -m attnexplain --json --file "{long_file}" | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, stderr=mine, timeout=60)
    os.close(mine)
    first, status = done.stdout.decode().splitlines()
    assert json.loads(first)["sentence"] == "The cat sat on the mat"
    assert int(status) == 128 + signal.SIGPIPE
    assert drained(terminal) == b""


def test_a_full_disk_is_said_once_while_a_bar_shows(long_file):
    terminal, mine = terminals().openpty()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "--json", "--file", str(long_file)], stdout=full, stderr=mine, timeout=60)
    os.close(mine)
    got = drained(terminal)
    assert done.returncode == 1
    assert got.count(b"error") == 1
    assert b"standard output: No space left on device" in got


def test_a_full_disk_under_an_output_file_is_named(tmp_path):
    """A folder on a full disk: a small file system is not ours to make, so writing itself is made to fail."""
    code = (
        "import os, sys, errno; from attnexplain.cli import main, output\n"
        "def full(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "output.os.fsync = full\n"
        f"sys.exit(main(['-o', {str(tmp_path / 'o.json')!r}, 'a b']))"
    )
    done = subprocess.run([COMMAND[0], "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"attnexplain: error: cannot write {tmp_path / 'o.json'}: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_no_links_a_file_is_written_all_the_same(tmp_path, monkeypatch):
    from attnexplain.cli import main, output

    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(output.os, "link", no_links)
    assert main(["-o", str(tmp_path / "o.json"), "a b"]) == 0
    assert json.loads((tmp_path / "o.json").read_text())["sentence"] == "a b"
    assert [path.name for path in tmp_path.iterdir()] == ["o.json"]
    writing = output.new_file(str(tmp_path / "p.json"), force=False)
    writing.__enter__()("ours")
    (tmp_path / "p.json").write_text("theirs")
    with pytest.raises(output.CommandError, match="exists"):
        writing.__exit__(None, None, None)
    assert (tmp_path / "p.json").read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"o.json", "p.json"}


@pytest.mark.parametrize("arguments", [["--json", "the cat sat on the mat"], ["--help"], ["--explain", "softmax"]])
def test_a_disk_that_fills_up_in_the_middle_is_noticed_also_without_a_buffer(arguments, tmp_path):
    """PYTHONUNBUFFERED takes the buffer away, and with it what does not fit: a file may have 1,024 bytes here."""
    line = 'ulimit -f 1; exec "$@" > out'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("attnexplain: error: standard output: ")


def test_what_is_skipped_stands_on_lines_of_its_own_under_a_bar(tmp_path):
    path = tmp_path / "mixed.txt"
    path.write_text("the cat\n?\n" * 20)
    terminal, mine = terminals().openpty()
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(
            [*COMMAND, "--json", "--keep-going", "--file", str(path)], stdout=out, stderr=mine, timeout=60
        )
    os.close(mine)
    assert done.returncode == 0
    said = drained(terminal).decode()
    assert said.count("; skipped") == 20
    for before in said.split("attnexplain: error")[:-1]:
        assert before.endswith(("\x1b[2K", "\n"))
