"""Which words a word sees, in words."""

from __future__ import annotations

from attnexplain.explanation import Explanation


def reach(trace: Explanation) -> int:
    """Return how many positions away a word may be to be seen, whatever the length of the sentence."""
    return (trace.variant.window or len(trace.tokens)) - 1


def has_window(trace: Explanation) -> bool:
    """Whether a window hides something of this sentence."""
    return trace.variant.window is not None and trace.variant.window < len(trace.tokens)


def what_is_hidden(trace: Explanation) -> str:
    """Say what is masked, as what a word does: "comes later"; "" where nothing is."""
    near = f"is more than {_positions(trace)} away (this layer has a window)" if has_window(trace) else ""
    return " or ".join(filter(None, ("comes later" if trace.causal else "", near)))


def why_hidden(trace: Explanation, query: int, key: int) -> str:
    """Say why a word is masked for another."""
    if key > query and trace.causal:
        return "comes later"
    far = abs(query - key)
    return f"is {far} position{'' if far == 1 else 's'} away, and this layer sees no farther than {reach(trace)}"


def sees_only(trace: Explanation) -> str:
    """Say what any word sees, where that is not all of them."""
    if not has_window(trace):
        return "itself and those before it"
    return f"itself and those at most {_positions(trace)} {'before it' if trace.causal else 'away'}"


def seen_beside_itself(trace: Explanation, query: int) -> str:
    """Say which words a word looks at beside itself: all of them, those before it, or those that are near."""
    noun, sees = trace.found.noun, None if trace.mask is None else trace.mask[query]
    if sees is None or sees.all():
        return ""
    if not trace.causal:
        return f"the {noun}s at most {_positions(trace)} away"
    count = int(sees.sum()) - 1
    if not has_window(trace) or query < (trace.variant.window or 0):
        return f"the {noun}s before it"
    return f"the {count} {noun}s before it" if count > 1 else f"the {noun} before it"


def _positions(trace: Explanation) -> str:
    return f"{reach(trace)} position{'s' * (reach(trace) != 1)}"
