"""The command is given whatever strangers may give it. Each case is one line; what must hold of all is checked of all.

Every case is a process of its own. It ends within its time and memory, with a documented exit code; nothing raw reaches
standard output or standard error; an error is one line and at most one hint, with nothing on standard output.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import zoo
from command import bounded, raw

SECONDS, MEGABYTES = 30, 2000
"""What no case may exceed; nearly all take half a second, and 500 MB of address space."""

EVIL = zoo.EVIL
BINARY = bytes(range(1, 256))

# What is typed as the sentence: arguments, exit code, what standard error says
SENTENCES = [
    ([""], 3, "the text is empty"),
    ([" "], 3, "the text is empty"),
    (["\n\t\r\v\f"], 3, "the text is empty"),
    (["\u2028\u2029\u00a0"], 3, "the text is empty"),
    (["?!..."], 3, "no word, only punctuation"),
    (["[/]"], 3, "no word, only punctuation"),
    (["\u200b\u200d\ufeff"], 3, "no word, only punctuation"),
    (["\x1b[2J\x1b[H"], 0, ""),
    (["\x1b]0;title\x07 a"], 0, ""),
    (["\x9b31m b"], 0, ""),
    (["a\x08\x08b \x7f"], 0, ""),
    (["over\rwritten"], 0, ""),
    (["\u202eabc\u202c \u2066x\u2069"], 0, ""),
    (["ad\u200bmin a\u034fb"], 0, ""),
    (["e" + "\u0301" * 20_000 + " b"], 0, ""),
    (["\ufeffThe cat"], 0, ""),
    (["\ufffe \uffff \U0010ffff a"], 0, ""),
    (["[bold red]x[/] [/x] [link=file:///etc/passwd]y[/link] :smile:"], 0, ""),
    (["<script>alert(1)</script> &amp; \"quoted\" 'q'"], 0, ""),
    (["%s %n {0} {} ${HOME} `id` $(id) \\x1b[31m \\u202e"], 0, ""),
    (["\U0001f469\u200d" * 300 + "a"], 0, ""),
    (["\U0001f1fa" * 301], 0, ""),
    (["我" * 300], 0, ""),
    (["\u0e40" * 300 + "\u0e01"], 0, ""),
    (["x" * 120_000], 0, ""),
    (["-" * 100_000 + "a"], 2, "no such option"),
    (["--", "-" * 100_000 + "a"], 0, ""),
    (["1" * 50_000], 0, ""),
    (["1," * 40_000 + "1"], 0, ""),
    (["'" * 60_000 + "a" + "'a" * 20_000], 0, ""),
    (["a " * 513], 3, "the text has 513 words, and 512 are allowed"),
    (["--max-tokens", "4096", "a " * 4097], 3, "the text has 4097 words, and 4096 are allowed"),
    ([b"a\xffb"], 3, "not valid Unicode at character 2"),
    ([b"\xed\xa0\x80"], 3, "not valid Unicode at character 1"),
    ([b"\xc0\xaf\xf8\x88"], 3, "not valid Unicode at character 1"),
    (["a", "b"], 2, "must be one argument"),
    (["a", EVIL], 2, "must be one argument"),
    (["a", b"\xff"], 2, "must be one argument"),
    (["-5 degrees"], 2, "for text that starts with a dash"),
    (["-\x1b[31m"], 2, "no such option"),
    ([b"-\xff"], 2, "no such option"),
    (["--", "--help"], 0, ""),
    (["--json", EVIL], 0, ""),
    (["--json", "x" * 120_000], 0, ""),
    (["--color", "always", EVIL], 0, ""),
    (["--ascii", EVIL + "\u732b"], 0, ""),
    (["--width", "20", EVIL], 0, ""),
    (["--width", "500", "--digits", "8", EVIL], 0, ""),
    (["--compare", EVIL, "red script"], 0, ""),
    (["--compare", "", "a b"], 3, "the text is empty"),
    (["--compare", b"\xff", "a b"], 3, "not valid Unicode"),
]  # fmt: skip

# What is given to options
OPTIONS = [
    (["--query", EVIL, "a b"], 2, "--query:"),
    (["--query", b"\xff", "a b"], 2, "--query:"),
    (["--query", "", "a b"], 2, "--query:"),
    (["--query", "0", "a b"], 2, "--query:"),
    (["--query", "3", "a b"], 2, "--query:"),
    (["--query", "9" * 5000, "a b"], 2, "--query:"),
    (["--query", "-1", "a b"], 2, "--query:"),
    (["--query", "\u0662", "a b"], 2, "--query:"),
    (["--key", "x" * 100_000, "a b"], 2, "--key:"),
    (["--key", "\x1b", "a " * 400], 2, "--key:"),
    (["--phrase", EVIL, "a b"], 2, "does not occur in the text"),
    (["--phrase", b"\xff a", "a b"], 2, "not valid Unicode"),
    (["--phrase", "", "a b"], 2, "has no word in it"),
    (["--phrase", "\x1b\x07", "a b"], 2, "has no word in it"),
    (["--phrase", "a " * 50_000, "a b"], 2, "does not occur in the text"),
    ([x for n in range(2000) for x in ("--phrase", f"a{n} b")] + ["a b"], 2, "does not occur in the text"),
    (["--step", EVIL, "a b"], 2, "--step:"),
    (["--step", "0", "a b"], 2, "--step:"),
    (["--step", "1.0", "a b"], 2, "--step:"),
    (["--step", "\u0661", "a b"], 2, "--step:"),
    (["--step", "", "a b"], 2, "--step:"),
    (["--step", b"\xff", "a b"], 2, "--step:"),
    (["--step"], 2, "--step"),
    (["--digits", "1e3", "a b"], 2, "--digits:"),
    (["--digits", "-1", "a b"], 2, "--digits:"),
    (["--digits", "9" * 6000, "a b"], 2, "--digits:"),
    (["--seed", "9" * 19, "a b"], 2, "--seed:"),
    (["--seed", "nan", "a b"], 2, "--seed:"),
    (["--width", "0", "a b"], 2, "--width:"),
    (["--width", "501", "a b"], 2, "--width:"),
    (["--width", "80 ", "a b"], 2, "--width:"),
    (["--width", "0x50", "a b"], 2, "--width:"),
    (["--max-tokens", "0", "a b"], 2, "--max-tokens:"),
    (["--max-tokens", "4097", "a b"], 2, "--max-tokens:"),
    (["--layer", "1000", "a b"], 2, "--layer and --head choose from a checkpoint"),
    (["--layer", "1", "a b"], 2, "tiny has"),
    (["--head", "-9", "a b"], 2, "--head -9: tiny has the heads 0 to 2"),
    (["--head", "7", "a b"], 2, "tiny has"),
    (["--color", EVIL, "a b"], 2, "--color"),
    (["--color", "Always", "a b"], 2, "--color"),
    (["--theme", EVIL, "a b"], 2, "--theme"),
    (["--explain", EVIL], 2, "there is no topic"),
    (["--explain", ""], 2, "there is no topic"),
    (["--explain", b"\xff"], 2, "there is no topic"),
    (["--find", "a", "a b"], 2, "two words with a colon"),
    (["--find", ":", "a b"], 2, "two words with a colon"),
    (["--find", EVIL + ":" + EVIL, "a b"], 2, ""),
    (["-m", "untrained", "--overview", "a b"], 2, "untrained has one head"),
    (["--overview", "--find", "a:b", "a b"], 2, "exclude each other"),
    (["--merge-words", "a b"], 2, ""),
    (["--download", "a b"], 2, "--download needs the name of a model"),
    (["--nonsense", "a b"], 2, "no such option: --nonsense"),
    (["--" + EVIL, "a b"], 2, "no such option"),
    ([b"--\xff=\xfe", "a b"], 2, "no such option"),
    (["--json=yes", "a b"], 2, "--json"),
    (["--version=1"], 2, "--version"),
    (["--help", EVIL], 0, ""),
    (["--version", EVIL], 0, ""),
    (["--force", "a b"], 2, "--force"),
    (["--model", EVIL, "a b"], 2, "no model"),
    (["--model", "", "a b"], 2, "no model"),
    (["--model", b"\xff\xfe", "a b"], 2, "no model"),
    (["--model", "../../../../etc/passwd", "a b"], 2, ""),
    (["--model", "/", "a b"], 3, ""),
    (["--model", "x" * 5000, "a b"], 2, "no model"),
    (["--model", "a/b/c", "a b"], 2, "no model"),
    (["--model", "hidden/../../secret", "a b"], 2, "no model"),
    (["--model", "http://localhost/x", "a b"], 2, "no model"),
    (["--model", "nobody/nothing", "a b"], 2, "no model"),
]  # fmt: skip

# What files are: a folder of them lies at {zoo}
FILES = [
    (["--file", "{zoo}/empty.txt"], 3, "has no sentence in it"),
    (["--file", "{zoo}/comments.txt"], 3, "has no sentence in it"),
    (["--file", "{zoo}/no-end.txt"], 0, ""),
    (["--file", "{zoo}/crlf.txt", "--json"], 0, ""),
    (["--file", "{zoo}/cr.txt"], 0, ""),
    (["--file", "{zoo}/bom.txt"], 0, ""),
    (["--file", "{zoo}/utf16.txt"], 3, "is UTF-16, and UTF-8 is read"),
    (["--file", "{zoo}/latin1.txt"], 3, "line 1: not valid UTF-8 at byte 6"),
    (["--file", "{zoo}/surrogate.txt"], 3, "line 1: not valid UTF-8 at byte 3"),
    (["--file", "{zoo}/nul.txt", "--keep-going"], 0, "line 2: the text has no word, only punctuation; skipped"),
    (["--file", "{zoo}/escapes.txt"], 0, ""),
    (["--file", "{zoo}/long-line.txt"], 3, "line 1: the line is longer than 1 MiB"),
    (["--file", "{zoo}/many-words.txt"], 3, "line 1: the text has 200000 words"),
    (["--file", "{zoo}/picture.txt"], 3, "line 1: not valid UTF-8"),
    (["--file", "{zoo}/bad-middle.txt", "-o", "{zoo}/never.json"], 3, "line 2: not valid UTF-8"),
    (["--file", f"{{zoo}}/evil {EVIL.replace('/', '')}.txt"], 0, ""),
    (["--file", "{zoo}/folder.txt"], 2, "Is a directory"),
    (["--file", "{zoo}/dangling.txt"], 2, "No such file"),
    (["--file", "{zoo}/loop.txt"], 2, "Too many levels"),
    (["--file", "{zoo}/socket.txt"], 2, "No such device"),
    (["--file", "{zoo}/zero.txt"], 3, "the line is longer than 1 MiB"),
    (["--file", "{zoo}/device.txt"], 3, "has no sentence in it"),
    (["--file", "{zoo}/two.txt/"], 2, "Not a directory"),
    (["--file", "/proc/self/mem"], 2, "Input/output error"),
    (["--file", ""], 2, "cannot open"),
    (["--file", "x" * 5000], 2, "File name too long"),
    (["--file", b"\xff\xfe"], 2, "No such file"),
    (["--file", EVIL], 2, "No such file"),
    (["--file", "{zoo}/two.txt", "a b"], 2, "exclude each other"),
    (["--model", "{zoo}/empty.json"], 3, ""),
    (["--model", "{zoo}/null.json"], 3, ""),
    (["--model", "{zoo}/list.json"], 3, ""),
    (["--model", "{zoo}/text.json"], 3, ""),
    (["--model", "{zoo}/deep.json"], 3, ""),
    (["--model", "{zoo}/deep-object.json"], 3, ""),
    (["--model", "{zoo}/cut.json"], 3, ""),
    (["--model", "{zoo}/twice.json"], 3, ""),
    (["--model", "{zoo}/nan.json"], 3, ""),
    (["--model", "{zoo}/infinity.json"], 3, ""),
    (["--model", "{zoo}/huge.json"], 3, ""),
    (["--model", "{zoo}/digits.json"], 3, ""),
    (["--model", "{zoo}/overflow.json"], 3, ""),
    (["--model", "{zoo}/utf16.json"], 3, ""),
    (["--model", "{zoo}/latin1.json"], 3, ""),
    (["--model", "{zoo}/escapes.json"], 0, ""),
    (["--model", "{zoo}/escapes.json", "--json"], 0, ""),
    (["--model", "{zoo}/escapes.json", "--color", "always", "--width", "30"], 0, ""),
    (["--model", "{zoo}/surrogate.json"], 3, ""),
    (["--model", "{zoo}/blank.json"], 3, ""),
    (["--model", "{zoo}/same.json"], 0, ""),
    (["--model", "{zoo}/numbers-as-tokens.json"], 3, ""),
    (["--model", "{zoo}/long-token.json"], 0, ""),
    (["--model", "{zoo}/marks.json"], 0, ""),
    (["--model", "{zoo}/evil-key.json"], 3, ""),
    (["--model", "{zoo}/ragged.json"], 3, ""),
    (["--model", "{zoo}/text-in-numbers.json"], 3, ""),
    (["--model", "{zoo}/booleans.json"], 3, ""),
    (["--model", "{zoo}/misfit.json"], 3, ""),
    (["--model", "{zoo}/no-rows.json"], 3, ""),
    (["--model", "{zoo}/many.json"], 3, ""),
    (["--model", "{zoo}/vocabulary.json", "the dog"], 3, ""),
    (["--model", "{zoo}/vocabulary.json", EVIL], 3, ""),
    (["--model", "{zoo}/weights.json"], 0, ""),
    (["--model", "{zoo}/bad-weights.json"], 3, ""),
    (["--model", "{zoo}/evil-weights.json"], 0, ""),
    (["--model", "{zoo}/trace-of-evil.json"], 3, ""),
    (["--model", "{zoo}/stored.json"], 0, ""),
    (["--model", "{zoo}/stored-schema.json"], 3, "its schema is 'other/1'"),
    (["--model", "{zoo}/stored-sentence.json"], 3, "sentence must be a text"),
    (["--model", "{zoo}/stored-surrogate.json"], 3, "sentence is not valid Unicode"),
    (["--model", "{zoo}/stored-made.json"], 3, "made has one text for each token"),
    (["--model", "{zoo}/stored-made-few.json"], 3, "made has one text for each token"),
    (["--model", "{zoo}/stored-special.json"], 3, "special has one true or false for each token"),
    (["--model", "{zoo}/stored-special-few.json"], 3, "special has one true or false for each token"),
    (["--model", "{zoo}/stored-settings.json"], 3, "settings"),
    (["--model", "{zoo}/stored-scale.json"], 3, "scores cannot be divided by -1.0"),
    (["--model", "{zoo}/stored-model.json"], 3, "its model is not what a stored run has"),
    (["--model", "{zoo}/stored-layer.json"], 3, "its model is not what a stored run has"),
    (["--model", "{zoo}/stored-company.json"], 3, "neighbours is not what a stored run has"),
    (["--model", "{zoo}/stored-company-few.json"], 3, "neighbours has one entry for each token"),
    (["--model", "{zoo}/stored-tokens.json"], 3, "there are 3 tokens and 2 rows"),
    (["--model", "{zoo}/text.npz"], 3, ""),
    (["--model", "{zoo}/empty.npz"], 3, ""),
    (["--model", "{zoo}/nothing-inside.npz"], 3, ""),
    (["--model", "{zoo}/pickle.npz"], 3, ""),
    (["--model", "{zoo}/bare-pickle.npz"], 3, ""),
    (["--model", "{zoo}/bomb.npz"], 3, ""),
    (["--model", "{zoo}/claims.npz"], 3, ""),
    (["--model", "{zoo}/negative.npz"], 3, ""),
    (["--model", "{zoo}/cut.npz"], 3, ""),
    (["--model", "{zoo}/bytes.npz"], 3, ""),
    (["--model", "{zoo}/complex.npz"], 3, ""),
    *[
        (["--model", f"{{zoo}}/{kind}.{ending}"], None, "")
        for kind in ("folder", "dangling", "loop", "socket", "zero", "device", "fifo")
        for ending in ("json", "npz")
    ],
    (["--model", "{zoo}/checkpoint", "a b"], 3, ""),
    (["--model", "{zoo}/folder.txt", "a b"], 3, ""),
]  # fmt: skip

# What is to be written: nothing but what was asked for appears, and what is there stays
OUTPUTS = [
    (["-o", "{zoo}/kept.svg", "a b"], 2, "exists"),
    (["-o", "{zoo}/dangling.svg", "a b"], 2, "exists"),
    (["-o", "{zoo}/loop.svg", "a b"], 2, "exists"),
    (["-o", "{zoo}/fifo.svg", "a b"], 2, "exists"),
    (["-o", "{zoo}/zero.svg", "a b"], 2, "exists"),
    (["-o", "{zoo}/folder.svg", "a b"], 2, "is a folder"),
    (["-o", "{zoo}/folder.svg", "--force", "a b"], 2, "is a folder"),
    (["-o", "{zoo}/x", "a b"], 2, "the ending says what to write, and none is not known"),
    (["-o", "{zoo}/.svg", "a b"], 2, "and none is not known"),
    (["-o", "{zoo}/x.exe", "a b"], 2, "and .exe is not known"),
    (["-o", "{zoo}/x." + EVIL.replace("/", ""), "a b"], 2, "is not known"),
    (["-o", "", "a b"], 2, "and none is not known"),
    (["-o", b"{zoo}/\xff.exe", "a b"], 2, "is not known"),
    (["-o", "{zoo}/no/such/folder/x.svg", "a b"], 1, "No such file or directory"),
    (["-o", "{zoo}/empty.txt/x.svg", "a b"], 1, "Not a directory"),
    (["-o", "/proc/x.svg", "a b"], 1, "cannot write"),
    (["-o", "{zoo}/" + "x" * 300 + ".svg", "a b"], 1, "File name too long"),
    (["-o", "{zoo}/never.svg", "?"], 3, "no word"),
    (["-o", "{zoo}/never.svg", "--query", "c", "a b"], 2, "--query"),
    (["-o", "{zoo}/never.svg", "--file", "{zoo}/two.txt"], 2, "holds one sentence"),
    (["-o", "{zoo}/never.html", "--file", "{zoo}/two.txt"], 2, "holds one sentence"),
    (["-o", "{zoo}/never.npz", "--compare", "c d", "a b"], 2, ".npz"),
    (["-o", "{zoo}/never.json", "--explain", "softmax"], 2, "--explain shows an article, so .json does not go with it"),
    (["-o", "{zoo}/never.svg", "--json", "a b"], 2, "exclude each other"),
    (["-o", "{zoo}/never.txt", "--pause", "a b"], 2, "--pause"),
]  # fmt: skip

# What comes by standard input: arguments, the bytes, exit code, what standard error says
STREAMS = [
    ([], b"", 3, "standard input has no sentence in it"),
    (["-"], b"\n \n\r\n", 3, "standard input has no sentence in it"),
    ([], b"\xef\xbb\xbf", 3, "standard input has no sentence in it"),
    ([], b"\xff", 3, "line 1: not valid UTF-8 at byte 1"),
    ([], "The cat".encode("utf-16"), 3, "is UTF-16, and UTF-8 is read"),
    ([], BINARY, 3, "line 1: the text has no word"),
    ([], BINARY[127:], 3, "line 1: not valid UTF-8 at byte 1"),
    (["--keep-going"], BINARY + b"\nThe cat sat\n", 0, "skipped"),
    (["--keep-going"], b"\xff\n\xfe\n", 3, "has no sentence in it that works"),
    ([], b"a\x00b c\n", 0, ""),
    (["--json"], EVIL.encode(), 0, ""),
    (["--json"], b"#not a comment\n", 0, ""),
    ([], b"x" * (3 << 20), 3, "the line is longer than 1 MiB"),
    (["--keep-going", "--json"], b"x" * (3 << 20) + b"\nThe cat\n", 0, "skipped"),
    (["--json"], b"The cat\r\nThe dog", 0, ""),
    (["--json", "--keep-going"], b"?\n" * 300 + b"The cat\n", 0, "skipped"),
    (["--pause"], b"The cat\n", 0, ""),
    (["-o", "{zoo}/never.svg"], b"a b\nc d\n", 2, "holds one sentence"),
    (["--phrase", "no such"], b"a b\n", 2, "does not occur"),
    (["--compare", "the dog"], b"the cat\n", 0, ""),
]

# What the process finds around it
SENTENCE = ["--step", "3", "Le naïve 猫 sat"]
SURROUNDINGS = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "LANG": None},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "no_SUCH.locale"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "ascii:surrogateescape"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp1252:strict"},
    {"PYTHONIOENCODING": "koi8-r"},
    {"PYTHONIOENCODING": "utf-8:surrogateescape"},
    {"PYTHONUTF8": "1", "LC_ALL": "C"},
    {"TERM": None},
    {"TERM": ""},
    {"TERM": "\x1b[31m"},
    {"TERM": "dumb", "FORCE_COLOR": "1"},
    {"COLORTERM": "\x1b", "FORCE_COLOR": "1"},
    {"COLUMNS": "1e9"},
    {"COLUMNS": "-80"},
    {"COLUMNS": "1"},
    {"LINES": "0"},
    {"LINES": "x"},
    {"HOME": None},
    {"HOME": "/nonexistent", "HF_HOME": "/dev/null"},
    {"TMPDIR": "/nonexistent"},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONWARNINGS": "error::RuntimeWarning,error::ResourceWarning,error::EncodingWarning"},
    {"PYTHONMALLOC": "debug"},
    {"PYTHONUNBUFFERED": "1"},
    {"PATH": ""},
    {"TTY_COMPATIBLE": "1"},
    {"OPENBLAS_NUM_THREADS": "nonsense"},
]  # fmt: skip


def at(value, folder):
    """Put the folder's path into an argument."""
    if isinstance(value, bytes):
        return value.replace(b"{zoo}", os.fsencode(folder))
    return value.replace("{zoo}", str(folder))


CASES = [
    *[(arguments, b"", {}, code, said) for group in (SENTENCES, OPTIONS, FILES, OUTPUTS) for arguments, code, said in group],
    *[(arguments, stdin, {}, code, said) for arguments, stdin, code, said in STREAMS],
    *[(SENTENCE, b"", around, 0, "") for around in SURROUNDINGS],
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return zoo.make(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def ended(folder):
    """Run all the cases, as many at a time as there are cores."""
    before = {path.name for path in folder.iterdir()}

    def run(case):
        arguments, stdin, around, _, _ = case
        environment = {"TERM": "xterm-256color", "COLUMNS": "", "OPENBLAS_NUM_THREADS": "2", **around}
        return bounded(
            [at(argument, folder) for argument in arguments],
            stdin=stdin, folder=folder, seconds=SECONDS, megabytes=MEGABYTES, **environment,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(run, CASES))
    return results, {path.name for path in folder.iterdir()} - before


def name_of(number):
    arguments, stdin, around, _, _ = CASES[number]
    return f"{number} {ascii(arguments)[:60]} {ascii(stdin)[:20] if stdin else ''} {around or ''}"


def test_there_are_at_least_150_cases():
    assert len(CASES) == len({repr(case) for case in CASES}) >= 150


@pytest.mark.parametrize("number", range(len(CASES)), ids=name_of)
def test_a_hostile_case(number, ended):
    _, _, around, code, said = CASES[number]
    result = ended[0][number]
    encoding = around.get("PYTHONIOENCODING", "utf-8").split(":")[0]
    out, err = result.out.decode(encoding), result.err.decode(encoding)
    assert result.code == code if code is not None else result.code in (2, 3)
    assert said in err
    assert "Traceback" not in err
    assert "a bug of ours" not in err
    assert raw(out) == set()
    assert raw(err) == set()
    assert "\x1b" not in err
    lines = err.splitlines()
    if result.code:
        assert out == ""
        complaints = [line for line in lines if not line.endswith("; skipped")]
        assert complaints[0].startswith("attnexplain: error: ")
        assert [line.startswith("  hint: ") for line in complaints[1:]] in ([], [True])
    else:
        assert out
        assert all(line.startswith(("attnexplain: warning: ", "attnexplain: error: ", "  hint: ")) for line in lines)
    assert max(map(len, lines), default=0) < 1000
    assert result.seconds < SECONDS


def test_nothing_was_written_and_nothing_was_run(ended, folder):
    assert ended[1] == set()
    assert (folder / "kept.svg").read_bytes() == b"precious"


def test_json_of_hostile_text_is_ascii_and_whole(ended):
    for case, result in zip(CASES, ended[0], strict=True):
        if "--json" in case[0] and result.code == 0:
            assert result.out.isascii()
            for line in result.out.splitlines():
                assert json.loads(line)["schema"] == "attnexplain/1"
