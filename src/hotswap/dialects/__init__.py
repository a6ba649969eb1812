"""Wire bytes to values and back, one module per provider API; no I/O."""
