"""The tokenizer of a checkpoint's folder, made as transformers makes it from the same files.

`tokenizer.json` is not all: the tokenizer's class in transformers (`tokenizer_config.json` names it, or the family has
one) decides about lower case, accents, spaces in front and added tokens, whatever tokenizer.json says. Here each class
that is known is a function; one that is not known is refused by its name, for its tokens would be other ones.

Reference: transformers 5, `tokenization_utils_tokenizers.py` and the `tokenization_*.py` of the families.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attnexplain.errors import CheckpointError, CommandError, DataError
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.checkpoint.guard import OF_QWEN, guarded, refuse_unbounded
from attnexplain.models.files import parse_json, read_file

NAME = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt")
SIDE_FILES = (SETTINGS, "special_tokens_map.json", "added_tokens.json")
"""What transformers reads beside the vocabulary."""
LARGEST = 1 << 26

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""The special tokens that have a name, in the order in which transformers adds them."""


@dataclass(frozen=True)
class Parts:
    """What the files of a folder say of its tokenizer."""

    settings: Mapping[str, Any]
    """tokenizer_config.json."""
    family: str
    """The model_type of config.json."""
    text: str
    """tokenizer.json as it is written; "" where there is none."""
    stored: Any
    """The tokenizer of tokenizer.json, a `tokenizers.Tokenizer`; None where there is none."""
    model: Any
    """What turns words into pieces, a `tokenizers.models.Model`."""
    listed: Mapping[int, Any]
    """The added tokens that the files list, by their numbers."""

    def flag(self, key: str, *, default: bool | None) -> bool | None:
        """Return true, false, or what an absent key stands for."""
        value = self.settings.get(key, default)
        if value is not None and not isinstance(value, bool):
            raise CheckpointError(f"{SETTINGS}: {key} must be true or false")
        return value

    def named(self, defaults: Mapping[str, str], *, may_be_null: bool = False) -> dict[str, Any]:
        """Return the special tokens by their names: those of the class, unless the files say otherwise."""
        by_text = {token.content: token for token in self.listed.values()}
        tokens: dict[str, Any] = {}
        for key in NAMED:
            token = _token(key, self.settings.get(key, defaults.get(key)))
            if token is not None:
                tokens[key] = by_text.get(token.content, token)
            elif key in defaults and not may_be_null:
                raise CheckpointError(f"{SETTINGS}: {key} is null, and this tokenizer needs one")
        return tokens


def open_tokenizer(folder: Path, family: str, asked: str | None = None) -> Any:
    """Make the tokenizer of a folder.

    Args:
        folder: of the checkpoint.
        family: its model_type, which has a tokenizer class of its own where the files name none.
        asked: the class that config.json names, if it does.

    Returns:
        A `tokenizers.Tokenizer`.

    Raises:
        CheckpointError: there is none, its class is not known, or what the files say does not work.
        CommandError: the library is not installed.
    """
    needed("tokenizers")
    try:
        settings = _read(folder, SETTINGS)
        if "added_tokens_decoder" not in settings:  # older folders have the special tokens in a file of their own
            settings |= _read(folder, "special_tokens_map.json")
        if "auto_map" in settings:
            raise CheckpointError(f"{SETTINGS} asks to run code that comes with the checkpoint; nothing is run")
        name = settings.get("tokenizer_class") or asked or OF_FAMILY.get(family, "TokenizersBackend")
        make = CLASSES.get(ALWAYS.get(family, str(name).removesuffix("Fast")))
        if make is None:
            raise CheckpointError(
                f"its tokenizer is a {str(name)[:60]}, whose tokens are not made here",
                hint="the tokenizers that are known: " + ", ".join(sorted(CLASSES)),
            )
        parts = _parts(folder, family, settings, make)
    except CommandError as error:
        raise CheckpointError(error.message, hint=error.hint) from error
    tokenizer = guarded(lambda: make(parts), (CheckpointError, KeyError, AttributeError))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = bool(parts.flag("split_special_tokens", default=False))
    refuse_unbounded(tokenizer)
    return tokenizer


# The classes


def _bert(parts: Parts) -> Any:
    """BertTokenizer: lower case unless told otherwise, accents as the case, Chinese characters apart."""
    defaults = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
    named = parts.named({f"{name}_token": text for name, text in defaults.items()})
    tokenizer = _word_piece(parts, named)
    tokenizer.post_processor = _around(tokenizer, named["cls_token"].content, named["sep_token"].content)
    return tokenizer


def _mpnet(parts: Parts) -> Any:
    """MPNetTokenizer: BERT's pieces between RoBERTa's tokens; <mask> takes the space before it."""
    named = parts.named({**_OF_ROBERTA, "unk_token": "[UNK]"})
    if isinstance(parts.settings.get("mask_token", "<mask>"), str) and named["mask_token"].content not in {
        token.content for token in parts.listed.values()
    }:
        named["mask_token"] = needed("tokenizers").AddedToken(named["mask_token"].content, lstrip=True, special=True)
    tokenizer = _word_piece(parts, named)
    ends = [(named[key].content, tokenizer.token_to_id(named[key].content)) for key in ("sep_token", "cls_token")]
    tokenizer.post_processor = needed("tokenizers").processors.RobertaProcessing(*ends, True, False)
    return tokenizer


def _word_piece(parts: Parts, named: Mapping[str, Any]) -> Any:
    library = needed("tokenizers")
    parts.model.unk_token = named["unk_token"].content
    parts.model.continuing_subword_prefix = "##"
    parts.model.max_input_chars_per_word = 100
    tokenizer = library.Tokenizer(parts.model)
    tokenizer.normalizer = library.normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(parts.flag("tokenize_chinese_chars", default=True)),
        strip_accents=parts.flag("strip_accents", default=None),
        lowercase=bool(parts.flag("do_lower_case", default=True)),
    )
    tokenizer.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    _add(tokenizer, parts, named)
    return tokenizer


def _gpt2(parts: Parts) -> Any:
    """GPT2Tokenizer: pairs of bytes; a space in front only where it is asked for."""
    defaults = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    tokenizer = _byte_pairs(parts, parts.named(defaults, may_be_null=True))
    if parts.stored is not None and parts.stored.post_processor is not None:
        tokenizer.post_processor = parts.stored.post_processor
    elif parts.stored is None:
        ends = parts.named({"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"})
        begins, ends_too = (parts.flag(f"add_{end}_token", default=False) for end in ("bos", "eos"))
        before = ends["bos_token"].content if begins else None
        after = ends["eos_token"].content if ends_too else None
        if before or after:
            tokenizer.post_processor = _around(tokenizer, before, after)
    return tokenizer


def _roberta(parts: Parts) -> Any:
    """RobertaTokenizer: GPT-2's pairs of bytes between <s> and </s>."""
    processors = needed("tokenizers").processors
    named = parts.named(_OF_ROBERTA)
    tokenizer = _byte_pairs(parts, named)
    ends = [(named[key].content, tokenizer.token_to_id(named[key].content)) for key in ("sep_token", "cls_token")]
    tokenizer.post_processor = processors.RobertaProcessing(
        *ends,
        bool(parts.flag("trim_offsets", default=True)),
        bool(parts.flag("add_prefix_space", default=False)),
    )
    return tokenizer


def _sentence_pieces(parts: Parts) -> Any:
    """XLMRobertaTokenizer and CamembertTokenizer: pieces of words that begin with the sign of their space."""
    library = needed("tokenizers")
    named = parts.named(_OF_ROBERTA)
    is_camembert = str(parts.settings.get("tokenizer_class", "")).startswith("Camembert") or parts.family == "camembert"
    _refuse_other_unigrams(parts, (parts.stored.token_to_id(named["unk_token"].content) or 0) if is_camembert else 3)
    tokenizer = library.Tokenizer(parts.model)
    charsmap = _charsmap(parts.stored)
    if charsmap is not None:
        tokenizer.normalizer = charsmap
    in_front = "always" if parts.flag("add_prefix_space", default=True) else "never"
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence(
        [
            library.pre_tokenizers.WhitespaceSplit(),
            library.pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=in_front),
        ]
    )
    _add(tokenizer, parts, named)
    ends = named["bos_token"].content, named["eos_token"].content
    tokenizer.post_processor = _around(tokenizer, *ends, is_doubled=True)
    return tokenizer


def _albert(parts: Parts) -> Any:
    """AlbertTokenizer: pieces of words in lower case and without accents, unless told otherwise."""
    library = needed("tokenizers")
    defaults = {"bos": "[CLS]", "eos": "[SEP]", "sep": "[SEP]", "cls": "[CLS]", "unk": "<unk>", "pad": "<pad>"}
    named = parts.named({f"{name}_token": text for name, text in {**defaults, "mask": "[MASK]"}.items()})
    _refuse_other_unigrams(parts, 1)
    rules = [library.normalizers.Replace(mark * 2, '"') for mark in ("`", "'")]
    if not parts.flag("keep_accents", default=False):
        rules += [library.normalizers.NFKD(), library.normalizers.StripAccents()]
    if parts.flag("do_lower_case", default=True):
        rules.append(library.normalizers.Lowercase())
    charsmap = _charsmap(parts.stored)
    tokenizer = library.Tokenizer(parts.model)
    tokenizer.normalizer = library.normalizers.Sequence([*rules, *([] if charsmap is None else [charsmap])])
    in_front = "always" if parts.flag("add_prefix_space", default=True) else "never"
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence(
        [
            library.pre_tokenizers.WhitespaceSplit(),
            library.pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=in_front),
        ]
    )
    tokenizer.post_processor = _around(tokenizer, named["cls_token"].content, named["sep_token"].content)
    _add(tokenizer, parts, named)
    return _ending_as_stored(tokenizer, parts)


def _llama(parts: Parts) -> Any:
    """LlamaTokenizer: pieces with the sign of their space, bytes for what it lacks; bytes alone are left as stored."""
    library = needed("tokenizers")
    if '"ByteLevel"' in parts.text:  # anywhere in it, as transformers looks
        return _as_stored(parts)
    named = parts.named({"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}, may_be_null=True)
    tokenizer = library.Tokenizer(_with_bytes(parts.model))
    in_front = parts.flag("add_prefix_space", default=None) is not False
    everywhere = parts.flag("legacy", default=None) is True
    scheme = ("always" if everywhere else "first") if in_front else "never"
    tokenizer.pre_tokenizer = library.pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    _add(tokenizer, parts, named)
    return _ending_as_stored(tokenizer, parts)


def _gemma(parts: Parts) -> Any:
    """GemmaTokenizer: the same, but for the space in front."""
    library = needed("tokenizers")
    names = ("unk", "bos", "eos", "pad", "mask")
    named = parts.named({f"{name}_token": f"<{name}>" for name in names}, may_be_null=True)
    parts.model.unk_token = named["unk_token"].content if "unk_token" in named else "None"  # as transformers writes it
    tokenizer = library.Tokenizer(_with_bytes(parts.model))
    tokenizer.normalizer = library.normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = library.pre_tokenizers.Split(" ", "merged_with_previous")
    _add(tokenizer, parts, named)
    return _ending_as_stored(tokenizer, parts)


def _qwen(parts: Parts) -> Any:
    """Qwen2Tokenizer: pairs of bytes, of words that a pattern of its own splits."""
    library = needed("tokenizers")
    tokenizer = _byte_pairs(parts, {})
    in_front = bool(parts.flag("add_prefix_space", default=False))
    tokenizer.normalizer = library.normalizers.NFC()
    splits = library.pre_tokenizers.Split(library.Regex(OF_QWEN), "isolated")
    as_bytes = library.pre_tokenizers.ByteLevel(add_prefix_space=in_front, use_regex=False)
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence([splits, as_bytes])
    defaults = dict.fromkeys(("eos_token", "unk_token", "pad_token"), "<|endoftext|>")
    named = parts.named(defaults, may_be_null=True)
    _add(tokenizer, parts, named)
    tokenizer.add_tokens([library.AddedToken(token.content, special=True) for token in named.values()])  # plain again
    return _ending_as_stored(tokenizer, parts)


def _gpt_neox(parts: Parts) -> Any:
    """GPTNeoXTokenizer: GPT-2's pairs of bytes, of letters that are put together first; no token at the ends."""
    named = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>") | {"pad_token": "<|padding|>"}
    tokenizer = _byte_pairs(parts, parts.named(named, may_be_null=True))
    tokenizer.normalizer = needed("tokenizers").normalizers.NFC()
    return tokenizer


def _with_bytes(model: Any) -> Any:
    """Let a model write what it has no piece for as bytes."""
    model.dropout = None
    model.continuing_subword_prefix = model.end_of_word_suffix = ""
    model.fuse_unk = model.byte_fallback = True
    model.ignore_merges = False
    return model


def _ending_as_stored(tokenizer: Any, parts: Parts) -> Any:
    """Put around a text what tokenizer.json says."""
    if parts.stored is not None and parts.stored.post_processor is not None:
        tokenizer.post_processor = parts.stored.post_processor
    return tokenizer


def _as_stored(parts: Parts) -> Any:
    """TokenizersBackend, PreTrainedTokenizerFast: what tokenizer.json says, and the tokens that are added to it."""
    if parts.stored is None:
        raise CheckpointError(f"there is no {NAME} in the folder")
    there = {repr(token) for token in parts.stored.get_added_tokens_decoder().values()}
    listed = {number: token for number, token in parts.listed.items() if repr(token) not in there}
    _add(parts.stored, replace(parts, listed=listed), parts.named({}))
    return parts.stored


CLASSES: Mapping[str, Callable[[Parts], Any]] = {
    "AlbertTokenizer": _albert,
    "BertTokenizer": _bert,
    "CamembertTokenizer": _sentence_pieces,
    "DistilBertTokenizer": _bert,
    "ElectraTokenizer": _bert,
    "GPT2Tokenizer": _gpt2,
    "GPTNeoXTokenizer": _gpt_neox,
    "GemmaTokenizer": _gemma,
    "LlamaTokenizer": _llama,
    "MPNetTokenizer": _mpnet,
    "PreTrainedTokenizer": _as_stored,
    "Qwen2Tokenizer": _qwen,
    "RobertaTokenizer": _roberta,
    "TokenizersBackend": _as_stored,
    "XLMRobertaTokenizer": _sentence_pieces,
}
"""By the name without "Fast", which says nothing any more."""
OF_FAMILY = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "electra": "BertTokenizer",
    "ernie": "BertTokenizer",
    "albert": "AlbertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roformer": "RoFormerTokenizer",
    "roberta-prelayernorm": "RobertaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "gpt_neo": "GPT2Tokenizer",
    "opt": "GPT2Tokenizer",
    "gpt_neox": "GPTNeoXTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "gemma": "GemmaTokenizer",
    "gemma2": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer",
}
ALWAYS = {
    "qwen2": "Qwen2Tokenizer",
    "mistral": "TokenizersBackend",
    "phi3": "TokenizersBackend",
    "olmo2": "TokenizersBackend",
    "modernbert": "TokenizersBackend",
    "xlm-roberta-xl": "TokenizersBackend",
}
"""Families whose tokenizer_config.json transformers passes over: it is wrong, or they have another class."""
_OF_ROBERTA = {
    "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
    "pad_token": "<pad>", "mask_token": "<mask>",
}  # fmt: skip
_MODEL_OF: Mapping[Callable[[Parts], Any], str] = {
    _bert: "WordPiece",
    _gpt2: "BPE",
    _roberta: "BPE",
    _sentence_pieces: "Unigram",
    _mpnet: "WordPiece",
    _albert: "Unigram",
    _llama: "BPE",
    _gemma: "BPE",
    _qwen: "BPE",
    _gpt_neox: "BPE",
}
"""What a class makes pieces with."""


# What they share


def _byte_pairs(parts: Parts, named: Mapping[str, Any]) -> Any:
    library = needed("tokenizers")
    model = parts.model
    model.dropout = model.unk_token = None
    model.continuing_subword_prefix = model.end_of_word_suffix = ""
    model.fuse_unk = model.byte_fallback = model.ignore_merges = False
    tokenizer = library.Tokenizer(model)
    in_front = bool(parts.flag("add_prefix_space", default=False))
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=in_front)
    _add(tokenizer, parts, named)
    return tokenizer


def _add(tokenizer: Any, parts: Parts, named: Mapping[str, Any]) -> None:
    """Add the tokens that the files list, and the special tokens that are not among them.

    As in transformers they get the numbers that the vocabulary has for them; those that it lacks follow at its end.
    """
    tokens = [parts.listed[number] for number in sorted(parts.listed)]
    there = {token.content for token in tokens} | {
        token.content for token in tokenizer.get_added_tokens_decoder().values()
    }
    extra = parts.settings.get("extra_special_tokens") or parts.settings.get("additional_special_tokens") or []
    if isinstance(extra, dict):
        extra = list(extra.values())
    own = {
        key: value
        for key, value in parts.settings.items()
        if key.endswith("_token") and key not in NAMED and isinstance(value, str)
    }
    others = [_token("extra_special_tokens", token) for token in [*own.values(), *extra]]
    for token in [*named.values(), *others]:
        if token is not None and token.content not in there:
            there.add(token.content)
            tokens.append(token)
    special = {token.content for token in named.values()}
    for token in tokens:
        token.special = token.special or token.content in special
    tokenizer.add_tokens(tokens)


def _around(tokenizer: Any, before: str | None, after: str | None, *, is_doubled: bool = False) -> Any:
    """Put a special token before and behind every text.

    A second text is segment 1, behind the end of the first; or behind two such ends, of segment 0 as the first.
    """
    ends = [end for end in (before, after) if end is not None]
    template = " ".join(filter(None, (before, "$A", after)))
    second = f"{after} $B:0 {after}" if is_doubled else " ".join(filter(None, ("$B:1", after and f"{after}:1")))
    numbers = [(end, tokenizer.token_to_id(end)) for end in dict.fromkeys(ends)]
    return needed("tokenizers").processors.TemplateProcessing(
        single=template, pair=f"{template} {second}", special_tokens=numbers
    )


def read_truncation(folder: Path) -> tuple[int | None, str]:
    """Read how long a text its pipeline allows, in tokens, and from which side it cuts: ("left" or "right").

    Raises:
        CheckpointError: tokenizer_config.json says what cannot be.
    """
    settings = _read(folder, SETTINGS)
    side = settings.get("truncation_side") or _stored_side(folder)
    longest = settings.get("model_max_length", settings.get("max_len"))
    if side not in ("left", "right"):
        raise CheckpointError(f"{SETTINGS}: truncation_side must be left or right")
    if longest is None or (isinstance(longest, int | float) and longest > NO_LIMIT):
        return None, side
    if isinstance(longest, bool) or not isinstance(longest, int) or longest < 1:
        raise CheckpointError(f"{SETTINGS}: model_max_length must be a whole number above 0")
    return longest, side


def _stored_side(folder: Path) -> str:
    """Read from which side the tokenizer was set to cut when it was stored."""
    if not (folder / NAME).exists():
        return "right"
    return "left" if _CUTS_LEFT.search(read_file(folder / NAME, LARGEST)) else "right"


_CUTS_LEFT = re.compile(rb'"truncation"\s*:\s*\{[^{}]*"direction"\s*:\s*"Left"')
"""Looked for as text: the library has parsed the file, which may be of many megabytes, once already."""


NO_LIMIT = 100_000_000
"""transformers writes 1e30 where there is none."""


def _refuse_other_unigrams(parts: Parts, expected: int) -> None:
    """Refuse what transformers passes over in a Unigram: bytes for unknown letters, and another unknown piece.

    Raises:
        CheckpointError: tokenizer.json has it, so its tokens are not those that transformers makes.
    """
    number = re.search(r'"unk_id"\s*:\s*([0-9]+)', parts.text)
    if re.search(r'"byte_fallback"\s*:\s*true', parts.text) or (number is not None and int(number[1]) != expected):
        raise CheckpointError(f"{NAME} knows unknown letters in a way that its tokenizer class does not obey")


def _charsmap(stored: Any) -> Any:
    """Find SentencePiece's own table of characters among the normalizers of tokenizer.json."""
    if stored is None or stored.normalizer is None:
        return None
    from base64 import b64decode

    part = json.loads(stored.normalizer.__getstate__())
    for one in part.get("normalizers", [part]):
        if one.get("type") == "Precompiled" and one.get("precompiled_charsmap"):
            return needed("tokenizers").normalizers.Precompiled(b64decode(one["precompiled_charsmap"]))
    return None


# Reading the files


def _parts(folder: Path, family: str, settings: Mapping[str, Any], make: Callable[[Parts], Any]) -> Parts:
    text = _text(folder) if (folder / NAME).exists() else ""
    stored = guarded(lambda: needed("tokenizers").Tokenizer.from_str(text)) if (folder / NAME).exists() else None
    if stored is not None:
        refuse_unbounded(stored)
        model = stored.model
    elif make in (_bert, _mpnet) and (folder / "vocab.txt").exists():
        model = _word_pieces(folder)
    elif (
        make in (_gpt2, _roberta, _qwen, _gpt_neox)
        and (folder / "vocab.json").exists()
        and (folder / "merges.txt").exists()
    ):
        model = _pairs(folder)
    else:
        raise CheckpointError(f"there is no {NAME} in the folder, nor vocab.txt, nor vocab.json with merges.txt")
    wanted = _MODEL_OF.get(make)
    if wanted is not None and type(model).__name__ != wanted:
        raise CheckpointError(f"{NAME} holds a {type(model).__name__}, and its tokenizer class makes a {wanted} of it")
    return Parts(settings, family, text, stored, model, _listed(folder, settings, stored))


def _text(folder: Path) -> str:
    try:
        return read_file(folder / NAME, LARGEST).decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{NAME} is not UTF-8 at byte {error.start + 1}") from error


def _word_pieces(folder: Path) -> Any:
    lines = _lines(folder, "vocab.txt")
    pieces = {piece: number for number, piece in enumerate(lines)}
    return guarded(lambda: needed("tokenizers").models.WordPiece(pieces))


def _pairs(folder: Path) -> Any:
    pieces = parse_json(read_file(folder / "vocab.json", LARGEST))
    lines = [line for line in map(str.strip, _lines(folder, "merges.txt")) if line and not line.startswith("#version")]
    merges = [tuple(line.split(" ")) for line in lines]
    return guarded(lambda: needed("tokenizers").models.BPE(pieces, merges))


def _listed(folder: Path, settings: Mapping[str, Any], stored: Any) -> dict[int, Any]:
    """Read the added tokens: those of tokenizer_config.json; without them, those of the older files."""
    if "added_tokens_decoder" in settings:
        listed = settings["added_tokens_decoder"]
        if not isinstance(listed, dict) or not all(key.isascii() and key.isdigit() for key in listed):
            raise CheckpointError(f"{SETTINGS}: added_tokens_decoder must be an object of numbered tokens")
        return {int(number): _token("added_tokens_decoder", token, dict) for number, token in listed.items()}
    tokens = {}
    named = (_token(key, settings.get(key)) for key in NAMED)
    special = {token.content for token in named if token is not None}
    for text, number in _read(folder, "added_tokens.json").items():
        if isinstance(number, bool) or not isinstance(number, int):
            raise CheckpointError(f"added_tokens.json: {text[:40]!r} has no number")
        tokens[number] = needed("tokenizers").AddedToken(text, normalized=text not in special, special=text in special)
    if stored is not None:
        tokens |= stored.get_added_tokens_decoder()
    return tokens


def _token(key: str, value: Any, *kinds: type) -> Any:
    """Read a token: its text, or an object that says how it is found in a text."""
    added = needed("tokenizers").AddedToken
    if value is None or (isinstance(value, str) and not kinds):
        return None if value is None else added(value, special=True)
    known = {"content": str, "single_word": bool, "lstrip": bool, "rstrip": bool, "normalized": bool, "special": bool}
    if isinstance(value, dict):
        entries = {name: entry for name, entry in value.items() if name != "__type"}
        if isinstance(entries.get("content"), str) and all(
            name in known and isinstance(entry, known[name]) for name, entry in entries.items()
        ):
            if key in NAMED:
                entries = {**entries, "special": True}
            return added(entries.pop("content"), **entries)
    raise CheckpointError(f"{SETTINGS}: {key} must be a text, or an object with its content")


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    try:
        return parse_json(read_file(path, LARGEST)) if path.exists() else {}
    except DataError as error:
        raise CheckpointError(f"{name}: {error.message}") from error


def _lines(folder: Path, name: str) -> Sequence[str]:
    data = read_file(folder / name, LARGEST)
    try:
        return [line.rstrip() for line in data.decode().removesuffix("\n").split("\n")]
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{name} is not UTF-8 at byte {error.start + 1}") from error
