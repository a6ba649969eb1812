"""Entry points of the processes: supervisor, keeper, worker."""
