"""Debian packages made by hand, for tests."""

from __future__ import annotations

import io
import tarfile


def entry(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> tarfile.TarInfo:
    """Return an entry of a package's file tree."""
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.linkname = kind, mode, link
    return made


def deb(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a package (deb(5)) whose data.tar.xz has the entries."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tree:
        for one, data in entries:
            one.size = len(data)
            tree.addfile(one, io.BytesIO(data))
    whole = b"!<arch>\n"
    members = (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", packed.getvalue()))
    for name, data in members:
        whole += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        whole += data + b"\n" * (len(data) % 2)
    return whole
