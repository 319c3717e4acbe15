"""A file over mapped bytes."""

from __future__ import annotations


class Mapped:
    """Reads of a memory map as of a file; a read reserves no more than there is to read.

    Python's own buffered files reserve what is asked for, which damaged bytes can make gigabytes.
    """

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.position = 0

    def read(self, count: int = -1) -> bytes:
        end = len(self.content) if count < 0 else self.position + count
        part = bytes(self.content[self.position : end])
        self.position += len(part)
        return part

    def readline(self) -> bytes:
        start = self.position
        line = bytearray()
        while not line.endswith(b"\n") and self.position < len(self.content):
            chunk = bytes(self.content[self.position : self.position + 256])
            end = chunk.find(b"\n") + 1 or len(chunk)
            line += chunk[:end]
            self.position += end
        return bytes(self.content[start : self.position])

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self.position, len(self.content))[whence]
        if base + offset < 0:
            raise OSError("a place before the start of the file")
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def seekable(self) -> bool:
        return True
