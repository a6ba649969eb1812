"""hotswap: the answer arrives, whichever provider fails."""
