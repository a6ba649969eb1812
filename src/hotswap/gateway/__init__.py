"""The data plane: a request's line from the caller's socket to the provider's and back."""
