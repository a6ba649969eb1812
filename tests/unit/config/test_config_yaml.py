"""Plain YAML 1.2 values, anchors and merges, and bounds on what they may grow to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.config.nodes import Place, SyntaxMistake, read


def same(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("+12", 12),
        ("012", 12),
        ("0o14", 12),
        ("0xC", 12),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5E-1", 0.15),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("inf", "inf"),
        ("2026-11-22", "2026-11-22"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_a_scalar_means_what_the_core_schema_says(text: str, value: object):
    document = read(f"key: {text}", same)

    assert repr(document.value) == repr({"key": value})
    assert document.flaws == ()


def test_keys_stay_texts_whatever_they_look_like():
    document = read("{on: 1, 0.8: 2, true: 3, null: 4, ~: 5}", same)

    assert document.value == {"on": 1, "0.8": 2, "true": 3, "null": 4, "~": 5}


def test_values_and_keys_know_their_place():
    document = read("a:\n  - b: 1\n    cc: [x, 'y']\n", same)

    assert document.values[("a",)] == Place(2, 3)
    assert document.values[("a", 0)] == Place(2, 5)
    assert document.keys[("a", 0, "cc")] == Place(3, 5)
    assert document.values[("a", 0, "cc", 1)] == Place(3, 13)


def test_aliases_and_merges_work_and_own_keys_win():
    document = read(
        """\
one: &one {a: 1, b: 1}
two: &two {b: 2, c: 2}
both: {<<: [*one, *two], a: 0}
nested: {<<: {<<: *one, b: 9}}
list: [*one]
""",
        same,
    )

    assert document.value == {
        "one": {"a": 1, "b": 1},
        "two": {"b": 2, "c": 2},
        "both": {"a": 0, "b": 1, "c": 2},
        "nested": {"a": 1, "b": 9},
        "list": [{"a": 1, "b": 1}],
    }


def test_a_key_that_is_there_twice_is_a_flaw_at_the_second():
    document = read("a: 1\nb: 2\na: 3\n", same)

    (flaw,) = document.flaws
    assert flaw.place == Place(3, 1)
    assert flaw.problem == "this key is there twice, first in line 1"
    assert document.value == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: !!python/object:os.system x", "YAML tags have no meaning here"),
        ("a: !secret x", "YAML tags have no meaning here"),
        ("a: !!set {x}", "YAML tags have no meaning here"),
        ("a: !!int x", "not a value of the type that is named here"),
        ("{[1]: 2}", "a key must be a text"),
        ("{<<: 5}", "only a mapping can be merged with <<"),
        ('a: "\\0"', "holds a NUL character"),
        ('a: "\\uD800"', "holds something that is no character"),
        ('"\\0": 1', "holds a NUL character"),
        (f"a: {'9' * 5000}", "not a value of the type that is named here"),
    ],
)
def test_what_cannot_be_a_value_is_a_flaw(text: str, problem: str):
    document = read(text, same)

    assert [flaw.problem for flaw in document.flaws] == [problem]


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (bomb(9), "aliases that contain themselves or grow too large"),
        (merge_bomb(9), "aliases that contain themselves or grow too large"),
        ("a: &a [*a]", "aliases that contain themselves or grow too large"),
        ("a: &a {<<: *a}", "aliases that contain themselves or grow too large"),
        ("[" * 2000, "nested deeper than 32 levels"),
        ("{a: " * 2000, "nested deeper than 32 levels"),
    ],
)
def test_what_grows_without_bounds_is_refused(text: str, problem: str):
    with pytest.raises(SyntaxMistake) as refused:
        read(text, same)

    assert refused.value.problem == problem


@given(
    st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"%@`# \n\t?<~0.5${}\\"), max_size=60)
    | st.text(max_size=40)
)
def test_any_text_is_read_or_refused(text: str):
    try:
        place = read(text, same).values.get((), Place(1, 1))
    except SyntaxMistake as refused:
        place = refused.place

    assert place.line >= 1
    assert place.column >= 1
