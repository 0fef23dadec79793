"""Block, allow and categorise by URL: what the entry points name."""

from zcadapt_urllist.service import URLList
from zcadapt_urllist.version import VERSION as __version__  # noqa: N811 - as Python names it

__all__ = ["URLList", "__version__"]
