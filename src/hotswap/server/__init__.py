"""Our HTTP/1.1 server protocol for the data plane."""
