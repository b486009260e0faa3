"""A GitHub that has one repository, in memory: the calls that the comment action makes, and what it was asked."""

import io
import json
import threading
import urllib.parse
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "owner/lab"
TOKEN = "the-token"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


class GitHub:
    """The repository's state. Whoever has set `wait` lets the first lists of comments be given only together."""

    def __init__(self) -> None:
        self.pulls: list[dict] = []
        self.comments: dict[int, dict] = {}
        self.artifacts: dict[int, dict] = {}
        self.calls: list[tuple[str, str]] = []
        self.authorised_storage: list[str] = []
        self.wait: threading.Barrier | None = None
        self.broken: dict[str, list[int]] = {}
        self.held: dict[str, threading.Event] = {}
        self.guard = threading.Lock()
        self.next = 1000
        self.storage = serve(self, Storage)
        self.api = serve(self, Api)

    def close(self) -> None:
        for server in (self.api, self.storage):
            server.shutdown()
            server.server_close()

    def id(self) -> int:
        with self.guard:
            self.next += 1
            return self.next

    def pull(self, number: int, commit: str, branch: str = "bump", source: str = REPOSITORY, base: str = REPOSITORY) -> None:
        head = {"sha": commit, "ref": branch, "repo": {"full_name": source}}
        self.pulls.append({"number": number, "head": head, "base": {"repo": {"full_name": base}}, "state": "open"})

    def comment(self, pull: int, body: str, user: dict = BOT) -> int:
        number = self.id()
        self.comments[number] = {"id": number, "pull": pull, "body": body, "user": user}
        return number

    def artifact(self, run: int, packed: bytes, name: str = "labc-diff", size: int | None = None) -> int:
        number = self.id()
        size = len(packed) if size is None else size
        self.artifacts[number] = {"id": number, "run": run, "name": name, "packed": packed, "size_in_bytes": size, "expired": False}
        return number

    def bodies(self, pull: int) -> list[str]:
        return [comment["body"] for _, comment in sorted(self.comments.items()) if comment["pull"] == pull]


def pack(**files: str | bytes) -> bytes:
    """An archive; `diff_md` is `diff.md`."""
    return pack_named([(name.replace("_", "."), content) for name, content in files.items()])


def pack_named(files: list[tuple[str, str | bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def serve(github: GitHub, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.github = github  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    @property
    def github(self) -> GitHub:
        return self.server.github  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, content: object = None, **headers: str) -> None:
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Storage(Handler):
    """Where artifacts lie: another host, which must not see the token."""

    def do_GET(self) -> None:
        if "Authorization" in self.headers:
            self.github.authorised_storage.append(self.path)
        self.answer(200, self.github.artifacts[int(self.path.strip("/"))]["packed"])


class Api(Handler):
    def do_GET(self) -> None:
        self.handle_call("GET")

    def do_POST(self) -> None:
        self.handle_call("POST")

    def do_PATCH(self) -> None:
        self.handle_call("PATCH")

    def do_DELETE(self) -> None:
        self.handle_call("DELETE")

    def handle_call(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = json.loads(self.rfile.read(length)) if length else {}
        path, _, query = self.path.partition("?")
        words = dict(urllib.parse.parse_qsl(query))
        self.github.calls.append((method, path))
        if self.github.broken.get(path):
            return self.answer(self.github.broken[path].pop(0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401)
        prefix = f"/repos/{REPOSITORY}/"
        if not path.startswith(prefix):
            return self.answer(404)
        self.route(method, path.removeprefix(prefix).split("/"), words, content)

    def route(self, method: str, parts: list[str], words: dict[str, str], content: dict) -> None:
        github = self.github
        match [method, *parts]:
            case ["GET", "pulls"]:
                owner, _, branch = words["head"].partition(":")
                heads = (pull for pull in github.pulls if pull["head"]["ref"] == branch)
                self.answer(200, self.page([pull for pull in heads if owner_of(pull) in (owner, None)], words))
            case ["GET", "actions", "runs", run, "artifacts"]:
                public = [without(item, "packed") for item in github.artifacts.values() if item["run"] == int(run)]
                self.answer(200, {"total_count": len(public), "artifacts": public})
            case ["GET", "actions", "artifacts", number, "zip"]:
                self.answer(302, Location=f"{address(github.storage)}/{number}")
            case ["GET", "issues", pull, "comments"]:
                if github.wait:
                    self.together()
                found = [comment for _, comment in sorted(github.comments.items()) if comment["pull"] == int(pull)]
                self.answer(200, self.page(found, words))
            case ["POST", "issues", pull, "comments"]:
                for text, event in github.held.items():
                    if text in content["body"]:
                        event.wait(timeout=30)
                number = github.comment(int(pull), content["body"])
                self.answer(201, github.comments[number])
            case ["PATCH", "issues", "comments", number] if int(number) in github.comments:
                github.comments[int(number)]["body"] = content["body"]
                self.answer(200, github.comments[int(number)])
            case ["DELETE", "issues", "comments", number] if github.comments.pop(int(number), None):
                self.answer(204)
            case _:
                self.answer(404)

    def together(self) -> None:
        """Waits for the other run once; later calls pass."""
        barrier = self.github.wait
        try:
            if barrier:
                barrier.wait(timeout=5)
        except threading.BrokenBarrierError:
            pass
        self.github.wait = None

    @staticmethod
    def page(items: list, words: dict[str, str]) -> list:
        size, page = int(words["per_page"]), int(words["page"])
        return items[(page - 1) * size : page * size]


def owner_of(pull: dict) -> str | None:
    repository = pull["head"]["repo"]
    return repository["full_name"].split("/")[0] if repository else None


def without(item: dict, key: str) -> dict:
    return {name: value for name, value in item.items() if name != key}
