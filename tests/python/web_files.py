"""A folder on a web server of this machine, and what lets DuckDB read it without httpfs.

The extension is not to be had everywhere where tests run. What a catalog needs of it is little: it
opens an address and reads ranges of it, and lists no folders.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import fsspec


class _Ranges(SimpleHTTPRequestHandler):
    """Serves files and ranges of them, and no folders."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        self.asked.append(self.path)
        if not path.is_file():
            return self.send_error(404)
        if self.headers["Range"] is None:
            return super().do_GET()
        first, last = map(int, re.findall(r"\d+", self.headers["Range"]))
        content = path.read_bytes()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(content[first : last + 1])))
        self.end_headers()
        self.wfile.write(content[first : last + 1])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Remote(io.RawIOBase):
    """A file at an address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self._place = 0
        try:
            with self._range(0, 0) as reply:
                self.size = int(reply.headers["Content-Range"].rpartition("/")[2])
        except HTTPError as error:
            raise FileNotFoundError(f"{address}: {error}") from error

    def _range(self, first: int, last: int) -> Any:
        return urlopen(Request(self._address, headers={"Range": f"bytes={first}-{last}"}))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        last = self.size - 1 if size < 0 else min(self._place + size, self.size) - 1
        if last < self._place:
            return b""
        with self._range(self._place, last) as reply:
            content: bytes = reply.read()
        self._place += len(content)
        return content


class Web(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Addresses as DuckDB asks for them. `web` is for the catalog: DuckDB attaches no `http`."""

    protocol = ("http", "web")
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.replace("web://", "http://")

    def _open(self, path: str, mode: str = "rb", **_: Any) -> _Remote:
        return _Remote(path)

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path]

    def exists(self, path: str, **_: Any) -> bool:
        try:
            return _Remote(self._strip_protocol(path)).size >= 0
        except FileNotFoundError:
            return False

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        size = _Remote(self._strip_protocol(path)).size
        return {"name": path, "size": size, "type": "file"}

    def modified(self, path: str) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC)


class Served:
    """A folder on a web server: its place, host and port, and the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        handler = type("Handler", (_Ranges,), {"asked": self.asked})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.place = f"127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        """Let the address answer no more."""
        self.server.shutdown()
        self.server.server_close()
