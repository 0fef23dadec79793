"""Code for pyicap, icapserver, icap_server and zc.icp becomes code for ``zcadapt.compat``.

Files are read as text and as syntax; nothing in them is run or imported.
"""

from zcadapt.migrate.files import Unusable, found, read, write
from zcadapt.migrate.findings import Finding
from zcadapt.migrate.kinds import Migrated, migrated

__all__ = ["Finding", "Migrated", "Unusable", "found", "migrated", "read", "write"]
