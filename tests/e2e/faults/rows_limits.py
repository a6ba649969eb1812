"""Rows 10, 11 and 12, T1, T2 and T5: limits, refused keys and empty accounts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from hotswap.testing.routes import find_route
from hotswap.testing.step import Seen, Step

from .cells import Cell, Link
from .scenes import HEALTHY, NO_RETRY, RAISED, Play, Scene, both_fail, first_fails, raised, whole
from .site import Site

NOON: Final = "Sun, 22 Nov 2026 12:00:00 GMT"
FIRST_CONTENT_S: Final = 0.1
"""T1's bound on what the fallback adds; both providers answer at once."""


class Hint(Struct, frozen=True):
    """One way in which a provider names the time of a reset."""

    headers: Mapping[str, str]
    least_s: float
    most_s: float
    """With the tenth that is added so that clients do not return together."""


HINTS: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "seconds": Hint({"retry-after": "7"}, 7.0, 7.8),
        "a fraction of seconds": Hint({"retry-after": "6.5"}, 6.5, 7.2),
        "milliseconds": Hint({"retry-after-ms": "6500", "retry-after": "9"}, 6.5, 7.2),
        "a date": Hint({"date": NOON, "retry-after": "Sun, 22 Nov 2026 12:00:20 GMT"}, 20, 22.1),
        "a billion seconds": Hint({"retry-after": "1000000000"}, 86_399.9, 86_400.1),
    }
)
"""No hint counts for more than a day; and beyond 300 s a probe may end it early."""
VAGUE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "a date in the past": {"date": NOON, "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"},
        "a negative number": {"retry-after": "-5"},
    }
)
"""They name no time to come."""

RESETS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        dialect: Step(
            status=429,
            headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s"},
        )
        for dialect in ("openai", "responses", "mistral")
    }
    | {
        "anthropic": Step(
            status=429,
            headers={
                "date": NOON,
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:12Z",
            },
        ),
        "gemini": Step(
            status=429,
            body={
                "error": {
                    "code": 429,
                    "message": "Quota exceeded.",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12s"}
                    ],
                }
            },
        ),
    }
)
"""Each vendor's own way to say twelve seconds."""


async def _benched(site: Site, cell: Cell, least_s: float, most_s: float) -> str:
    """Two requests are answered; the limited target saw the first one only, and did not fail."""
    words = [whole(await site.ask(cell), cell) for _ in range(2)]
    await site.attempts(cell, requests=2)
    changes = site.transitions(cell, 0)
    (benched,) = changes

    assert len(site.seen(cell, 0)) == 1
    assert (benched.reason, benched.credential) == ("throttled", "key-0")
    assert benched.until is not None
    assert least_s <= benched.until - benched.at <= most_s
    return words[-1]


def benched_for(hint: Hint) -> Play:
    """Prove that the target is left alone for as long as was hinted."""

    async def play(site: Site, cell: Cell) -> str:
        return await _benched(site, cell, hint.least_s, hint.most_s)

    return play


async def benched_for_twelve(site: Site, cell: Cell) -> str:
    """The vendor's own header is read."""
    return await _benched(site, cell, 12.0, 13.3)


async def benched_shortly(site: Site, cell: Cell) -> str:
    """A hint that names no time to come gives a short pause of our own, and no failure."""
    word = whole(await site.ask(cell), cell)
    await site.attempts(cell)
    (benched,) = site.transitions(cell, 0)

    assert benched.reason in {"throttled", "exhausted"}
    assert benched.reason == "throttled" or cell.own == "anthropic"
    return word


def limits() -> list[Scene]:
    """Row 10."""
    hinted = [
        Scene(
            row="10",
            fault=f"429, {words}",
            links=first_fails(Step(status=429, headers=hint.headers)),
            play=benched_for(hint),
        )
        for words, hint in HINTS.items()
    ]
    vague = [
        Scene(
            row="10",
            fault=f"429, {words}",
            links=first_fails(Step(status=429, headers=headers)),
            play=benched_shortly,
        )
        for words, headers in {**VAGUE, "no time": dict[str, str]()}.items()
    ]
    own = Scene(
        row="10",
        fault="429, the vendor's own header",
        links=first_fails(lambda cell: RESETS[cell.own]),
        play=benched_for_twelve,
    )
    return [*hinted, own, *vague]


# All of them


def limited(*seconds: float) -> Callable[[Cell], list[Link]]:
    """Return a chain whose targets name these times, in two dialects."""

    def links(cell: Cell) -> list[Link]:
        return [
            Link(
                dialect=dialect,
                answers=Step(status=429, headers={"retry-after-ms": str(int(each * 1000))}),
            )
            for dialect, each in zip((cell.own, cell.other), seconds, strict=True)
        ]

    return links


async def hears_when(site: Site, cell: Cell) -> str:
    """Two requests raise; the second one without any attempt. Both name the sooner reset."""
    for _ in range(2):
        got = await site.ask(cell)
        raised(got, cell, 429)
        assert 20 <= int(got.headers["retry-after"]) <= 22
        assert got.headers["x-should-retry"] == "false"
    await site.attempts(cell, requests=2)
    assert (len(site.seen(cell, 0)), len(site.seen(cell, 1))) == (1, 1)
    return RAISED


async def waits_shortly(site: Site, cell: Cell) -> str:
    """The last target is back in a moment, and is waited for."""
    site.behave(cell, 1, _once(Step(status=429, headers={"retry-after-ms": "150"})))
    return whole(await site.ask(cell), cell)


def _once(step: Step) -> Callable[[Seen], Step]:
    left = [step]
    return lambda _seen: left.pop() if left else HEALTHY


async def tries_the_least_bad(site: Site, cell: Cell) -> str:
    """Once all are open, requests raise at once; when one is back, it is found and serves."""
    for _ in range(5):
        raised(await site.ask(cell), cell, 503)
    site.behave(cell, 0, HEALTHY)
    while (got := await site.ask(cell)).raised is not None:
        raised(got, cell, 503)
        assert got.headers["x-should-retry"] == "false"
    return f"{RAISED}, then {whole(got, cell)}"


def all_limited() -> list[Scene]:
    """Row 11 and T5."""
    return [
        Scene(row="11", fault="429 at all targets", links=limited(40, 20), play=hears_when),
        Scene(
            row="11",
            fault="429 at all targets, the last one for 0.15 s",
            links=limited(40, 0.15),
            play=waits_shortly,
        ),
        Scene(
            row="T5",
            fault="all targets open",
            links=both_fail(Step(status=500)),
            play=tries_the_least_bad,
            chain=NO_RETRY,
        ),
    ]


# Keys


def refused(seen: Seen) -> Step:
    """Refuse the key as the API does that was asked."""
    route = find_route(seen.path)
    assert route is not None
    return route.form.wrong_key()


def _forbidden(seen: Seen) -> Step:
    step = refused(seen)
    return Step(status=403, body=step.body) if step.status == 401 else step


BROKE: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "openai": Step(
            status=429,
            body={
                "error": {
                    "message": "You exceeded your current quota.",
                    "type": "insufficient_quota",
                    "param": None,
                    "code": "insufficient_quota",
                }
            },
        ),
        "anthropic": Step(
            status=429,
            body={
                "type": "error",
                "error": {
                    "type": "rate_limit_error",
                    "message": "Limit",
                    "details": {"error_code": "enforced_spend_limit_reached"},
                },
            },
        ),
        "gemini": Step(
            status=429,
            body={
                "error": {
                    "code": 429,
                    "message": "Quota",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                            "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}],
                        }
                    ],
                }
            },
        ),
    }
)
"""A 429 that means money, as each vendor writes it."""


def two_keys(cell: Cell) -> list[Link]:
    """Return a chain whose first target has two keys."""
    return [
        Link(dialect=cell.own, answers=HEALTHY, keys=2),
        Link(dialect=cell.other, answers=HEALTHY),
    ]


def key_fails(answers: Callable[[Cell], Step | Callable[[Seen], Step]], *, most: int) -> Play:
    """Prove that the next key serves from the first failure on.

    Args:
        answers: What the first key gets.
        most: Requests with it before it is left alone.
    """

    async def play(site: Site, cell: Cell) -> str:
        whole(await site.ask(cell), cell)
        site.behave(cell, 0, answers(cell))
        words = [whole(await site.ask(cell), cell) for _ in range(4)]
        attempts = await site.attempts(cell, requests=5)
        (disabled,) = site.transitions(cell, 0)

        assert len(site.seen(cell, 0)) == 1 + most
        assert len(site.seen(cell, 0, key=1)) == 4
        assert site.seen(cell, 1) == []
        assert (disabled.after, disabled.credential) == ("open", "key-0")
        assert {a.cause for a in attempts} == {"", disabled.reason}
        return words[-1]

    return play


def keys() -> list[Scene]:
    """Row 12."""
    failing: Mapping[str, tuple[Callable[[Cell], Step | Callable[[Seen], Step]], int]] = {
        "a key refused from one request to the next": (lambda _: refused, 2),
        "402": (lambda _: Step(status=402), 1),
        "429 that means money": (lambda cell: BROKE.get(cell.own, BROKE["openai"]), 1),
    }
    return [
        Scene(row="12", fault=fault, links=two_keys, play=key_fails(answers, most=most))
        for fault, (answers, most) in failing.items()
    ]


# By name


async def at_once(site: Site, cell: Cell) -> str:
    """The first byte of the fallback comes within 100 ms, and the next request goes there."""
    word = whole(await site.ask(cell), cell)
    first, second = await site.attempts(cell)
    assert second.first_content_s is not None
    assert second.switch_s is not None
    assert second.started_at + second.first_content_s - first.started_at < FIRST_CONTENT_S
    whole(await site.ask(cell), cell)
    await site.attempts(cell, requests=2)
    (benched,) = site.transitions(cell, 0)

    assert len(site.seen(cell, 0)) == 1
    assert benched.until is not None
    assert benched.until - benched.at >= 5.0
    return word


def refused_twice(answers: Callable[[Seen], Step]) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target refuses the only key."""
    return lambda cell: [
        Link(dialect=cell.own, answers=answers),
        Link(dialect=cell.other, answers=HEALTHY),
    ]


async def key_is_out(site: Site, cell: Cell) -> str:
    """Four requests are answered; two of them asked with the refused key."""
    words = [whole(await site.ask(cell), cell) for _ in range(4)]
    attempts = await site.attempts(cell, requests=4)
    (disabled,) = site.transitions(cell, 0)

    assert [a.cause for a in attempts if a.target == site.target(cell, 0)] == ["auth", "auth"]
    assert len(site.seen(cell, 0)) == 2
    assert disabled.reason == "auth"
    return words[-1]


def by_name() -> list[Scene]:
    """T1 and T2."""
    return [
        Scene(
            row="T1",
            fault="429 before a healthy target",
            links=first_fails(Step(status=429, headers={"retry-after": "5"})),
            play=at_once,
            alone=True,
        ),
        Scene(row="T2", fault="a key refused", links=refused_twice(refused), play=key_is_out),
        Scene(
            row="T2",
            fault="a key refused with 403",
            links=refused_twice(_forbidden),
            play=key_is_out,
        ),
    ]


SCENES: Final = [*limits(), *all_limited(), *keys(), *by_name()]
