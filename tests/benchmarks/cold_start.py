"""Whole processes, measured in turns in one run, as ratios to a bare program that imports the same libraries.

python tests/benchmarks/cold_start.py [ROUNDS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

SENTENCE = "The river bank was flooded after the storm"
ATTNEXPLAIN = [str(Path(sys.executable).with_name("attnexplain"))]
PROGRAMS = {
    "bare imports and one table": [sys.executable, str(Path(__file__).with_name("bare_program.py")), SENTENCE],
    "lesson": [*ATTNEXPLAIN, SENTENCE],
    "lesson in colour": [*ATTNEXPLAIN, "--color", "always", SENTENCE],
    "--json": [*ATTNEXPLAIN, "--json", SENTENCE],
    "--version": [*ATTNEXPLAIN, "--version"],
    "--help": [*ATTNEXPLAIN, "--help"],
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for turn in range(rounds + 1):
        for name, program in PROGRAMS.items():
            start = time.perf_counter()
            subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
            if turn:  # the first round warms the disk
                seconds[name].append(time.perf_counter() - start)
    bare = statistics.median(seconds["bare imports and one table"])
    print(f"{'program':<28} {'median':>8} {'ratio':>6}   ({rounds} rounds)")
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{name:<28} {median * 1000:>5.0f} ms {median / bare:>6.2f}")


if __name__ == "__main__":
    main()
