"""A local web server that misbehaves as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Behavior(NamedTuple):
    """How the server answers."""

    content: bytes = b""
    status: int = 200
    kind: str = "application/gzip"
    cut_after: int | None = None
    """Bytes after which each answer breaks off."""
    ranges: bool = True
    location: str | None = None
    announce_length: bool = True


@contextmanager
def serving(behavior: Behavior) -> Iterator[tuple[str, list[str | None]]]:
    """Yield the server's URL and the Range header of each request so far."""
    ranges: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and behavior.ranges else 0
            if start and start >= len(behavior.content):
                self.send_error(416)
                return
            self.send_response(206 if start else behavior.status)
            if start:
                last = len(behavior.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(behavior.content)}")
            if behavior.location:
                self.send_header("Location", behavior.location)
            self.send_header("Content-Type", behavior.kind)
            if behavior.announce_length:
                self.send_header("Content-Length", str(len(behavior.content) - start))
            self.end_headers()
            body = behavior.content[start:]
            self.wfile.write(body if behavior.cut_after is None else body[: behavior.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/archive.tar.gz", ranges
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
