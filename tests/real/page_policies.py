"""What the page about Squid's peers speaks of, for ``zcadapt serve --load``.

A URL says which part of the site it is of; a server is named as its folder is.
"""

import re
from pathlib import Path

from zope.component import provideUtility

from zcadapt.interfaces import IICPPolicy


def part(url):
    found = re.search(r"part=(\w+)", url)
    if found is None:
        return None
    return "ICP_OP_HIT" if found[1] == Path.cwd().name else "ICP_OP_MISS_NOFETCH"


provideUtility(part, IICPPolicy, "50-part")
