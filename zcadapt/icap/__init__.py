"""ICAP (RFC 3507): the protocol without I/O, then the asyncio server around it."""
