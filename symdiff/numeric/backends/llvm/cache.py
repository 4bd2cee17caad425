"""Object code on disk, so that a formula is compiled once for all processes.

A file is read only if nobody but its owner, who runs this process, can have written it; and only if it is whole and
belongs to its name. Whatever goes wrong with a file or the disk costs time and nothing else: code is compiled again.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

_MAGIC: Final = b"symdiff code 1\n"
_SUFFIX: Final = ".code"
_TEMPORARY: Final = ".part"
_HEAD: Final = len(_MAGIC) + 64  # then the key, a digest of the code, and the code
_KEPT: Final = 0.75  # of the limit, when what was unused for longest is removed
_ABANDONED: Final = 3600.0  # seconds after which nobody writes to a temporary file any more
_OTHERS_CAN_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class KernelCache:
    """Compiled code in a folder: of the environment variable ``SYMDIFF_CACHE_DIR``, or the user's cache folder.

    If the variable is empty, nothing is kept. A folder that belongs to somebody else, or that group or others can
    write to, is not used.

    Attributes:
        limit: about how many bytes are kept; beyond, what was not used for longest is removed. A process counts what it
            writes itself, after one look at the folder.
    """

    def __init__(self, limit: int = 256 << 20) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._written: dict[Path, int] = {}  # by folder: about how much it holds

    @property
    def folder(self) -> Path | None:
        """Where code is kept; None if nowhere."""
        chosen = os.environ.get("SYMDIFF_CACHE_DIR")
        if chosen is not None:
            return Path(chosen).expanduser().absolute() if chosen else None
        return _users_folder()

    def size(self) -> int:
        """How many bytes are kept."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> None:
        """Remove everything."""
        for _, _, path in self._files():
            with suppress(OSError):
                path.unlink()
        self._written.clear()

    def get(self, key: bytes) -> bytes | None:
        """The code that was kept under a key of 32 bytes; None if there is none that can be trusted."""
        folder = self.folder
        if folder is None or not _is_private(folder):
            return None
        path = folder / (key.hex() + _SUFFIX)
        try:
            content = _private_content(path)
        except OSError:
            return None
        code = content[_HEAD:]
        if content[:_HEAD] != _head(key, code):
            return None
        with suppress(OSError):
            os.utime(path)  # so that it is known to be in use
        return code

    def put(self, key: bytes, code: bytes) -> None:
        """Keep code under a key, if that can be done."""
        folder = self.folder
        if folder is None:
            return
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_private(folder):
                _write(folder / (key.hex() + _SUFFIX), _head(key, code) + code)
                self._make_room(folder, _HEAD + len(code))

    def _make_room(self, folder: Path, more: int) -> None:
        with self._lock:
            known = self._written.get(folder)
            held = self.size() if known is None else known + more
            if held > self.limit:
                held = self._shrink()
            self._written[folder] = held

    def _shrink(self) -> int:
        """Remove what was not used for longest. Gives the bytes that are left."""
        files = sorted(self._files())
        held = sum(size for _, size, _ in files)
        for used, size, path in files:
            is_written = path.suffix == _TEMPORARY and used > time.time() - _ABANDONED
            if not is_written and (held > self.limit * _KEPT or path.suffix == _TEMPORARY):
                with suppress(OSError):
                    path.unlink()
                held -= size
        return held

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used last, its bytes, and its path."""
        folder = self.folder
        if folder is None or not _is_private(folder):
            return
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith((_SUFFIX, _TEMPORARY)):
                    with suppress(OSError):  # another process removed it
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_mtime, status.st_size, Path(entry.path)


def _users_folder() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:  # there is none
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "symdiff" / "Cache"
    if sys.platform == "darwin":
        return home / "Library/Caches/symdiff"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "symdiff"


def _head(key: bytes, code: bytes) -> bytes:
    return _MAGIC + key + sha256(code).digest()


def _is_private(folder: Path) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and _is_ours(status)


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written it. Windows keeps others out of a user's folders by other means."""
    if sys.platform == "win32":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_CAN_WRITE


def _private_content(path: Path) -> bytes:
    """A file's content; nothing if somebody else can have written it.

    Raises:
        OSError: it cannot be read.
    """
    with open(os.open(path, _READ), "rb") as file:
        status = os.fstat(file.fileno())  # of what is read, whatever happens to the name meanwhile
        return file.read() if stat.S_ISREG(status.st_mode) and _is_ours(status) else b""


def _write(path: Path, content: bytes) -> None:
    """Write a file such that others see all of it or nothing."""
    number, name = tempfile.mkstemp(_TEMPORARY, dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise


kernel_cache: Final = KernelCache()
"""The one that compiling uses."""
