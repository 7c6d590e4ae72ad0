"""The lesson's cost by the number of tokens: text and JSON, whole processes, per cell of the matrices.

python tests/benchmarks/by_length.py [LONGEST]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [str(Path(sys.executable).with_name("attnexplain")), "--max-tokens", "4096"]
WORDS = ["the", "river", "bank", "was", "flooded", "after", "heavy", "rain", "and", "the", "old", "mill", "stood"]


def measure(arguments: list[str]) -> tuple[float, float, int]:
    """Return seconds, megabytes, and the bytes that were written."""
    start = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE)
    size = sum(len(piece) for piece in iter(lambda: process.stdout.read(1 << 20), b""))
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024, size


def main() -> None:
    longest = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    (base_text, memory_text, _), (base_json, memory_json, _) = measure(["a cat"]), measure(["--json", "a cat"])
    print(f"two words: text {base_text:.2f} s, {memory_text:.0f} MB; --json {base_json:.2f} s, {memory_json:.0f} MB")
    print(
        "| tokens | text | µs a cell | bytes | memory, in n × n matrices | --json | µs a cell | memory, in matrices |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    n = 16
    while n <= longest:
        sentence = " ".join(WORDS[i % len(WORDS)] for i in range(n))
        text, text_memory, size = measure([sentence])
        plain, plain_memory, _ = measure(["--json", sentence])
        matrix = n * n * 8 / 2**20
        print(
            f"| {n} | {text:.2f} s | {(text - base_text) / n**2 * 1e6:.1f} | {size} | "
            f"{(text_memory - memory_text) / matrix:.1f} | {plain:.2f} s | {(plain - base_json) / n**2 * 1e6:.1f} | "
            f"{(plain_memory - memory_json) / matrix:.1f} |"
        )
        n *= 2


if __name__ == "__main__":
    main()
