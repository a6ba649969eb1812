"""`make bench`: what the gateway costs, beside the bare upstream and nginx in the same run."""
