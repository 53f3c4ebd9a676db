"""What operators do to the billing service, one word at a time."""

import json
import pathlib
import sys
import threading
import urllib.error
import urllib.request

import server

HERE = pathlib.Path(__file__).parent


def health():
    """Starts the service as it lies here, asks it, and ends it."""
    service = server.serve()
    threading.Thread(target=service.serve_forever, daemon=True).start()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{service.server_address[1]}/health") as answer:
            print(answer.read().decode(), end="")
            return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode(), end="")
        return 1
    finally:
        service.shutdown()


def idle():
    """Nothing but the service itself may hold the files."""
    print("nobody writes the cache")
    return 0


def drop_lock():
    server.LOCK.unlink(missing_ok=True)
    (HERE / "var/scratch.txt").write_text("nobody asked for this file\n")
    return 0


def rebuild_cache():
    entries = [json.loads(line) for line in (HERE / "entries.jsonl").read_text().splitlines()]
    server.CACHE.write_text(json.dumps({"total": sum(it["amount"] for it in entries)}) + "\n")
    return 0


def fail():
    print("the disk is full")
    return 3


def post(port, path):
    """Tells the running service something, by way of the gateway."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b"", method="POST")
    with urllib.request.urlopen(request) as answer:
        print(answer.read().decode(), end="")
    return 0


if __name__ == "__main__":
    word, *rest = sys.argv[1:]
    sys.exit({"health": health, "idle": idle, "drop-lock": drop_lock, "rebuild-cache": rebuild_cache,
              "fail": fail, "post": post}[word](*rest))
