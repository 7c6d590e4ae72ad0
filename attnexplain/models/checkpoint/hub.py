"""Fetching a checkpoint from the Hugging Face hub, when the user asks for it with --download, and only then."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from attnexplain.errors import CheckpointError, CommandError
from attnexplain.models.checkpoint import config, tensors, tokenizer_folder
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.checkpoint.sources import NAME
from attnexplain.models.files import parse_json, read_file
from attnexplain.text import visible

SECONDS = 5
"""How long the hub may take to answer at all."""


def download(name: str) -> Path:
    """Fetch the configuration, the tokenizer and the tensors of a model; what is in the cache already is not fetched.

    Only files with names that are known beforehand are asked for, so no name from outside reaches the screen.

    Raises:
        CommandError: there is no such model, or no network.
        CheckpointError: the model has no .safetensors.
    """
    if not NAME.fullmatch(name):
        raise CommandError(f"{visible(name)!r} is not a model's name on the hub", hint="such as openai-community/gpt2")
    if sys.stderr is None or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    hub = needed("huggingface_hub")
    import_module("huggingface_hub.utils.logging").set_verbosity_error()  # what is wrong is said here, in one line
    _refuse_without_network(name, hub.constants.ENDPOINT)
    folder = _fetch(hub, name, config.NAME).parent
    vocabularies = () if _fetch_if_there(hub, name, tokenizer_folder.NAME) else tokenizer_folder.VOCABULARIES
    for file in (*vocabularies, *tokenizer_folder.SIDE_FILES):
        _fetch_if_there(hub, name, file)
    if _fetch_if_there(hub, name, tensors.SINGLE) is None:
        index = _fetch_if_there(hub, name, tensors.INDEX)
        if index is None:
            raise CheckpointError(f"{name} has no {tensors.SINGLE} on the hub", hint=tensors.pickled("it").hint)
        shards = parse_json(read_file(index, tensors.LARGEST_HEADER)).get("weight_map")
        for shard in sorted(set(map(str, shards.values()))) if isinstance(shards, dict) else ():
            if tensors.SHARD.fullmatch(shard):
                _fetch(hub, name, shard)
    return folder


def _refuse_without_network(name: str, endpoint: str) -> None:
    """Find out at once whether the hub can be reached: its library tries for half a minute.

    Raises:
        CommandError: it cannot.
    """
    try:
        import_module("huggingface_hub.utils").get_session().head(endpoint, timeout=SECONDS)
    except Exception as error:  # those of its two HTTP libraries, old and new, have no common base
        raise CommandError(
            f"cannot download {name}: the hub cannot be reached",
            hint="without --download a model in the cache is used, and no network",
        ) from error


def _fetch(hub: Any, name: str, file: str) -> Path:
    """Fetch one file, and return where it is."""
    path = _fetch_if_there(hub, name, file)
    if path is None:
        raise CommandError(f"{name} on the hub has no {file}")
    return path


def _fetch_if_there(hub: Any, name: str, file: str) -> Path | None:
    try:
        return Path(hub.hf_hub_download(name, file))
    except Exception as error:
        kind = type(error).__name__
        if kind in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
            return None
        reasons = {
            "RepositoryNotFoundError": "the hub has no such model, or it is private",
            "GatedRepoError": "its owner wants to be asked first",
        }
        reason = reasons.get(kind, f"{kind}: {str(error).splitlines()[0] if str(error) else ''}")
        raise CommandError(f"cannot download {name}: {reason}") from error
