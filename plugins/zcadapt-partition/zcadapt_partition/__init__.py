"""ICP policies for a group of origin servers: which of them should get this URL."""

from zcadapt_partition.affinity import Affinity
from zcadapt_partition.keys import Key
from zcadapt_partition.load import Load
from zcadapt_partition.middleware import ASGIAffinity, WSGIAffinity
from zcadapt_partition.partition import Partition
from zcadapt_partition.table import Table

__all__ = ["ASGIAffinity", "Affinity", "Key", "Load", "Partition", "Table", "WSGIAffinity"]
