#!/usr/bin/env python3
"""The comment action against a GitHub in memory: whose comment is written, for which pull request, from which bytes."""

import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github/actions/comment"
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from server import REPOSITORY, TOKEN, GitHub, address, pack, pack_named  # noqa: E402

COMMIT, OTHER = "1" * 40, "2" * 40
PERSON = {"login": "somebody", "type": "User"}
OTHER_BOT = {"login": "renovate[bot]", "type": "Bot"}
MARKED = "<!-- labc-diff 1.1 -->\nold"


class Comment(unittest.TestCase):
    def setUp(self) -> None:
        self.github = GitHub()
        self.addCleanup(self.github.close)

    def start(self, run: int, commit: str = COMMIT, attempt: int = 1, source: str | None = REPOSITORY, **more: str) -> subprocess.Popen:
        event = {
            "repository": {"full_name": REPOSITORY},
            "workflow_run": {
                "id": run,
                "run_attempt": attempt,
                "event": more.get("event", "pull_request"),
                "head_sha": commit,
                "head_branch": more.get("branch", "bump"),
                "head_repository": {"full_name": source} if source else None,
                "pull_requests": [],
            },
        }
        file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
        self.addCleanup(os.unlink, file.name)
        with file:
            json.dump(event, file)
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": file.name,
            "GITHUB_API_URL": address(self.github.api),
            "GITHUB_SERVER_URL": "https://github.example",
            "LABC_ARTIFACT": "labc-diff",
            "LABC_AUTHOR": "github-actions[bot]",
            "LABC_TOKEN": TOKEN,
        }
        command = [sys.executable, "-E", "-B", str(ACTION / "comment.py")]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_one(self, run: int, **more) -> str:
        """Runs the action, which must succeed; what it said."""
        said, errors = self.start(run, **more).communicate(timeout=60)
        self.assertEqual(errors, "")
        return said

    def refuses(self, run: int, why: str) -> None:
        process = self.start(run)
        said, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, said), (1, ""), errors)
        self.assertIn(why, errors)
        self.assertEqual(self.github.bodies(7), [])

    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.github.calls if call[0] != "GET"]

    def usual(self, text: str = "**1 change**", run: int = 50) -> None:
        self.github.pull(7, COMMIT)
        self.github.artifact(run, pack(diff_md=text, diff_json="{}", diff_html="<p>"))

    # Whose comment

    def test_a_first_run_writes_and_the_next_one_updates(self) -> None:
        self.usual()
        self.assertIn("pull request 7 is written", self.run_one(50))
        [body] = self.github.bodies(7)
        self.assertTrue(body.startswith("<!-- labc-diff 50.1 -->\n"))
        self.assertIn("**1 change**", body)
        self.assertIn("https://github.example/owner/lab/actions/runs/50/artifacts/", body)
        self.github.artifact(51, pack(diff_md="**2 changes**"))
        self.assertIn("is updated", self.run_one(51))
        [body] = self.github.bodies(7)
        self.assertIn("**2 changes**", body)

    def test_comments_of_others_with_the_marker_are_not_touched(self) -> None:
        self.usual()
        for user in (PERSON, OTHER_BOT, {"login": "github-actions[bot]", "type": "User"}, None):
            self.github.comment(7, MARKED, user)
        self.run_one(50)
        bodies = self.github.bodies(7)
        self.assertEqual(bodies[:4], [MARKED] * 4)
        self.assertEqual(len(bodies), 5)
        self.assertEqual(self.writes(), [("POST", f"/repos/{REPOSITORY}/issues/7/comments")])

    def test_own_comments_that_only_quote_the_marker_are_not_touched(self) -> None:
        self.usual()
        others = [f"> {MARKED}", "<!-- labc-diff-two 1.1 -->", "<!-- labc-diff 1.x -->", "", f"\n{MARKED}"]
        for text in others:
            self.github.comment(7, text)
        self.run_one(50)
        self.assertEqual(self.github.bodies(7)[:-1], others)

    def test_the_own_comment_is_found_behind_many_others(self) -> None:
        self.usual()
        for number in range(230):
            self.github.comment(7, f"talk {number}", PERSON)
        own = self.github.comment(7, MARKED)
        self.run_one(50)
        self.assertEqual(len(self.github.bodies(7)), 231)
        self.assertIn("**1 change**", self.github.comments[own]["body"])

    def test_two_runs_at_once_leave_one_comment_of_the_newer_run(self) -> None:
        for first, second in ((50, 51), (51, 50)):
            with self.subTest(first=first):
                github = self.github = GitHub()
                self.addCleanup(github.close)
                github.pull(7, COMMIT)
                for run in (first, second):
                    github.artifact(run, pack(diff_md=f"run {run}"))
                github.wait = threading.Barrier(2)
                processes = [self.start(run) for run in (first, second)]
                for process in processes:
                    _, errors = process.communicate(timeout=60)
                    self.assertEqual(errors, "")
                [body] = github.bodies(7)
                self.assertIn("run 51", body)

    def test_a_comment_that_is_written_too_late_goes_again(self) -> None:
        self.github.pull(7, COMMIT)
        for run in (50, 51):
            self.github.artifact(run, pack(diff_md=f"run {run}"))
        self.github.held["run 50"] = threading.Event()
        late = self.start(50)
        while ("POST", f"/repos/{REPOSITORY}/issues/7/comments") not in self.github.calls:
            time.sleep(0.01)
        self.run_one(51)
        self.github.held["run 50"].set()
        said, errors = late.communicate(timeout=60)
        self.assertIn("left as a newer run wrote it", said + errors)
        [body] = self.github.bodies(7)
        self.assertIn("run 51", body)

    def test_a_run_that_comes_late_leaves_the_newer_text(self) -> None:
        self.usual()
        newer = "<!-- labc-diff 60.1 -->\nnewer"
        self.github.comment(7, newer)
        self.assertIn("left as a newer run wrote it", self.run_one(50))
        self.assertEqual(self.github.bodies(7), [newer])

    def test_comments_too_many_are_taken_away(self) -> None:
        self.usual()
        for _ in range(3):
            self.github.comment(7, MARKED)
        self.run_one(50)
        [body] = self.github.bodies(7)
        self.assertIn("**1 change**", body)

    # Which pull request

    def test_a_fork_is_found_by_its_head(self) -> None:
        self.github.pull(6, OTHER, source="stranger/lab")
        self.github.pull(7, COMMIT, source="stranger/lab")
        self.github.pull(8, COMMIT, source="stranger/other")
        self.github.artifact(50, pack(diff_md="of a fork"))
        self.run_one(50, source="stranger/lab")
        self.assertEqual(len(self.github.bodies(7)), 1)
        self.assertEqual(self.github.bodies(6) + self.github.bodies(8), [])

    def test_the_artifact_names_no_pull_request(self) -> None:
        self.github.pull(1, OTHER)
        self.usual()
        packed = pack_named([("diff.md", "x"), ("pull", "1"), ("number", "1"), ("diff.json", '{"pull_request": 1}')])
        self.github.artifact(50, packed)
        self.run_one(50)
        self.assertEqual(self.github.bodies(1), [])

    def test_a_branch_of_any_name_is_asked_for_as_it_is(self) -> None:
        branch = "a&state=closed#x/ü %2e\"'"
        self.github.pull(7, COMMIT, branch=branch)
        self.github.artifact(50, pack(diff_md="x"))
        self.run_one(50, branch=branch)
        self.assertEqual(len(self.github.bodies(7)), 1)

    def test_without_one_pull_request_nothing_is_written(self) -> None:
        self.github.artifact(50, pack(diff_md="x"))
        self.assertIn("no open pull request", self.run_one(50))
        self.github.pull(7, OTHER)
        self.assertIn("no open pull request", self.run_one(50))
        self.github.pull(8, COMMIT, base="owner/upstream")
        self.assertIn("no open pull request", self.run_one(50))
        self.github.pull(9, COMMIT)
        self.github.pull(10, COMMIT)
        self.assertIn("several pull requests", self.run_one(50))
        self.assertIn("the fork is gone", self.run_one(50, source=None))
        self.assertEqual(self.writes(), [])

    def test_a_run_of_another_event_is_not_asked_about(self) -> None:
        self.usual()
        for event in ("push", "pull_request_target", "workflow_dispatch"):
            self.assertIn("not started by a pull request", self.run_one(50, event=event))
        self.assertEqual(self.github.calls, [])

    # Which bytes

    def test_without_an_artifact_nothing_is_written(self) -> None:
        self.github.pull(7, COMMIT)
        self.github.artifact(49, pack(diff_md="of another run"))
        self.github.artifact(50, pack(diff_md="of another name"), name="labc-diff-two")
        expired = self.github.artifact(50, pack(diff_md="expired"))
        self.github.artifacts[expired]["expired"] = True
        self.assertIn("left no diff", self.run_one(50))
        self.assertEqual(self.writes(), [])

    def test_the_token_stays_with_the_api(self) -> None:
        self.usual()
        self.run_one(50)
        self.assertEqual(self.github.authorised_storage, [])

    def test_what_is_too_large_is_refused(self) -> None:
        self.github.pull(7, COMMIT)
        large = 21 * 1024 * 1024
        noise = random.Random(1).randbytes(large)
        cases = {
            "said to be too large": (pack(diff_md="x"), large),
            "too large, and said not to be": (pack_named([("noise", noise), ("diff.md", "x")], zipfile.ZIP_STORED), 10),
            "a bomb": (pack(diff_md="a" * 64 * 1024 * 1024), None),
            "a file a byte too long": (pack(diff_md="a" * (256 * 1024 + 1)), None),
            "too many files": (pack_named([(f"{number}", "") for number in range(20)] + [("diff.md", "x")]), None),
        }
        for name, (packed, size) in cases.items():
            with self.subTest(name):
                self.github.artifacts.clear()
                self.github.artifact(50, packed, size=size)
                self.refuses(50, "the artifact is refused: ")

    def test_a_bomb_that_lies_about_its_size_is_refused(self) -> None:
        self.github.pull(7, COMMIT)
        packed = bytearray(pack(diff_md="a" * 8 * 1024 * 1024))
        directory = packed.index(b"PK\x01\x02")
        packed[directory + 24 : directory + 28] = struct.pack("<I", 10)
        self.github.artifact(50, bytes(packed))
        process = self.start(50)
        process.communicate(timeout=60)
        self.assertTrue(all(len(body) < 1000 for body in self.github.bodies(7)))

    def test_hostile_names_are_not_followed(self) -> None:
        self.github.pull(7, COMMIT)
        before = sorted(ACTION.rglob("*"))
        names = ["../diff.md", "/tmp/labc-slip", "./diff.md", "a/../diff.md", "diff.md/", "DIFF.MD", "..\\diff.md"]
        self.github.artifact(50, pack_named([(name, "slip") for name in names]))
        process = self.start(50)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("files called diff.md", errors)
        self.assertFalse(pathlib.Path("/tmp/labc-slip").exists())
        self.assertEqual(sorted(ACTION.rglob("*")), before)

    def test_an_archive_that_is_none_is_refused(self) -> None:
        self.github.pull(7, COMMIT)
        good = pack(diff_md="fine", diff_json="{}")
        encrypted = bytearray(good)
        for at in (good.index(b"PK\x03\x04") + 6, good.index(b"PK\x01\x02") + 8):
            encrypted[at] |= 1
        unknown = bytearray(good)
        for at in (good.index(b"PK\x03\x04") + 8, good.index(b"PK\x01\x02") + 10):
            unknown[at] = 99
        with self.assertWarns(UserWarning):
            twice = pack_named([("diff.md", "one"), ("diff.md", "two")])
        for name, packed in {
            "nothing": b"",
            "no archive": b"<html>",
            "cut off": good[: len(good) // 2],
            "encrypted": bytes(encrypted),
            "packed in an unknown way": bytes(unknown),
            "the file twice": twice,
        }.items():
            with self.subTest(name):
                self.github.artifacts.clear()
                self.github.artifact(50, packed)
                self.refuses(50, "the artifact is refused: ")

    def test_every_damaged_archive_ends_with_a_message(self) -> None:
        sys.path.insert(0, str(ACTION))
        import artifact

        good = pack(diff_md="fine " * 40, diff_json="{}")
        random_one = random.Random(7)
        for _ in range(3000):
            packed = bytearray(good)
            for _ in range(random_one.randint(1, 4)):
                packed[random_one.randrange(len(packed))] = random_one.randrange(256)
            try:
                artifact.unpack(bytes(packed))
            except artifact.Refused:
                pass

    # What is said

    def test_failures_of_github_are_tried_again_or_told(self) -> None:
        self.usual()
        path = f"/repos/{REPOSITORY}/pulls"
        self.github.broken[path] = [502, 503]
        self.run_one(50)
        self.assertEqual(len(self.github.bodies(7)), 1)
        self.github.broken[path] = [403]
        process = self.start(50)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(errors, f"::error::GitHub refused: GET /pulls: 403\n")

    def test_nothing_of_the_artifact_is_printed(self) -> None:
        self.usual("::error::x\n::add-mask::y\n##[error]z\n" + TOKEN)
        said = self.run_one(50)
        self.assertEqual(said, "the comment of pull request 7 is written\n")

    def test_a_comment_always_fits(self) -> None:
        text = "<details><summary>ä</summary>\n\n" + "| `ü` | @x |\n```\nß\n```\n- [ ] #1 <b>\n" * 4000
        self.usual(text[: 200 * 1024])
        began = time.monotonic()
        self.run_one(50)
        self.assertLess(time.monotonic() - began, 10)
        [body] = self.github.bodies(7)
        self.assertLessEqual(len(body.encode()), 60_000)
        self.assertIn("The rest is left out here", body)
        self.assertEqual(len(re.findall("<details>", body)), len(re.findall("</details>", body)))


if __name__ == "__main__":
    unittest.main()
