import pytest
from rich.text import Text

from hotswap.cli.showing import ago, ahead, plain, span, table


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1.0, "0.0 ms"),
        (0.00042, "0.4 ms"),
        (0.0094, "9.4 ms"),
        (0.0096, "0.01 s"),
        (1.234, "1.23 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (120.0, "2 min"),
        (7_199.0, "120 min"),
        (7_200.0, "2 h"),
        (172_800.0, "2 d"),
    ],
)
def test_a_measured_time_is_told_in_the_unit_that_says_enough(seconds: float, told: str) -> None:
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "past", "future"),
    [
        (-3.0, "now", "now"),
        (0.99, "now", "now"),
        (1.0, "1 s ago", "in 1 s"),
        (11.7, "12 s ago", "in 12 s"),
        (600.0, "10 min ago", "in 10 min"),
    ],
)
def test_a_distance_in_time_is_told_in_whole_units(seconds: float, past: str, future: str) -> None:
    assert (ago(seconds), ahead(seconds)) == (past, future)


def test_a_pipe_gets_whole_lines_without_colours_and_lines_drawn() -> None:
    made = table(("name", "count#"), [("a" * 60, "1"), (Text("b", style="red"), "20")])

    assert plain([made, Text("done", style="bold")], 1000).splitlines() == [
        "name" + " " * 57 + "count",
        "a" * 60 + "     1",
        "b" + " " * 63 + "20",
        "done",
    ]


def test_what_has_to_fit_is_folded_and_numbers_stay_whole() -> None:
    made = table(("target", "tries#"), [("provider/model-of-a-long-name", "12345")])

    lines = plain([made], 20).splitlines()

    assert max(map(len, lines)) <= 20
    assert lines[1].endswith(" 12345")
    assert "".join(line.removesuffix("12345").strip() for line in lines[1:]) == (
        "provider/model-of-a-long-name"
    )
