"""What a worker and its engine's process say to each other, and the socket over which they do."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

ANSWER, ERROR = b"A", b"E"  # the first byte of what the process says
_GREETING = b"G"
_LENGTH = struct.Struct(">Q")
_WAITING = 64  # clients that died one after the other while the process computed for the first


def packed(batch: pa.RecordBatch) -> bytes:
    """A batch with its schema."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def unpacked(content: bytes) -> pa.RecordBatch:
    """The batch that was packed."""
    with pa.ipc.open_stream(content) as reader:
        return reader.read_next_batch()


def send(connection: socket.socket, content: bytes) -> None:
    """Raises ConnectionError where the other side is gone."""
    connection.sendall(_LENGTH.pack(len(content)))
    connection.sendall(content)


def received(source: BinaryIO) -> bytes:
    """What the other side sent at once; raises EOFError or ConnectionError where it is gone."""
    (length,) = _LENGTH.unpack(_exactly(source, _LENGTH.size))
    return _exactly(source, length)


def greet(connection: socket.socket) -> None:
    """What the process says first, once it has time for the client. Raises as send."""
    connection.sendall(_GREETING)


def greeted(connection: socket.socket, seconds: float | None) -> None:
    """Return once the process has time; raises TimeoutError where it has none for so long, otherwise as received."""
    connection.settimeout(seconds)
    if connection.recv(len(_GREETING)) != _GREETING:
        raise EOFError
    connection.settimeout(None)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A new socket there that takes connections; closed at the end in this process."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        with _shortened(path) as name:
            listener.bind(name)
        listener.listen(_WAITING)
        yield listener


def connected(path: Path) -> socket.socket | None:
    """A connection to the process that listens there; None where none does."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _shortened(path) as name:
            connection.connect(name)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


@contextmanager
def _shortened(path: Path) -> Iterator[str]:
    """Another name for a file. Folders for temporary files may be longer than a socket's path, of at most 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _exactly(source: BinaryIO, length: int) -> bytes:
    content = source.read(length)
    if len(content) < length:
        raise EOFError
    return content
