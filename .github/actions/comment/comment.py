#!/usr/bin/env python3
"""Keeps one comment with the diff of a pull request up to date, from the artifact that an untrusted run left.

What this trusts: the event, GitHub's answers, and comments of its own author. What it does not: the artifact, and all
that the pull request's author chose. It runs no program, checks nothing out, writes no file, and prints no word that
came from outside but numbers. Exits with 1 where a comment was due and could not be written.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from typing import Any

import artifact
from github import Failed, GitHub
from markdown import sanitise

# GitHub takes 65,536 letters.
BODY = 60_000
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Done(Exception):
    """There is nothing to comment on, and that is fine; a phrase."""


@dataclass(frozen=True)
class Run:
    """The untrusted run that has ended."""

    id: int
    attempt: int
    commit: str
    branch: str
    source: str
    """The repository that the commit is from: a fork, or the one that was asked to pull."""

    @property
    def age(self) -> tuple[int, int]:
        return (self.id, self.attempt)


@dataclass(frozen=True)
class Comments:
    """The comments of a pull request that are this workflow's own."""

    github: GitHub
    pull: int
    author: str
    name: str

    def marker(self, run: Run) -> str:
        return f"<!-- {self.name} {run.id}.{run.attempt} -->"

    def own(self) -> list[tuple[int, tuple[int, int]]]:
        """The id of each, the oldest first, with the age of the run that it was written for."""
        marker = re.compile(rf"<!-- {self.name} (\d{{1,20}})\.(\d{{1,9}}) -->")
        found = []
        for comment in self.github.pages(f"/issues/{self.pull}/comments"):
            user = comment["user"] or {}
            # Anybody can write the marker; only GitHub says who wrote it.
            mark = marker.match(comment["body"] or "")
            if mark and user.get("login") == self.author and user.get("type") == "Bot":
                found.append((comment["id"], (int(mark[1]), int(mark[2]))))
        return sorted(found)

    def write(self, run: Run, body: str) -> str:
        """Leaves one comment, that of the newest run. What happened, as a phrase."""
        before = self.own()
        if not before:
            self.github.send("POST", f"/issues/{self.pull}/comments", {"body": body})
            # Another run may have seen no comment either: both look again, and come to the same end.
            return "written" if len(self.own()) == 1 else self.settle(run, body)
        return self.settle(run, body)

    def settle(self, run: Run, body: str) -> str:
        """The first comment stays and gets the text of the newest run; a run takes away only what no newer one needs."""
        found = self.own()
        if not found:
            return "taken away by somebody else"
        is_newest = max(age for _, age in found) <= run.age
        if is_newest:
            self.github.send("PATCH", f"/issues/comments/{found[0][0]}", {"body": body})
        for other, age in found[1:]:
            if is_newest or age == run.age:
                self.remove(other)
        return "updated" if is_newest else "left as a newer run wrote it"

    def remove(self, comment: int) -> None:
        try:
            self.github.send("DELETE", f"/issues/comments/{comment}")
        except Failed as failure:
            if failure.status != 404:
                raise


def ended(event: dict[str, Any], repository: str) -> Run:
    """The run that the event tells of."""
    run = event["workflow_run"]
    if event["repository"]["full_name"] != repository:
        raise Done("the event is of another repository")
    if run["event"] != "pull_request":
        raise Done("the run was not started by a pull request")
    if not run["head_repository"]:
        raise Done("the fork is gone")
    source = run["head_repository"]["full_name"]
    return Run(int(run["id"]), int(run["run_attempt"]), run["head_sha"], run["head_branch"], source)


def pull_request(github: GitHub, repository: str, run: Run) -> int:
    """The number of the open pull request whose head is the run's commit. The event names none for a fork, and the
    artifact is not asked."""
    owner = run.source.split("/")[0]
    pulls = github.pages("/pulls", state="open", head=f"{owner}:{run.branch}")
    found = [pull["number"] for pull in pulls if is_of(pull, repository, run)]
    if not found:
        raise Done("no open pull request has the run's commit as its head now")
    if len(found) > 1:
        raise Done("several pull requests have this head, and the run cannot be told to belong to one of them")
    return int(found[0])


def is_of(pull: dict[str, Any], repository: str, run: Run) -> bool:
    head, base = pull["head"], pull["base"]
    source = (head["repo"] or {}).get("full_name")
    return head["sha"] == run.commit and source == run.source and base["repo"]["full_name"] == repository


def body(marker: str, text: str, links: str) -> str:
    """The comment: the marker first, the stranger's text made harmless, and links that are this run's own."""
    room = BODY - len(f"{marker}\n{links}".encode())
    return f"{marker}\n{sanitise(text, room)}{links}"


def footer(server: str, repository: str, run: Run, found: int) -> str:
    place = f"{server}/{repository}/actions/runs/{run.id}"
    return f"\n\n---\n<sub>[the whole diff, as a page and as data]({place}/artifacts/{found}) · [the run]({place})</sub>\n"


def main() -> str:
    """Does all of it. What happened, as a phrase."""
    repository, name = os.environ["GITHUB_REPOSITORY"], os.environ["LABC_ARTIFACT"]
    if not NAME.fullmatch(name):
        sys.exit("::error::`artifact` is lowercase letters, digits and hyphens")
    with open(os.environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
        run = ended(json.load(file), repository)
    github = GitHub(os.environ["GITHUB_API_URL"], repository, os.environ["LABC_TOKEN"])
    found = artifact.find(github, run.id, name)
    if not found:
        raise Done("the run left no diff")
    text = artifact.text(github, found)
    comments = Comments(github, pull_request(github, repository, run), os.environ["LABC_AUTHOR"], name)
    links = footer(os.environ["GITHUB_SERVER_URL"], repository, run, int(found["id"]))
    done = comments.write(run, body(comments.marker(run), text, links))
    return f"the comment of pull request {comments.pull} is {done}"


if __name__ == "__main__":
    try:
        print(main())
    except Done as done:
        print(f"no comment: {done}")
    except artifact.Refused as refused:
        sys.exit(f"::error::the artifact is refused: {refused}")
    except Failed as failed:
        sys.exit(f"::error::GitHub refused: {failed}")
