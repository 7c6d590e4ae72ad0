"""2,000 sentences in one process with `--file --json`, beside a bare loop of `attend` and `json.dumps`."""

import random
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from as_json import bare_json
from side_by_side import ATTNEXPLAIN

from attnexplain.attention import attend
from attnexplain.models.tiny import Tiny

FILE = Path(__file__).parents[2] / "sentences" / "ambiguous.txt"
COUNT = 2_000


def report(rounds: int) -> str:
    words = [word for line in FILE.read_text().splitlines() if not line.startswith("#") for word in line.split()]
    chance = random.Random(0)
    sentences = [" ".join(chance.choices(words, k=chance.randint(6, 16))) for _ in range(COUNT)]
    model = Tiny()
    vectors = [model.embed(model.tokenize(sentence, (), 512)).vectors for sentence in sentences]
    bare, whole = [], []
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(sentences))
        file.flush()
        for _ in range(max(rounds // 2, 1)):
            start = time.perf_counter()
            with open("/dev/null", "w") as nowhere:
                for embeddings in vectors:
                    nowhere.write(bare_json(attend(embeddings, model.head)) + "\n")
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            subprocess.run([ATTNEXPLAIN, "--json", "--file", file.name], stdout=subprocess.DEVNULL, check=True)
            whole.append(time.perf_counter() - start)
    lines = ["| program | seconds | sentences a second | ratio |", "| --- | --- | --- | --- |"]
    medians = {"attend and json.dumps alone": median(bare), "attnexplain --file --json": median(whole)}
    for name, seconds in medians.items():
        lines.append(f"| {name} | {seconds:.1f} | {COUNT / seconds:,.0f} | {seconds / median(bare):.2f} |")
    return "\n".join(lines)
