"""What came with a request, in memory, and never more of it than is allowed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from figureground.serve.options import RequestError

FIELDS = 40
FIELD_BYTES = 1000


class TooLarge(RequestError):
    """A body of more bytes than this server takes."""


@dataclass(frozen=True)
class Upload:
    """values: options by name, of the query and the form. photo, background: files as they came."""

    values: dict[str, str]
    photo: bytes
    background: bytes | None = None


async def read(request: Request, max_bytes: int) -> Upload:
    """Raises TooLarge, or RequestError for a body that is no upload."""
    values = dict(request.query_params)
    body = await _body(request, max_bytes)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or not body:
        raise RequestError(
            "the request brings no photo; send it as the body, or as `file` in multipart/form-data"
        )
    if kind != "multipart/form-data":
        return Upload(values, body)
    files: dict[str, bytes] = {}
    for name, entry in await _form(request, body, max_bytes):
        if isinstance(entry, UploadFile):
            if name not in ("file", "background") or name in files:
                raise RequestError(
                    f"there is a file in {name[:50]!r}; expected one in `file`, the photo, and at most "
                    "one in `background`"
                )
            files[name] = await entry.read()
            await entry.close()
        else:
            values[name] = entry
    if "file" not in files:
        raise RequestError("the form brings no photo; send it as a file in the part `file`")
    if "background" in files and "background" in values:
        raise RequestError("background is given as a file and as text; expected one of them")
    return Upload(values, files["file"], files.get("background"))


async def _body(request: Request, max_bytes: int) -> bytes:
    error = TooLarge(
        f"the request is larger than this server takes, {max_bytes:,} bytes; send a smaller file"
    )
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > max_bytes:
        raise error
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > max_bytes:
            raise error
        body += chunk
    return bytes(body)


async def _form(
    request: Request, body: bytes, max_bytes: int
) -> list[tuple[str, UploadFile | str]]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, once(), max_files=2, max_fields=FIELDS, max_part_size=FIELD_BYTES
    )
    parser.spool_max_size = max_bytes + 1  # nothing goes to a disk
    try:
        return (await parser.parse()).multi_items()
    except Exception as error:  # the parser has several kinds of its own
        reason = str(error)[:200]
        raise RequestError(f"the form cannot be read as multipart/form-data ({reason})") from None
