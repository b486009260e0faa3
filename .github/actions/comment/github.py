"""The few calls of GitHub's API that a comment needs.

The token goes to the API alone: a redirect, as that of an artifact to where it is stored, is followed without it.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

ATTEMPTS = 3
SECONDS = 30
PASSING = (429, 502, 503, 504)
PAGE = 100
PAGES = 50


class Failed(Exception):
    """A call that GitHub did not answer as it should: the status, or 0 where there was no answer."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: {status or 'no answer'}")
        self.status = status


class TooLarge(Exception):
    """More bytes than the caller takes."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: whoever asked decides what goes along."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPEN = urllib.request.build_opener(_Stay)


class GitHub:
    """A repository, seen with a token."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self.root = f"{api.rstrip('/')}/repos/{repository}"
        self.token = token

    def get(self, path: str) -> Any:
        """What a GET gives; tried again where the failure may pass."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._call("GET", path, None)
            except Failed as failure:
                if attempt == ATTEMPTS or failure.status not in (0, *PASSING):
                    raise
                time.sleep(attempt)

    def send(self, method: str, path: str, content: Any = None) -> Any:
        """Changes something, once: what became of a call without an answer is not known."""
        return self._call(method, path, content)

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Every item of a list."""
        for page in range(1, PAGES + 1):
            words = urllib.parse.urlencode({**query, "per_page": PAGE, "page": page})
            items = self.get(f"{path}?{words}")
            yield from items
            if len(items) < PAGE:
                return

    def download(self, path: str, limit: int) -> bytes:
        """The bytes behind a path that redirects to them."""
        answer = self._open("GET", path, None)
        place = answer.headers.get("Location")
        if answer.status not in (301, 302, 307) or not place:
            raise Failed("the artifact is nowhere", answer.status)
        if urllib.parse.urlsplit(place).scheme not in ("https", urllib.parse.urlsplit(self.root).scheme):
            raise Failed("the artifact is behind another protocol", answer.status)
        try:
            with urllib.request.urlopen(place, timeout=SECONDS) as body:
                content = body.read(limit + 1)
        except urllib.error.HTTPError as error:
            raise Failed("the artifact cannot be read", error.code) from None
        except OSError:
            raise Failed("the artifact cannot be read", 0) from None
        if len(content) > limit:
            raise TooLarge
        return content

    def _call(self, method: str, path: str, content: Any) -> Any:
        answer = self._open(method, path, content)
        text = answer.read()
        return json.loads(text) if text else None

    def _open(self, method: str, path: str, content: Any) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.root + path, data=body, method=method)
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header("Content-Type", "application/json")
        request.add_header("User-Agent", "labc")
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        what = f"{method} {path.split('?')[0]}"
        try:
            return _OPEN.open(request, timeout=SECONDS)
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                return error
            raise Failed(what, error.code) from None
        except OSError:
            raise Failed(what, 0) from None
