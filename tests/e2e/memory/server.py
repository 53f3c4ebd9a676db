"""A small billing service. It adds up what its cache holds, and says how it is."""

import http.server
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
CACHE = HERE / "var/cache.json"
LOCK = HERE / "var/run.lock"


def trouble():
    """What keeps the service from working; nothing when it works."""
    if LOCK.exists():
        return f"the lock file {LOCK} is stale: process {LOCK.read_text().strip()} is gone"
    try:
        cache = json.loads(CACHE.read_text())
    except (OSError, ValueError) as error:
        return f"the cache file {CACHE} is corrupt: {error}"
    return None if isinstance(cache.get("total"), int) else f"the cache file {CACHE} is corrupt"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers `/health`, and takes `/maintenance/on` and `/maintenance/off`."""

    told = []

    def do_GET(self):
        why = trouble()
        self.answer(503 if why else 200, f"unhealthy: {why}\n" if why else "healthy\n")

    def do_POST(self):
        self.told.append(self.path)
        self.answer(200, "\n".join(self.told) + "\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(port=0):
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    server = serve()
    print(server.server_address[1], flush=True)
    server.serve_forever()
