"""The settings file, ``zcadapt.toml``, as typed settings."""

from zcadapt.address import Address, parse_address
from zcadapt.config.file import Loaded, load
from zcadapt.config.place import Place
from zcadapt.config.problem import Problem, SettingsError, did_you_mean
from zcadapt.config.reader import read_options
from zcadapt.config.settings import (
    LogSettings,
    PluginTable,
    ServerSettings,
    Settings,
    UtilityTable,
)
from zcadapt.config.whole import RESERVED, repeated

__all__ = [
    "RESERVED",
    "Address",
    "Loaded",
    "LogSettings",
    "Place",
    "PluginTable",
    "Problem",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "UtilityTable",
    "did_you_mean",
    "load",
    "parse_address",
    "read_options",
    "repeated",
]
