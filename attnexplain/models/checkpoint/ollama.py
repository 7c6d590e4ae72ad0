"""Models that Ollama keeps: blobs called by their hashes, and for each name a manifest in JSON that says which."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from attnexplain.errors import AttnExplainError, CheckpointError, CommandError
from attnexplain.models.files import parse_json, read_file
from attnexplain.text import visible

OLLAMA = "ollama:"
"""What stands before the name of a model that Ollama has."""
LARGEST_MANIFEST = 1 << 20
_NAME = re.compile(r"(?:([\w.-]+)/)?([\w.-]+)(?::([\w.-]+))?", re.ASCII)
_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def find_ollama(source: str, environment: Mapping[str, str] | None = None) -> Path:
    """Find the file of a model that Ollama has on this computer; nothing is fetched.

    Args:
        source: "ollama:" and a name, such as gemma3:270m or owner/model:tag.
        environment: variables that say where its store is; the process's own unless given.

    Raises:
        CommandError: there is none.
        CheckpointError: its manifest is none.
    """
    name = source.removeprefix(OLLAMA)
    match = _NAME.fullmatch(name)
    if match is None or ".." in name:
        raise CommandError(f"{visible(source)!r} is no name of a model", hint="ollama:gemma3:270m")
    owner, model, tag = match[1] or "library", match[2], match[3] or "latest"
    stores = _stores(os.environ if environment is None else environment)
    for store in stores:
        manifest = store / "manifests" / "registry.ollama.ai" / owner / model / tag
        if manifest.is_file():
            return _blob(store, manifest)
    raise CommandError(
        f"Ollama has no model {visible(name)!r} here", hint=f"looked in {visible(str(stores[0]))}; ollama pull {name}"
    )


def _stores(environment: Mapping[str, str]) -> list[Path]:
    own = environment.get("OLLAMA_MODELS")
    places = (
        [own] if own else ["~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models"]
    )
    return [Path(place).expanduser() for place in places]


def _blob(store: Path, manifest: Path) -> Path:
    try:
        layers = parse_json(read_file(manifest, LARGEST_MANIFEST)).get("layers")
    except AttnExplainError as error:
        raise CheckpointError(f"the manifest of Ollama: {error.message}") from error
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == _MODEL:
            digest = _DIGEST.fullmatch(str(layer.get("digest")))
            if digest is not None:
                return store / "blobs" / f"sha256-{digest[1]}"
    raise CheckpointError("the manifest of Ollama names no model")
