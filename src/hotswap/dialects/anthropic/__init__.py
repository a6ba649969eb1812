"""Anthropic's Messages, and the servers that speak them."""
