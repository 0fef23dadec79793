"""What the how-to pages for Squid speak of, for ``zcadapt serve --load``.

What the path or the query of a URL has in it says who acts.
"""

import asyncio
import json

from zope.component import provideUtility

from zcadapt import allow, block, modify, reqmod, respmod, respond
from zcadapt.interfaces import IICAPService


def service(name, act):
    provideUtility(act, IICAPService, name)


@reqmod
def who(request):
    """Tell what is known of a request."""
    if "who" not in request.http.url:
        return None
    http = request.http
    known = {
        "method": http.request.method,
        "url": http.url,
        "client_ip": request.client_ip,
        "user": request.user,
        "groups": request.groups,
        "headers": list(request.headers),
    }
    return respond(200, body=json.dumps(known))


@reqmod
def rule(request):
    is_blocked = "blocked" in request.http.url or request.http.host == "walled.test"
    return block(request, reason="a rule") if is_blocked else None


@reqmod
async def broken(request):
    if "late" in request.http.url:
        await request.body.read()
    if "fails" in request.http.url:
        raise RuntimeError("the list is not there")


@reqmod
async def slow(request):
    if "slow" in request.http.url:
        await asyncio.sleep(3)


@reqmod
def route(request):
    wanted = "scan" if "download" in request.http.url else ""
    return allow(icap_headers={"X-Next-Services": wanted})


@respmod(preview=1024)
async def scan(request):
    is_found = b"EVIL" in await request.body.read() or "infected" in request.http.url
    return block(request, reason="found") if is_found else None


@respmod
def tenants(_):
    return modify(set_headers={"X-Tenant": "ours"})


@respmod
def tags(_):
    return modify(set_headers={"X-Tag": "seen"})


service("00-who", who)
service("10-rule", rule)
service("20-broken", broken)
service("30-slow", slow)
service("50-clamav", scan)
service("80-tenants", tenants)
service("90-tags", tags)
service("filter", route)
