"""Decisions as plain values and small machines: no I/O, no clock, no randomness."""
