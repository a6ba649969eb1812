"""Proves that limits are used and not run into, on the virtual clock."""
