from hotswap.cli.feed import Event, read_events


def test_events_are_read_whatever_lies_between_them() -> None:
    lines = [
        b": hello\n",
        b":\n",
        b"id: 4\n",
        b"event: attempt\r\n",
        b'data: {"a":\n',
        b"data:1}\n",
        b"\n",
        b"\n",
        b"data: x\n",
        b"\n",
        b"data: cut off",
    ]

    assert list(read_events(lines)) == [
        Event("attempt", b'{"a":\n1}', "4"),
        Event("message", b"x", "4"),
    ]


def test_an_event_without_data_is_none() -> None:
    assert list(read_events([b"event: a\n", b"\n", b"data: x\n", b"\n"])) == [
        Event("message", b"x")
    ]
