"""Many sentences in one process: `--file --json` beside a bare loop of `attend` and `json.dumps` on the same vectors.

python tests/benchmarks/many_sentences.py [SENTENCES]
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attnexplain.attention import attend
from attnexplain.models.tiny import Tiny

FILE = Path(__file__).parents[2] / "sentences" / "ambiguous.txt"
KEYS = ("embeddings", "queries", "keys", "values", "scores", "scaled_scores", "weights", "context")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    words = [word for line in FILE.read_text().splitlines() if not line.startswith("#") for word in line.split()]
    chance = random.Random(0)
    sentences = [" ".join(chance.choices(words, k=chance.randint(6, 16))) for _ in range(count)]
    model = Tiny()
    vectors = [model.embed(model.tokenize(sentence, (), 512)).vectors for sentence in sentences]
    head = model.head
    start = time.perf_counter()
    with open("/dev/null", "w") as file:
        for embeddings in vectors:
            trace = attend(embeddings, head)
            file.write(json.dumps({key: getattr(trace, key).tolist() for key in KEYS}) + "\n")
    bare = time.perf_counter() - start
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(sentences))
        file.flush()
        command = [str(Path(sys.executable).with_name("attnexplain")), "--json", "--file", file.name]
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        whole = time.perf_counter() - start
    print("| program | seconds | sentences a second | ratio |\n| --- | --- | --- | --- |")
    for name, seconds in (("attend and json.dumps alone", bare), ("attnexplain --file --json", whole)):
        print(f"| {name} | {seconds:.1f} | {count / seconds:,.0f} | {bare / seconds:.2f} |")


if __name__ == "__main__":
    main()
