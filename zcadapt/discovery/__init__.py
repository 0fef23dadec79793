"""What is installed, found and made: entry points become named utilities and plugins.

Knows the settings and the registry, nothing of servers.
"""

from zcadapt.discovery.installed import Origin
from zcadapt.discovery.plugins import add_plugins
from zcadapt.discovery.utilities import (
    POLICIES,
    SERVICES,
    Registered,
    origins,
    register,
    reject_broken,
    unclaimed,
)

__all__ = [
    "POLICIES",
    "SERVICES",
    "Origin",
    "Registered",
    "add_plugins",
    "origins",
    "register",
    "reject_broken",
    "unclaimed",
]
