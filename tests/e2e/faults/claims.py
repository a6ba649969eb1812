"""The rows of the fault table: what must hold, and where else that is proven or measured."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Claim(Struct, frozen=True):
    """One row."""

    title: str
    passes: tuple[str, ...]
    """What is proven in its cells, one sentence each."""
    elsewhere: tuple[str, ...] = ()
    """What is proven or measured in other places, and what is not there yet."""


RECOVERY: Final = "tests/contract/test_line_recovery.py"
CALLERS: Final = "tests/contract/test_line_callers.py"
CROWDS: Final = "tests/chaos/test_hostile_crowds.py"
STREAMS: Final = "tests/contract/test_faults_in_streams.py"
WORKERS: Final = "tests/chaos/lifecycle/test_lifecycle_workers.py"
ROWS: Final = "tests/simulation/rows/test_rows.py"

CLAIMS: Final[Mapping[str, Claim]] = MappingProxyType(
    {
        "1": Claim(
            "a target answers with errors",
            (
                "Seven requests in a row are answered; the first five of them open the target.",
                "Where every target fails, the SDK raises after one call.",
            ),
            ("Switches within 5 ms at p99: measured by `make bench`; here half stay below 50 ms.",),
        ),
        "2": Claim(
            "a target fails now and then",
            ("Forty requests are answered; 60 % errors open the target.",),
            (f"How soon and for how long it opens, over many seeds: `{ROWS}`.",),
        ),
        "3": Claim(
            "no connection, or one that breaks",
            ("As row 1.",),
        ),
        "4": Claim(
            "a target is silent",
            (
                "The limit to the first content (here 0.8 s) moves the request on.",
                "Where several callers wait in silence, the target opens before their limit.",
            ),
            (
                f"What a dead target costs in an hour at 10/s, in virtual time: `{ROWS}`.",
                "The rule of silence, case by case: `tests/unit/core/test_target_health.py`.",
            ),
        ),
        "5": Claim(
            "a stream begins and brings no content",
            ("The limit to the first content moves on; nothing of that stream is in the answer.",),
        ),
        "6": Claim(
            "a stream breaks",
            (
                "The next target goes on with the answer, and no character is lost or doubled.",
                "The records tell where it went on, and what both of them used.",
                "Where nothing may go on, or nobody can, the SDK raises in the stream.",
                "An answer that is not streamed is made anew.",
            ),
            ("Every byte of every dialect's streams: the simulation, `make test`.",),
        ),
        "7": Claim(
            "a stream is cut inside something",
            (
                "The text is whole and not corrupted.",
                "Once the finish reason was seen, the answer is complete without the rest.",
            ),
        ),
        "8": Claim(
            "a call, JSON or reasoning is cut",
            (
                "Calls and JSON are held until they are whole, so the next target makes them anew.",
                "Words before a call stay, and reasoning is not carried over.",
                "Where calls or JSON pass live, or nobody is left, the SDK raises.",
            ),
        ),
        "9": Claim(
            "the next target goes on in its own way",
            (
                "The first target breaks off in the middle of a word.",
                "Whatever the next one repeats or announces, the text is whole and exact.",
                "One that refuses a prefill is asked by instruction instead.",
            ),
            ("More texts, cuts and manners: `tests/unit/core/test_seam.py`.",),
        ),
        "10": Claim(
            "limits, and how their ends are told",
            (
                "The next request goes elsewhere until the reset that was told.",
                "A limit is no failure, and opens no breaker.",
                "A hint that names no time to come gives a short pause of our own.",
            ),
            (f"Nobody asks before the reset, and no burst after it: `{RECOVERY}`.",),
        ),
        "11": Claim(
            "all targets are limited",
            (
                "The SDK raises after one call, and hears the soonest reset.",
                "The targets are not asked again before it.",
                "A reset within a moment is waited for.",
            ),
        ),
        "12": Claim(
            "a key is refused, or its account is empty",
            (
                "The next key of the same target serves every request.",
                "A refused key is left alone after two requests, an empty account after one.",
            ),
        ),
        "13": Claim(
            "a target turns slow",
            (
                "Twelve requests are answered, and the slow target is left alone.",
                "With `tokens_per_s`, a stream that falls below it is gone on with elsewhere.",
            ),
            (f"Suspect within twenty samples, and no flapping, in virtual time: `{ROWS}`.",),
        ),
        "14": Claim(
            "a target recovers under load",
            ("One probe finds out, the target serves again and does not open a second time.",),
            (
                f"A thousand waiting callers, and the shape of the ramp: `{RECOVERY}`.",
                f"A cold target under all of its load: `{ROWS}`.",
            ),
        ),
        "15": Claim(
            "a target comes and goes",
            ("A hundred and twenty requests are answered.",),
            (f"Below 15 % of the traffic goes to it, an hour in virtual time: `{ROWS}`.",),
        ),
        "16": Claim(
            "all targets are down, then one is back",
            ("Callers are served within 2 s, where openings begin at 0.4 s instead of 5 s.",),
        ),
        "17": Claim(
            "a region or a shared host is down",
            (
                "The region opens as a whole after two targets, and closes as a whole.",
                "The same model in the vendor's other region serves meanwhile.",
            ),
            (f"A host of five models, and regions that fall silent: `{ROWS}`.",),
        ),
        "18": Claim(
            "answers of bad quality",
            ("An empty answer moves on; where every target is empty, the SDK raises.",),
            ("Next: loops, bad JSON, a score per target; the trigger `quality` does nothing yet.",),
        ),
        "22": Claim(
            "callers that send too much",
            ("The SDK raises, and no provider sees the request.",),
            (
                f"Flat memory under 50 MB, floods and idle connections: `{CROWDS}`.",
                f"A slow reader holds its provider back: `{CALLERS}`.",
                "Callers that leave: T12.",
            ),
        ),
        "25": Claim(
            "clocks jump, and processes are suspended",
            (
                "The worker is stopped in the midst of streams, for longer than every limit.",
                "The streams go on as if nothing had been, and no target opens.",
            ),
            (
                f"Ten minutes away, in health and in an outage: `{ROWS}`.",
                f"The wall clock jumps by an hour, forward and back: `{ROWS}`.",
                f"Under load, with whole answers too: `{WORKERS}`.",
                "Jumps of the wall clock are not played over sockets: all share the machine's.",
            ),
        ),
        "28": Claim(
            "the official SDKs",
            ("Every cell of this page is one of them: the same text, or an exception.",),
        ),
        "T1": Claim(
            "429 with a healthy target behind",
            (
                "The first content comes within 100 ms.",
                "The limited target is left alone for at least its `retry-after`.",
            ),
        ),
        "T2": Claim(
            "403 equals 401",
            ("Both disable the key after two requests.",),
        ),
        "T3": Claim(
            "a stream ends wrongly, before and after content",
            ("Rows 5, 6 and 7, streamed or not.",),
            (f"Every dialect at every cut of its bytes: `{STREAMS}`.",),
        ),
        "T4": Claim("a call is half sent", ("Row 8.",)),
        "T5": Claim(
            "all targets are left out",
            (
                "Callers raise at once, with a `retry-after`.",
                "Some requests try the least bad one, which is how its recovery is found.",
            ),
        ),
        "T6": Claim(
            "callers wait for a target",
            ("One probe is made, and no caller is sent there before it succeeded.",),
            (f"With 1,000 callers at one target: `{RECOVERY}`.",),
        ),
        "T7": Claim(
            "two replicas",
            (),
            ("Next: state between machines; `share` knows `memory` only.",),
        ),
        "T8": Claim(
            "Redis and the store are lost",
            (),
            (
                (
                    "The keeper, which alone has the store, is killed under load: "
                    "`tests/chaos/lifecycle/test_lifecycle_keeper.py`."
                ),
                "Next: Redis, which nothing uses yet.",
            ),
        ),
        "T9": Claim(
            "a bad configuration file",
            ("The old one serves on.",),
        ),
        "T10": Claim(
            "a deadline",
            ("Four targets that hang do not make a request last longer than its deadline.",),
        ),
        "T11": Claim(
            "targets that cannot do what is asked",
            ("They are skipped, and named with what they lack.",),
        ),
        "T12": Claim(
            "callers that leave",
            ("The provider's connection is closed within 100 ms.",),
            (f"With a reset, and in the second attempt: `{CALLERS}`.",),
        ),
    }
)
