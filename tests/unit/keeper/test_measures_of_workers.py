from typing import Final

from msgspec.structs import replace

from hotswap.core.latency import Figures, Quantiles
from hotswap.core.meter import Use
from hotswap.keeper.measures import Measures
from hotswap.ledger.link import Measured

QUIET: Final = Figures(
    streamed=None,
    whole=None,
    gap_p95_s=None,
    total_p95_s=None,
    peak_s=None,
    in_flight=0,
    attempts=0,
    failed_share=None,
    first_content_limit_s=10.0,
    whole_limit_s=300.0,
    silence_limit_s=30.0,
)


def test_nothing_is_known_of_a_target_that_nobody_asks() -> None:
    assert Measures().of("a/x") is None


def test_load_is_summed_up_and_the_worst_times_count() -> None:
    measures = Measures()
    measures.take(
        "one",
        Measured(
            {
                "a/x": replace(
                    QUIET,
                    streamed=Quantiles(0.5, 2.0, 3.0),
                    gap_p95_s=0.2,
                    in_flight=2,
                    attempts=30,
                    failed_share=0.1,
                    silence_limit_s=12.0,
                )
            }
        ),
    )
    measures.take(
        "two",
        Measured(
            {
                "a/x": replace(
                    QUIET,
                    streamed=Quantiles(0.7, 1.0, 4.0),
                    peak_s=1.5,
                    in_flight=1,
                    attempts=10,
                    failed_share=0.5,
                )
            }
        ),
    )

    assert measures.of("a/x") == replace(
        QUIET,
        streamed=Quantiles(0.7, 2.0, 4.0),
        gap_p95_s=0.2,
        peak_s=1.5,
        in_flight=3,
        attempts=40,
        failed_share=0.2,
    )


def test_a_worker_without_results_says_nothing_about_failures() -> None:
    measures = Measures()
    measures.take("one", Measured({"a/x": replace(QUIET, attempts=10, failed_share=0.3)}))
    measures.take("two", Measured({"a/x": replace(QUIET, attempts=90)}))

    found = measures.of("a/x")

    assert found is not None
    assert found.failed_share == 0.3


def test_the_last_word_of_a_worker_counts_until_it_leaves() -> None:
    measures = Measures()
    measures.take(
        "one", Measured({"a/x": replace(QUIET, in_flight=4), "b/y": replace(QUIET, in_flight=1)})
    )
    measures.take("one", Measured({"a/x": replace(QUIET, in_flight=2)}))

    assert measures.of("a/x") == replace(QUIET, in_flight=2)
    assert measures.of("b/y") == replace(QUIET, in_flight=1)

    measures.drop("one")
    assert measures.of("a/x") is None


def test_the_use_of_limits_is_that_of_all_workers() -> None:
    measures = Measures()
    one = (Use("k", "requests", 20.0, 300.0, 0.4), Use("k", "tokens", 900.0, None, None))
    two = (Use("k", "requests", 10.0, 300.0, 0.5), Use("spare", "requests", 1.0, 300.0, None))
    measures.take("one", Measured(uses={"a/x": one}))
    measures.take("two", Measured(uses={"a/x": two}))

    assert measures.uses_of("a/x") == (
        Use("k", "requests", 30.0, 600.0, 0.5),
        Use("k", "tokens", 900.0, None, None),
        Use("spare", "requests", 1.0, 300.0, None),
    )
    assert measures.uses_of("b/y") == ()
