"""A program as it was written for icap_server, but for where it imports from.

It is for Squid and for c-icap-client: a module of its own, in a process of its own.
"""

import asyncio
import sys

from zcadapt.compat.icap_server import (
    ContentAdaptationResponse,
    ICAPMethod,
    ICAPRequest,
    run_server,
)


async def echo(request: ICAPRequest) -> ContentAdaptationResponse:
    """Print the first line of each HTTP request, and leave it alone."""
    is_question = request.request_line.method is ICAPMethod.OPTIONS
    told = {b"Methods": [b"REQMOD"], b"Preview": [b"0"]} if is_question else {}
    if request.body.request_header:
        print(request.body.request_header.splitlines()[0].decode(), flush=True)  # noqa: T201
    return ContentAdaptationResponse(request.body, 200, told, content_was_altered=False)


async def change(icap_request: ICAPRequest) -> ContentAdaptationResponse:
    """Add a header and swap the case of the body; answer in the origin's place where it says so."""
    body = icap_request.body
    if icap_request.request_line.method is ICAPMethod.RESPMOD:
        body.response_header += b"X-Adapted: yes\r\n"
        body.response_body = (body.response_body or b"").swapcase()
    elif b"refuse" in body.request_header.splitlines()[0]:
        body.response_header = b"HTTP/1.1 403 Not Here\r\nContent-Type: text/plain\r\n"
        body.response_body = b"we do not want this"
    else:
        body.request_header += b"X-Adapted: yes\r\n"
        body.request_body = (body.request_body or b"").swapcase()
    return ContentAdaptationResponse(
        content=body,
        icap_response_code=200,
        icap_response_headers={},
        content_was_altered=True,
    )


async def leave(icap_request: ICAPRequest) -> ContentAdaptationResponse:
    """Have the whole message, and leave it alone."""
    return ContentAdaptationResponse(icap_request.body, 200, {}, content_was_altered=False)


async def main(port: str) -> None:
    run_server_options = {
        "service_name_to_handler": {b"echo": echo, b"change": change, b"leave": leave},
        "server_options": {"host": "127.0.0.1", "port": port},
    }
    async with run_server(**run_server_options) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
