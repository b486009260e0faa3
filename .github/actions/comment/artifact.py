"""The artifact of a run as the data of a stranger: nothing of it is written to disk, and one file of it is read."""

import io
import zipfile
from typing import Any

from github import GitHub, TooLarge

# A diff has at most 60,000 bytes of Markdown, and a page and its data beside it.
PACKED = 20 * 1024 * 1024
ENTRIES = 16
TEXT = 256 * 1024
FILE = "diff.md"


class Refused(Exception):
    """An artifact that is not as labc's is; a phrase."""


def find(github: GitHub, run: int, name: str) -> dict[str, Any] | None:
    """The newest artifact of this name that a run left and that is still there."""
    found = [item for item in _listed(github, run, name) if item["name"] == name and not item["expired"]]
    return max(found, key=lambda item: item["id"], default=None)


def _listed(github: GitHub, run: int, name: str) -> list[dict[str, Any]]:
    answer = github.get(f"/actions/runs/{run}/artifacts?per_page=100&name={name}")
    return answer["artifacts"]


def text(github: GitHub, artifact: dict[str, Any]) -> str:
    """The Markdown in an artifact. Bytes that are no UTF-8 are replaced."""
    if artifact["size_in_bytes"] > PACKED:
        raise Refused(f"it has more than {PACKED} bytes")
    try:
        packed = github.download(f"/actions/artifacts/{int(artifact['id'])}/zip", PACKED)
    except TooLarge:
        raise Refused(f"it has more than {PACKED} bytes") from None
    return unpack(packed).decode(errors="replace")


def unpack(packed: bytes) -> bytes:
    """The bytes of the one file that is read; what else is in the archive is not looked at."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES:
                raise Refused(f"it has more than {ENTRIES} files")
            named = [entry for entry in entries if entry.filename == FILE]
            if len(named) != 1:
                raise Refused(f"it has {len(named)} files called {FILE}")
            with archive.open(named[0]) as file:
                content = file.read(TEXT + 1)
    # An archive that was made to fail fails in many ways: none of them is more than that it cannot be read.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zipfile.zlib.error):
        raise Refused("it is no archive that can be read") from None
    if len(content) > TEXT:
        raise Refused(f"{FILE} has more than {TEXT} bytes")
    return content
