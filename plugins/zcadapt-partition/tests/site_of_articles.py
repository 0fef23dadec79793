"""An origin server that has room for some articles in memory, and tells which it had.

python site_of_articles.py NAME PORT ROOM [TABLE OPTIONS]

``/articles/N/PAGE`` needs article N. ``/counts`` tells how often an article was
there (warm) or had to be made (cold).
"""

import json
import sys
import threading
from collections import Counter, OrderedDict
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from zcadapt_partition import Table, WSGIAffinity


class Site:
    def __init__(self, name, room):
        self.name = name
        self.room = room
        self.articles = OrderedDict()
        self.counts = Counter()
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        kind, _, rest = environ["PATH_INFO"][1:].partition("/")
        if kind == "counts":
            return self.answer(start_response, json.dumps(self.counts).encode(), "-")
        with self.lock:
            was = self.fetch(rest.partition("/")[0])
            self.counts[was] += 1
        return self.answer(start_response, b"an article\n", was)

    def fetch(self, article):
        """Have the article in memory, and return what it was before."""
        was = "warm" if article in self.articles else "cold"
        self.articles[article] = None
        self.articles.move_to_end(article)
        if len(self.articles) > self.room:
            self.articles.popitem(last=False)
        return was

    def answer(self, start_response, body, was):
        headers = {
            "Content-Type": "text/plain",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",  # so that each request gets here
            "X-Served-By": self.name,
            "X-Article-Was": was,
        }
        start_response("200 OK", list(headers.items()))
        return [body]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 100


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        """Who serves what is told in the answers."""


def main(name, port, room, path=None, options="{}"):
    site = Site(name, int(room))
    application = site
    if path is not None:
        table = Table.create(path, json.loads(options))
        table.clear()  # we begin with no articles in memory
        application = WSGIAffinity(site, table)
    with make_server("127.0.0.1", int(port), application, Server, Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
