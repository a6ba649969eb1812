"""hotswap: the answer arrives, whichever provider fails."""

__version__ = "0.1.0"
