"""Around the servers: what is put together, listened on, reported, and ended."""
