"""Which words a word sees, in words."""

from __future__ import annotations

from attnexplain.explanation import Explanation


def why_hidden(trace: Explanation, query: int, key: int) -> str:
    """Say why a word is masked for another."""
    if key > query and trace.causal:
        return "comes later"
    return f"is {abs(query - key)} places away, and this layer sees no farther than {reach(trace)}"


def reach(trace: Explanation) -> int:
    """Return how many places away a word may be to be seen."""
    return (trace.variant.window or len(trace.tokens)) - 1


def has_window(trace: Explanation) -> bool:
    """Whether a window hides something of this sentence."""
    return trace.variant.window is not None and trace.variant.window < len(trace.tokens)


def sees_only(trace: Explanation) -> str:
    """Say what any word sees, where that is not all of them: itself and those before it."""
    if not has_window(trace):
        return "itself and those before it"
    places = f"{reach(trace)} place{'s' * (reach(trace) != 1)}"
    return f"itself and those at most {places} before it" if trace.causal else f"itself and those at most {places} away"


def seen_beside_itself(trace: Explanation, query: int) -> str:
    """Say which words a word looks at beside itself: all of them, those before it, or those that are near."""
    noun, sees = trace.found.noun, None if trace.mask is None else trace.mask[query]
    if sees is None or sees.all():
        return ""
    if not trace.causal:
        return f"the {noun}s at most {reach(trace)} places away"
    count = int(sees.sum()) - 1
    if not has_window(trace) or query < (trace.variant.window or 0):
        return f"the {noun}s before it"
    return f"the {count} {noun}s before it" if count > 1 else f"the {noun} before it"
