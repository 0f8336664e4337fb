"""A server that expects the request of a fixture and returns its response."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

T = TypeVar("T")


class GoldenServer:
    def __init__(self) -> None:
        self.golden: dict[str, Any] = {}
        self.complaints: list[str] = []
        self.seen = 0
        golden_server = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                golden_server.compare(self, body)
                response = golden_server.golden["response"]
                self.send_response(response["status"])
                for name, value in response["headers"].items():
                    self.send_header(name, value)
                content = json.dumps(response["body"]).encode()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = respond

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.http.server_address[1]}"
        Thread(target=self.http.serve_forever, daemon=True).start()

    def compare(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        wanted = self.golden["request"]
        url = urlsplit(request.path)
        query = {name: str(value) for name, value in wanted["query"].items()}
        pairs = [
            ("method", request.command, wanted["method"]),
            ("path", url.path, wanted["path"]),
            ("query", dict(parse_qsl(url.query)), query),
            ("body", json.loads(body) if body else None, wanted.get("body")),
        ]
        pairs += [(name, request.headers.get(name), value) for name, value in wanted["headers"].items()]
        self.seen += 1
        self.complaints += [f"{what}: {got!r} is not {want!r}" for what, got, want in pairs if got != want]

    def expect(self, golden: dict[str, Any], call: Callable[[], T]) -> T:
        """Compares the request of `call` with `golden`, and fails if they differ."""
        self.golden, self.complaints, self.seen = golden, [], 0
        result = call()
        assert not self.complaints, self.complaints
        assert self.seen == 1, f"{self.seen} requests"
        return result
