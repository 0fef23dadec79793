"""Headers of requests and responses, changed under conditions."""

from zcadapt_headers.service import HeaderChanges, TimedHeaderChanges, make_service

__all__ = ["HeaderChanges", "TimedHeaderChanges", "make_service"]
