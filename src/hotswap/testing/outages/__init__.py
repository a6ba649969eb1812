"""Replays outages as they were published, uncompressed, against the deciding core: no sockets."""
