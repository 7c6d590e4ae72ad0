"""Programs and functions, measured in turns in one run: what counts are the ratios to the first of them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

ATTNEXPLAIN = str(Path(sys.executable).with_name("attnexplain"))


def machine() -> str:
    """Describe the machine in a line."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = {line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")}
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "rich", "typer"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{' '.join(names) or platform.processor()}, {os.cpu_count()} cores, {platform.system()}; {python}, {libraries}"
    )


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


def measure_calls(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Call each function in turns, so often a turn that it takes some milliseconds: median seconds of one call."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    often = {name: max(1, int(0.005 / max(_seconds_of(call, 1), 1e-7))) for name, call in calls.items()}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(_seconds_of(call, often[name]) / often[name])
    return {name: statistics.median(measured) for name, measured in seconds.items()}


def table(measured: Mapping[str, tuple[float, float]], *, with_memory: bool = False) -> str:
    """Write programs as a table for a README."""
    (first_seconds, first_memory), *_ = measured.values()
    head = "| program | median | ratio |" + (" memory | ratio |" if with_memory else "")
    lines = [head, "| --- | --- | --- |" + (" --- | --- |" if with_memory else "")]
    for name, (seconds, memory) in measured.items():
        line = f"| {name} | {seconds * 1000:.0f} ms | {seconds / first_seconds:.2f} |"
        lines.append(line + (f" {memory:.0f} MB | {memory / first_memory:.2f} |" if with_memory else ""))
    return "\n".join(lines)


def table_of_calls(rows: Mapping[int, Mapping[str, float]], unit: str) -> str:
    """Write functions by the size of what they are given: the first one's milliseconds, the others as ratios to it."""
    first, *others = next(iter(rows.values()))
    lines = [f"| {unit} | {first} | {' | '.join(others)} |", "| --- | --- |" + " --- |" * len(others)]
    for size, measured in rows.items():
        ratios = " | ".join(f"{measured[name] / measured[first]:.2f}" for name in others)
        lines.append(f"| {size} | {measured[first] * 1000:.3f} ms | {ratios} |")
    return "\n".join(lines)


def _seconds_of(call: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - start
