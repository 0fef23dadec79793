"""The plugin of the tutorial: what its entry points name."""

from zcadapt_example.policies import baz_nofetch_policy, foo_hit_policy
from zcadapt_example.services import AddHeader, BlockHosts

__all__ = ["AddHeader", "BlockHosts", "baz_nofetch_policy", "foo_hit_policy"]
