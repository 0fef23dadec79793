"""The services and policies under test; the query of a URL tells which of them acts, and when.

``?reqmod=stream`` makes `stream` act in REQMOD, ``?icp=HIT`` makes the policy answer HIT.
This is loaded by ``zcadapt serve --load``, as an administrator's own module would be.
"""

import asyncio
import functools
import re

import click
from zope.component import provideUtility

from zcadapt import allow, block, blocking, modify, reqmod, respmod
from zcadapt.interfaces import IICAPService, IICPPolicy


def on_demand(act):
    """Make a service of `act`, which is called when a URL asks for it by name."""

    @respmod
    @reqmod(preview=1024)
    @functools.wraps(act)
    def adapt(request):
        if f"{request.method.lower()}={act.__name__}&" in f"{request.http.url}&":
            return act(request)
        return None

    provideUtility(adapt, IICAPService, act.__name__)
    return adapt


@on_demand
def refuse(request):
    """Need not see a body."""
    return block(request, reason="we do not want this")


@on_demand
def refuse_some(request):
    """Want what this one wants: the same URL can be refused, and not."""
    refused = "x-refuse" in request.http.request.headers
    return block(request, reason="we do not want this") if refused else None


@on_demand
def headers(_):
    return modify(set_headers={"X-Adapted": "yes"}, remove_headers=["X-Unwanted"])


@on_demand
def body(_):
    return modify(set_headers={"X-Adapted": "yes"}, body=b"another body")


@on_demand
def stream(request):
    async def swapped():
        async for chunk in request.body:
            yield chunk.swapcase()

    return modify(set_headers={"X-Adapted": "yes"}, body=swapped())


@on_demand
async def scan(request):
    """Want the whole body, and find nothing."""
    (await request.body.file()).close()
    return allow(reason="clean")


@on_demand
@blocking
def scan_in_thread(request):
    request.body.read()


@on_demand
async def find(request):
    """Want the whole body, and find something."""
    size = len(await request.body.read())
    return block(request, reason=f"found in {size} bytes")


@on_demand
async def wait(request):
    """Think for longer than anyone waits."""
    click.echo(f"waiting for: {request.http.url}")
    try:
        await asyncio.sleep(20)
    finally:
        click.echo(f"no longer waiting for: {request.http.url}")


def policy(url):
    asked = re.search(r"icp=(\w+)", url)
    return f"ICP_OP_{asked[1]}" if asked else None


provideUtility(policy, IICPPolicy, "policy")
