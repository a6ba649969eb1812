"""What happened: records, the link that carries them, and who may listen."""
