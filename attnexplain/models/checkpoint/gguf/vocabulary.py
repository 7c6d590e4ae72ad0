"""The tokenizer of a GGUF file, made of the vocabulary in it for the library `tokenizers`; its ids are llama.cpp's.

llama.cpp calls two kinds by the names of models: "llama" is SentencePiece with scores, "gpt2" is byte-level BPE with
merges and a pre-tokenizer. Reference: llama.cpp, `src/llama-vocab.cpp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.checkpoint.gguf.header import Header
from attnexplain.models.checkpoint.guard import OF_QWEN, guarded

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""What tokenizer.ggml.token_type says of each token."""
SPACE = "▁"
LOOKS_LIKE_CONTROL = frozenset(
    (
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<|eom_id|>",
        "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<EOT>", "_<EOT>", "<｜end▁of▁sentence｜>",
        "<end_of_utterance>", "</s>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>",
        "<|repo_name|>", "<|file_sep|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<fim_prefix>", "<fim_suffix>",
        "<fim_middle>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>",
    )
)  # fmt: skip
"""Texts whose tokens llama.cpp takes for control tokens, whatever the file says of them."""
_KEY = "tokenizer.ggml."

_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _SPACES
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
)


class PreTokenizer(NamedTuple):
    """How a text is split before pieces are merged."""

    patterns: tuple[str, ...]
    """One after the other."""
    ignores_merges: bool = False
    """Whether a word that is a token is that token, whatever merges make of it."""
    begins: bool = False
    """Whether a text begins with the token for that, unless the metadata say otherwise."""


PRE_TOKENIZERS: Mapping[str, PreTokenizer] = {
    **dict.fromkeys(
        ("llama3", "llama-v3", "llama-bpe", "falcon3"), PreTokenizer((_LLAMA_3,), ignores_merges=True, begins=True)
    ),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "megrez"), PreTokenizer((OF_QWEN,))),
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo", "jais"), PreTokenizer((_GPT_2,))),
    "smollm": PreTokenizer((r"\p{N}", _GPT_2)),
    "tekken": PreTokenizer((_TEKKEN,), ignores_merges=True, begins=True),
}
"""By what tokenizer.ggml.pre says."""


class Vocabulary:
    """The vocabulary of a file.

    Raises:
        CheckpointError: there is none, or its parts do not fit each other.
    """

    def __init__(self, header: Header) -> None:
        self._metadata = header.metadata
        raw = self._metadata.get(f"{_KEY}tokens")
        if not isinstance(raw, list) or not raw:
            raise CheckpointError(f"its metadata have no {_KEY}tokens")
        self.texts = [text.decode("utf-8", "replace") for text in raw]
        types = self._metadata.get(f"{_KEY}token_type")
        if types is None:
            types = np.full(len(self.texts), NORMAL)
        if not isinstance(types, np.ndarray) or len(types) != len(self.texts):
            raise CheckpointError(f"{_KEY}token_type has not one entry for each token")
        self.types: list[int] = [
            CONTROL if text in LOOKS_LIKE_CONTROL and kind != UNKNOWN else kind
            for text, kind in zip(self.texts, types.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.texts)

    def get(self, key: str, default: Any = None) -> Any:
        """Return what stands at a key of the tokenizer."""
        return self._metadata.get(f"{_KEY}{key}", default)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise CheckpointError(f"{_KEY}{key} must be true or false")
        return value

    def special(self, name: str) -> int | None:
        """Return the number of a special token; None without one."""
        number = self.get(f"{name}_token_id")
        if number is None:
            return None
        if not isinstance(number, int) or not 0 <= number < len(self.texts):
            raise CheckpointError(f"{_KEY}{name}_token_id = {str(number)[:20]!r} is no token")
        return number

    def by_text(self) -> dict[str, int]:
        """Return the number of each text; of one that stands there twice the last, as llama.cpp does."""
        return {text: number for number, text in enumerate(self.texts)}


def make_tokenizer(header: Header) -> Any:
    """Make the tokenizer of a file: a `tokenizers.Tokenizer`, or what has as much of it as is needed here.

    Raises:
        CheckpointError: it is of a kind that is not known here, or does not work.
        CommandError: the library is not installed.
    """
    needed("tokenizers")
    vocabulary = Vocabulary(header)
    kind = vocabulary.get("model")
    makers = {"llama": SentencePiece, "gpt2": _byte_level}
    if kind not in makers:
        raise CheckpointError(
            f"{_KEY}model = {str(kind)[:40]!r} is not one of those whose tokens are made here: {', '.join(makers)}"
        )
    return guarded(lambda: makers[kind](vocabulary), (CheckpointError,))


class SentencePiece:
    """SentencePiece's BPE: of all neighbours those are joined first whose joined piece has the highest score.

    For each text a `tokenizers.Tokenizer` is made of the pieces that stand in it, which gives the same tokens as one of
    the whole vocabulary: what is joined is always a part of the text. Of 262,144 pieces few are.

    Raises:
        CheckpointError: the vocabulary contradicts itself.
    """

    pre_tokenizer = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._pieces = vocabulary.by_text()
        scores = vocabulary.get("scores")
        if not isinstance(scores, np.ndarray) or len(scores) != len(vocabulary):
            raise CheckpointError(f"{_KEY}scores has not one entry for each token")
        self._scores = scores.astype(np.float64)
        self._longest = max(map(len, vocabulary.texts))
        self._has_prefix = vocabulary.flag("add_space_prefix", default=True)
        self._always = [
            number
            for number, kind in enumerate(vocabulary.types)
            if kind == BYTE or number in (vocabulary.special(name) for name in ("unknown", "bos", "eos"))
        ]
        self._truncation: dict[str, Any] | None = None
        self._made("")  # what does not work is told when it is opened

    def get_added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Return the tokens that are no plain pieces, by their numbers."""
        kinds = (USER_DEFINED, CONTROL, UNKNOWN)
        return {
            number: AddedToken(kind != USER_DEFINED)
            for number, kind in enumerate(self._vocabulary.types)
            if kind in kinds
        }

    def id_to_token(self, number: int) -> str | None:
        """Return the text of a piece."""
        return self._vocabulary.texts[number] if number < len(self._vocabulary) else None

    def encode(self, text: str, pair: str | None = None) -> Any:
        """Split a text."""
        tokenizer = self._made(text if pair is None else f"{text} {pair}")
        if self._truncation is not None:
            tokenizer.enable_truncation(**self._truncation)
        return tokenizer.encode(text, pair)

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """Count the tokens that are put around a text."""
        return int(self._made("").num_special_tokens_to_add(is_pair))

    def enable_truncation(self, max_length: int, strategy: str, direction: str) -> None:
        """Cut texts off from now on."""
        self._truncation = {"max_length": max_length, "strategy": strategy, "direction": direction}

    def no_truncation(self) -> None:
        """Cut nothing off any more."""
        self._truncation = None

    def _made(self, text: str) -> Any:
        """Make the tokenizer of the pieces that stand in a text."""
        from tokenizers import Tokenizer, models, normalizers

        vocabulary = self._vocabulary
        numbers = self._standing_in(text.replace(" ", SPACE)) | self._standing_in(text) | set(self._always)
        pieces = {vocabulary.texts[number]: number for number in sorted(numbers)}
        pieces |= {sign: number for sign in (SPACE,) if (number := self._pieces.get(sign)) is not None}
        unknown = vocabulary.special("unknown")
        model = models.BPE(
            pieces,
            self._merges(pieces),
            unk_token=None if unknown is None else vocabulary.texts[unknown],
            byte_fallback=BYTE in vocabulary.types,
            fuse_unk=False,
        )
        tokenizer = Tokenizer(model)
        steps = [normalizers.Prepend(SPACE)] if self._has_prefix else []
        tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])
        _add_tokens(tokenizer, vocabulary, numbers)
        _put_around(tokenizer, vocabulary, begins=True)
        tokenizer.encode_special_tokens = True  # a control token in a text is text
        return tokenizer

    def _standing_in(self, text: str) -> set[int]:
        """Find the pieces that a text has in it, or has behind the space that is put before it and each part."""
        found = set()
        for start in range(len(text)):
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                for piece in (text[start:end], SPACE + text[start:end]):
                    if (number := self._pieces.get(piece)) is not None:
                        found.add(number)
        return found

    def _merges(self, pieces: Mapping[str, int]) -> list[tuple[str, str]]:
        """List all pairs of pieces that together are a piece, the pair of the highest score first."""
        types, skipped = self._vocabulary.types, (CONTROL, BYTE, UNKNOWN)
        order = sorted(pieces.items(), key=lambda piece: (-self._scores[piece[1]], piece[1]))
        return [
            (text[:cut], text[cut:])
            for text, number in order
            if types[number] not in skipped
            for cut in range(1, len(text))
            if text[:cut] in pieces and text[cut:] in pieces
        ]


class AddedToken(NamedTuple):
    """A token that is no plain piece."""

    special: bool
    """Whether it stands for no word."""


def _byte_level(vocabulary: Vocabulary) -> Any:
    """GPT-2's BPE over bytes, with the merges of the file and the pre-tokenizer that it names."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    name = vocabulary.get("pre", "")
    if name not in PRE_TOKENIZERS:
        raise CheckpointError(
            f"{_KEY}pre = {str(name)[:40]!r} is not one of those that are known: {', '.join(PRE_TOKENIZERS)}",
            hint="its tokens would be other ones",
        )
    pre = PRE_TOKENIZERS[name]
    raw = vocabulary.get("merges")
    if not isinstance(raw, list):
        raise CheckpointError(f"its metadata have no {_KEY}merges")
    pieces = vocabulary.by_text()
    merges = [_pair(text.decode("utf-8", "replace"), pieces) for text in raw]
    tokenizer = Tokenizer(models.BPE(pieces, merges, ignore_merges=pre.ignores_merges))
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in pre.patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    _add_tokens(tokenizer, vocabulary, range(len(vocabulary)))
    _put_around(tokenizer, vocabulary, begins=pre.begins)
    tokenizer.encode_special_tokens = True  # a control token in a text is text
    return tokenizer


def _pair(text: str, pieces: Mapping[str, int]) -> tuple[str, str]:
    """Split a merge at its space; a piece may have none, for spaces are written otherwise."""
    left, space, right = text.partition(" ")
    if not space or left not in pieces or right not in pieces or left + right not in pieces:
        raise CheckpointError(f"{_KEY}merges: {text[:40]!r} is no pair of pieces that make a piece")
    return left, right


def _add_tokens(tokenizer: Any, vocabulary: Vocabulary, numbers: Iterable[int]) -> None:
    """Let tokens that users defined match inside of plain text; control tokens do not."""
    from tokenizers import AddedToken

    texts, types = vocabulary.texts, vocabulary.types
    for kind, is_special in ((USER_DEFINED, False), (CONTROL, True), (UNKNOWN, True)):
        tokens = [
            AddedToken(texts[number], special=is_special, normalized=False)
            for number in sorted(numbers)
            if types[number] == kind and texts[number]
        ]
        (tokenizer.add_special_tokens if is_special else tokenizer.add_tokens)(tokens)


def _put_around(tokenizer: Any, vocabulary: Vocabulary, *, begins: bool) -> None:
    """Put the tokens around a text that the metadata ask for."""
    from tokenizers import processors

    before = [vocabulary.special("bos")] * vocabulary.flag("add_bos_token", default=begins)
    after = [vocabulary.special("eos")] * vocabulary.flag("add_eos_token", default=False)
    ends = [number for number in (*before, *after) if number is not None]
    if not ends:
        return
    names = [vocabulary.texts[number] for number in ends]
    template: Sequence[str] = [*names[: len([n for n in before if n is not None])], "$A"]
    template = [*template, *names[len(template) - 1 :]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(vocabulary.texts[number], number) for number in dict.fromkeys(ends)]
    )
