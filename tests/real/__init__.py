"""zcadapt with the programs it is made for: a real Squid, and the real c-icap-client.

Set ZCADAPT_REAL_SERVER=c-icap to put c-icap's echo service in zcadapt's place,
to see whether a surprise is ours. Tests that need our own services are skipped then.
"""
