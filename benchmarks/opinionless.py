"""Services and policies that have no opinion; loaded by ``zcadapt serve --load``.

The environment says how many: ``SERVICES`` and ``POLICIES``, three each.
"""

import os

import zope.component

from zcadapt import reqmod, respmod
from zcadapt.interfaces import IICAPService, IICPPolicy


@respmod
@reqmod
def no_opinion(request):
    """Say nothing about a message."""


def no_answer(url):
    """Say nothing about a URL."""


for number in range(int(os.environ.get("SERVICES", "3"))):
    zope.component.provideUtility(no_opinion, IICAPService, f"{number:04}")
for number in range(int(os.environ.get("POLICIES", "3"))):
    zope.component.provideUtility(no_answer, IICPPolicy, f"{number:04}")
