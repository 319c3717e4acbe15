"""What came with a request, in memory or in a folder, and never more of it than is allowed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect, Request

from figureground.errors import ImageError
from figureground.serve.options import RequestError

FIELDS = 40
FIELD_BYTES = 1000
IN_MEMORY = 1_000_000  # bytes of a file on its way to a folder


Fetch = Callable[[str], bytes]


class TooLarge(RequestError):
    """A body of more bytes than this server takes."""


@dataclass(frozen=True)
class Upload:
    """values: options by name, of the query and the form. photo, background: files as they came."""

    values: dict[str, str]
    photo: bytes
    background: bytes | None = None


async def read(request: Request, max_bytes: int, fetch: Fetch | None = None) -> Upload:
    """fetch: what gets a photo whose address is given as `url` in the query; None where none is got.

    Raises TooLarge, RequestError for a body that is no upload, or ImageError as `fetch` does.
    """
    body = bytearray()
    async for chunk in _chunks(request, max_bytes):
        body += chunk
    if "url" in request.query_params:
        values = dict(request.query_params)
        url = values.pop("url")
        if fetch is None:
            raise RequestError("this server gets no photos from addresses; send the photo itself")
        if body:
            raise RequestError("a url and a body are given; expected one of them")
        try:
            return Upload(values, await asyncio.to_thread(fetch, url))
        except ImageError as error:  # what names mean in the server's network is not told
            if "not public" in str(error):
                raise RequestError(
                    "the address leads to what is not public; it is not asked"
                ) from None
            raise
    kind = _kind(request, bool(body))
    if kind != "multipart/form-data":
        return Upload(dict(request.query_params), bytes(body))

    async def once() -> AsyncGenerator[bytes, None]:
        yield bytes(body)

    values, files = await _form(request, once(), max_bytes + 1)  # nothing goes to a disk
    contents = {name: await file.read() for name, file in files.items()}
    return Upload(values, contents["file"], contents.get("background"))


async def save(request: Request, max_bytes: int, folder: Path) -> dict[str, str]:
    """Puts the files of an upload into `folder`, as `file` and `background`; gives the options.

    Raises as `read` does.
    """
    chunks = _chunks(request, max_bytes)
    if _kind(request, True) == "multipart/form-data":
        values, files = await _form(request, chunks, IN_MEMORY)
        for name, file in files.items():
            with (folder / name).open("wb") as target:
                await asyncio.to_thread(shutil.copyfileobj, file.file, target)
            await file.close()
        return values
    size = 0
    with (folder / "file").open("wb") as target:
        async for chunk in chunks:
            size += target.write(chunk)
    _kind(request, size > 0)
    return dict(request.query_params)


def _kind(request: Request, body: bool) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or not body:
        raise RequestError(
            "the request brings no file; send it as the body, or as `file` in multipart/form-data"
        )
    return kind


async def _chunks(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    error = TooLarge(
        f"the request is larger than this server takes, {max_bytes:,} bytes; send a smaller file"
    )
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > max_bytes:
        raise error
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise error
        yield chunk


async def _form(
    request: Request, body: AsyncGenerator[bytes, None], in_memory: int
) -> tuple[dict[str, str], dict[str, UploadFile]]:
    """Options, those of the query too; and files, of which `file` is one."""
    parser = MultiPartParser(
        request.headers, body, max_files=2, max_fields=FIELDS, max_part_size=FIELD_BYTES
    )
    parser.spool_max_size = in_memory
    try:
        entries = (await parser.parse()).multi_items()
    except (TooLarge, ClientDisconnect, OSError):
        raise
    except Exception as error:  # the parser has several kinds of its own
        reason = str(error)[:200]
        if "Part exceeded" in reason:
            raise RequestError(f"an option is longer than {FIELD_BYTES} bytes") from None
        raise RequestError(f"the form cannot be read as multipart/form-data ({reason})") from None
    values, files = dict(request.query_params), dict[str, UploadFile]()
    for name, entry in entries:
        if not isinstance(entry, UploadFile):
            values[name] = entry
            continue
        if name not in ("file", "background") or name in files:
            raise RequestError(
                f"there is a file in {name[:50]!r}; expected one in `file`, and at most one in "
                "`background`"
            )
        files[name] = entry
    if "file" not in files:
        raise RequestError("the form brings no file; send it as a file in the part `file`")
    if "background" in files and "background" in values:
        raise RequestError("background is given as a file and as text; expected one of them")
    return values, files
