"""Scripted providers and virtual time, for our tests, the demo, and tests of your own chains."""
