"""Whole processes, measured in turns: seconds and the most memory of each, as ratios to the first."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence


def measure(programs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, tuple[float, float]]:
    """Run each program once a round, after one round that warms the disk: median seconds, and megabytes."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    memory: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, program in programs.items():
            start = time.perf_counter()
            process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            elapsed = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{name} failed: {' '.join(program)}")
            if turn:
                seconds[name].append(elapsed)
                memory[name].append(usage.ru_maxrss / 1024)
    return {name: (statistics.median(seconds[name]), statistics.median(memory[name])) for name in programs}


def table(measured: Mapping[str, tuple[float, float]], *, with_memory: bool = False) -> str:
    """Write a table for a README."""
    (first_seconds, first_memory), *_ = measured.values()
    head = "| program | median | ratio |" + (" memory | ratio |" if with_memory else "")
    lines = [head, "| --- | --- | --- |" + (" --- | --- |" if with_memory else "")]
    for name, (seconds, memory) in measured.items():
        line = f"| {name} | {seconds * 1000:.0f} ms | {seconds / first_seconds:.2f} |"
        lines.append(line + (f" {memory:.0f} MB | {memory / first_memory:.2f} |" if with_memory else ""))
    return "\n".join(lines)
