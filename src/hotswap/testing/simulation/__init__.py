"""Whole gateways in virtual time: drawn by a seed, disturbed, and held to what is promised."""
