"""The request that translation is measured with."""

import msgspec
from bench.caller import post
from bench.translation import asked


def test_the_request_is_one_of_13_kb_with_tools():
    body = msgspec.json.encode(asked("translated"))

    assert 12_900 <= len(body) <= 13_100
    assert body.count(b'"type":"function"') == 8


def test_a_request_is_written_with_its_length():
    request = post("http://127.0.0.1:8080/v1/chat/completions", {"model": "m"})

    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b'{"model":"m"}'
    assert b"POST /v1/chat/completions HTTP/1.1\r\n" in head
    assert head.endswith(b"content-length: 13")
