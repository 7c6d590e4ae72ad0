"""The lesson by its number of tokens, beside that of two words; memory beyond its, in n × n matrices of float64."""

from side_by_side import ATTNEXPLAIN, measure

WORDS = ["the", "river", "bank", "was", "flooded", "after", "heavy", "rain", "and", "the", "old", "mill", "stood"]
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)


def report(rounds: int) -> str:
    programs = {}
    for n in (2, *LENGTHS):
        sentence = " ".join(WORDS[i % len(WORDS)] for i in range(n))
        programs[f"text {n}"] = [ATTNEXPLAIN, "--max-tokens", "4096", sentence]
        programs[f"json {n}"] = [*programs[f"text {n}"], "--json"]
    measured = measure(programs, max(rounds // 4, 1))
    lines = [
        "| tokens | text | ratio | memory | --json | ratio | memory | a cell of --json |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for n in (2, *LENGTHS):
        matrix, cells = n * n * 8 / 2**20, []
        for kind in ("text", "json"):
            seconds, memory = measured[f"{kind} {n}"]
            base, base_memory = measured[f"{kind} 2"]
            beyond = f"{(memory - base_memory) / matrix:.1f}" if n >= 256 else ""
            cells.append(f"{seconds:.2f} s | {seconds / base:.2f} | {beyond}")
        microseconds = f"{(seconds - base) / n**2 * 1e6:.1f} µs" if n >= 256 else ""
        lines.append(f"| {n} | {' | '.join(cells)} | {microseconds} |")
    return "\n".join(lines)
