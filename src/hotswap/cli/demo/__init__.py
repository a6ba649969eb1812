"""`hotswap demo`: five chains on simulated providers, traffic, chaos and a live view."""
