"""What refusals teach of targets: what they do not take, and how large their windows are."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .abilities import UNKNOWN, Abilities, Prefill, Thinks
from .settings import LessonRule
from .terms import Cause, Failure, Needs, Target
from .tokens import Densities

_TELLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "logprobs": ("logprob",),
        "sampling": ("temperature", "top_p", "top_k", "topp", "topk"),
        "stop": ("stop",),
        "reasoning": ("reasoning", "thinking", "effort"),
        "images": ("image", "vision", "multimodal", "multi-modal"),
        "audio": ("audio",),
        "video": ("video",),
        "files": ("pdf", "document", "file"),
        "json_schema": ("json_schema", "response_format", "schema", "output_config", "structured"),
        "json_object": ("json_object", "response_format", "json mode", "mime type"),
        "forced_tool": ("tool_choice", "tool choice", "toolconfig", "forced"),
        "prefill": ("prefill", "model turn", "expected last role", "assistant messages at the end"),
        "tools": ("tool", "function", "--jinja"),
        "several": ("candidate", "choices", "param=n "),
    }
)
"""The words by which a refusal speaks of an ability; the first that was made use of counts.

Where two are refused together, the one that only colours the answer stands first.
"""

_REFUSES: Final = (
    "not support",
    "unsupported",
    "no endpoints found that",
    "not enabled",
    "not available",
    "unavailable",
    "is deprecated",
    "not permitted",
    "not allowed",
    "not a multimodal",
    "requires --jinja",
    "enable-auto-tool-choice",
    "incompatible",
    "not_supported",
    "extra_forbidden",
    "expected last role",
    "assistant messages at the end",
)
"""The target does without it altogether ..."""
_PARTICULAR: Final = (
    " format",
    "mime type",
    "media type",
    "media_type",
    "base64",
    "download",
    "fetch",
    "too large",
    "invalid schema",
    "in context=",
    "keyword",
    "invalid_image",
)
"""... unless these say that it found fault with this one."""

_WINDOWS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"maximum context length (?:is|of) (\d+)",
        r"with (\d+) maximum context length",
        r"> (\d+) maximum",
        r"context size \((\d+) tokens\)",
        r"n_ctx\D{1,4}(\d+)",
        r"maximum number of tokens allowed \((\d+)\)",
        r"context (?:window|length|limit) of (\d+)",
        r"exceed context limit: [\d +]{1,40} > (\d+)",
    )
)
"""How refusals name the window, in digits without marks between them."""
WINDOW_MIN: Final = 256
"""Below it, the number was something else."""
MESSAGE_MAX: Final = 4000
"""Characters of a message that are looked at."""


class Asked(Struct, frozen=True, gc=False):
    """What a request asked of a target beyond its needs."""

    needs: Needs
    sampling: bool = False
    stop: bool = False
    prefill: bool = False

    def has(self, ability: str) -> bool:
        """Say whether the request made use of an ability."""
        return bool(
            getattr(self if ability in {"sampling", "stop", "prefill"} else self.needs, ability)
        )


class _Lesson:
    """What was learned of one target."""

    __slots__ = ("_known", "_next_at", "_taught", "until", "window", "window_until")

    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        """When each refused ability is tried again."""
        self.window = 0
        self.window_until = 0.0
        self._known = self._taught = UNKNOWN
        self._next_at = 0.0

    def forget(self) -> None:
        """Make the next look a fresh one."""
        self._next_at = 0.0

    def taught(self, known: Abilities, now: float) -> Abilities:
        """Return `known` with what was learned instead, until it is time to try again."""
        if now >= self._next_at or known is not self._known:
            self._known = known
            self._taught = self._look(known, now)
        return self._taught

    def over_at(self, now: float) -> bool:
        """Say whether nothing of it holds any more."""
        return now >= self.window_until and all(now >= until for until in self.until.values())

    def _look(self, known: Abilities, now: float) -> Abilities:
        ends = [until for until in self.until.values() if now < until]
        for ability, until in self.until.items():
            if now < until:
                known = _without(known, ability)
        if now < self.window_until:
            ends.append(self.window_until)
            if not 0 < known.context <= self.window:
                known = replace(known, context=self.window)
        self._next_at = min(ends, default=float("inf"))
        return known


class Lessons:
    """What one worker has learned of all targets."""

    __slots__ = ("_lessons", "_rule", "densities")

    def __init__(self, rule: LessonRule) -> None:
        self._rule = rule
        self._lessons: dict[str, _Lesson] = {}
        self.densities = Densities()

    def __len__(self) -> int:
        """Return of how many targets something was learned."""
        return len(self._lessons)

    def adopt(self, rule: LessonRule) -> None:
        """Go by a new configuration; what was learned stays as long as it was meant to."""
        self._rule = rule

    def taught(self, target: Target, now: float) -> Target:
        """Return the target as it is known now; the same one, if nothing was learned."""
        lesson = self._lessons.get(target.id)
        if lesson is None:
            return target
        abilities = lesson.taught(target.abilities, now)
        return target if abilities is target.abilities else replace(target, abilities=abilities)

    def on_failure(self, target: Target, asked: Asked, failure: Failure, now: float) -> str:
        """Learn from a refusal.

        Args:
            target: Who refused.
            asked: What was asked of it.
            failure: How it refused; only its words tell what of all that was meant.
            now: Monotonic seconds.

        Returns:
            The ability that it is taken to lack from now on, `context` for a smaller window;
            empty: nothing was learned.
        """
        if failure.cause is Cause.CONTEXT:
            window = stated_window(failure.message)
            if not window:
                return ""
            lesson = self._lesson(target, now)
            lesson.window, lesson.window_until = window, now + self._rule.refusal_s
            return "context"
        if failure.cause is not Cause.CAPABILITY:
            return ""
        ability = refused_ability(asked, failure)
        if ability:
            self._lesson(target, now).until[ability] = now + self._rule.refusal_s
        return ability

    def lacks(self, target: Target, ability: str, now: float) -> None:
        """Learn from what a target did, which says that it does without `ability`."""
        self._lesson(target, now).until[ability] = now + self._rule.refusal_s

    def _lesson(self, target: Target, now: float) -> _Lesson:
        lesson = self._lessons.get(target.id)
        if lesson is None:
            self._lessons = {k: one for k, one in self._lessons.items() if not one.over_at(now)}
            lesson = self._lessons[target.id] = _Lesson()
        lesson.forget()
        return lesson


def refused_ability(asked: Asked, failure: Failure) -> str:
    """Return what a refusal says that the target does without; empty: it does not say so."""
    said = f"{failure.code} param={failure.param} {failure.message[:MESSAGE_MAX]}".lower()
    if not any(words in said for words in _REFUSES) or any(words in said for words in _PARTICULAR):
        return ""
    for ability, words in _TELLS.items():
        if asked.has(ability) and any(word in said for word in words):
            return ability
    return ""


def stated_window(message: str) -> int:
    """Return the tokens of the window that a refusal names; 0: it names none."""
    said = message[:MESSAGE_MAX].lower().replace(",", "")
    for pattern in _WINDOWS:
        found = pattern.search(said)
        if found and len(found[1]) < 10 and int(found[1]) >= WINDOW_MIN:
            return int(found[1])
    return 0


def _without(known: Abilities, ability: str) -> Abilities:
    match ability:
        case "prefill":
            return replace(known, prefill=Prefill.NO)
        case "reasoning":
            return replace(known, thinks=Thinks.NO)
        case "tools":
            return replace(known, tools=False, forced_tool=False)
        case _:
            return replace(known, **{ability: False})
