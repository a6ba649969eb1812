"""Vectors arrive in the form that the caller asked for."""

import pytest

from hotswap.dialects.openai.embeddings import in_asked_form, peek

ASKED = peek(b'{"model":"m","input":"Hi","encoding_format":"base64"}')
NUMBERS = (
    b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.125,-2]}],'
    b'"model":"x"}'
)


def test_numbers_become_base64_of_little_endian_floats_where_that_was_asked():
    assert in_asked_form(NUMBERS, ASKED) == (
        b'{"object":"list","data":[{"object":"embedding","index":0,'
        b'"embedding":"AAAAPgAAAMA="}],"model":"x"}'
    )


@pytest.mark.parametrize("wanted", [b"", b',"encoding_format":"float"'])
def test_numbers_stay_numbers_where_nothing_else_was_asked(wanted: bytes):
    assert in_asked_form(NUMBERS, peek(b'{"model":"m","input":"Hi"%b}' % wanted)) == NUMBERS


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"embedding":"AAAAPg=="}]}',
        b'{"data":[{"index":0}]}',
        b'{"data":7}',
        b'{"data":[{"embedding":[1e300]}]}',
    ],
)
def test_what_is_in_base64_already_or_odd_passes_as_it_is(body: bytes):
    assert in_asked_form(body, ASKED) == body
