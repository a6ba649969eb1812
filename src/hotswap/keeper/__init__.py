"""The control plane: hub of the workers, writer of the store, admin listener."""
