"""Services that do something with a body; loaded by ``memory.py``."""

import zope.component

from zcadapt import allow, modify, reqmod, respmod
from zcadapt.interfaces import IICAPService


@respmod
@reqmod
async def modified(request):
    """Change every byte, piece by piece."""

    async def pieces():
        async for piece in request.body:
            yield piece.swapcase()

    return modify(body=pieces())


@respmod
@reqmod
async def spooled(request):
    """Have the whole body in a file before deciding."""
    with await request.body.file() as file:
        file.seek(0, 2)
    return allow()


for service in (modified, spooled):
    zope.component.provideUtility(service, IICAPService, service.__name__)
