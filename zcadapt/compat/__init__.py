"""The interfaces of older packages over this core, a module for each.

Code that was written for pyicap, icapserver, icap_server or zc.icp runs with
another import line; what comes and goes on the wire is this server's.
"""
