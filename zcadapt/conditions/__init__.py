"""When a rule applies: the words of settings, compiled to be asked for each request."""

from zcadapt.conditions.table import Conditions

__all__ = ["Conditions"]
