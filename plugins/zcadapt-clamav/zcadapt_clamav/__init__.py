"""Scans bodies with clamd: what its entry point names."""

from zcadapt_clamav.service import ClamAV
from zcadapt_clamav.settings import ClamAVSettings
from zcadapt_clamav.troubles import NotScannedError, Trouble

__all__ = ["ClamAV", "ClamAVSettings", "NotScannedError", "Trouble"]
