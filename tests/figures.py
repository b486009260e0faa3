#!/usr/bin/env python3
"""What labc costs, beside what copying and hashing the same tree costs.

Whole processes, a release build, on a memory file system where there is one; the two sides run in turns, so that both
see the same machine. Prints a line a lab and figure; with --strict the exit is 1 where a promise of the README is missed.

    cargo build --release && tests/figures.py
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What the README promises: times of the yardstick, and bytes.
COLD = 3.0
WARM = 2.0
TEN_TIMES = 11.0
# Components of the lab whose commits are checked and compared; what a check costs above compiling alone, in times of `git
# status`; and what a diff costs above compiling twice, in times of `git diff --stat`.
COMMITTED = 100
COMMIT = 2.0
DIFF = 3.0
KILOBYTES_A_COMPONENT = 60.0

BASE = """\
[lab]
format = 1
name = "scale"
domain = "example.org"
engine = "argocd"

[repository]
url = "https://git.example.org/lab.git"
branch = "main"

[cluster]
talos = "v1.12.4"
contract = "v1.12"
kubernetes = "v1.35.0"

[network]
nodes = "10.1.0.0/24"
gateway = "10.1.0.1"
load_balancer = ["10.1.0.100-10.1.0.110"]

[nodes]
cp-1 = { role = "controlplane", address = "10.1.0.10", disk = "/dev/sda" }
worker-1 = { role = "worker", address = "10.1.0.21", disk = "/dev/sda" }

[infrastructure.argocd]
version = "9.7.1"

[infrastructure.metallb]
version = "0.15.3"

[infrastructure.traefik]
version = "38.0.2"
address = "10.1.0.100"

[infrastructure.longhorn]
version = "1.10.2"
"""

# Five files each: Application, Deployment, Service, Ingress, PersistentVolumeClaim.
APP = """
[apps.app-{number:05}]
module = "workload"
namespace = "group-{group:03}"
image = "ghcr.io/example/app-{number:05}:1.{minor}.{patch}"
port = {port}
expose = "app-{number:05}"
storage.data = {{ size = "1Gi", mount = "/data" }}
"""


def generate(folder: pathlib.Path, components: int) -> None:
    folder.mkdir(parents=True)
    apps = (
        APP.format(number=number, group=number // 50, minor=number % 90, patch=number % 7, port=8000 + number % 1000)
        for number in range(components)
    )
    (folder / "lab.toml").write_text(BASE + "".join(apps))


def copy_of_root(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "lab.toml", folder)
    # The modules of the root lab are the library itself, which the binary carries.


def real_labs() -> list[str]:
    """The labs of real systems, but the one at the root."""
    names = sorted(path.stem for path in (ROOT / "tests/claims").glob("*.toml"))
    return [name for name in names if (ROOT / "tests/labs" / name).is_dir()]


def make(name: str, components: int, folder: pathlib.Path) -> None:
    if components:
        generate(folder, components)
    elif name == "root":
        copy_of_root(folder)
    else:
        shutil.copytree(ROOT / "tests/labs" / name, folder, ignore=shutil.ignore_patterns("out", "lab.lock", ".labc"))


def run(command: list[str] | str, folder: pathlib.Path) -> tuple[float, int]:
    """Wall time in seconds and the largest resident set in KiB of a whole process."""
    begin = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        shell = isinstance(command, str)
        process = subprocess.Popen(command, cwd=folder, stdout=nowhere, stderr=subprocess.PIPE, shell=shell)
        assert process.stderr is not None
        talk = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{command} in {folder} failed:\n{talk.decode(errors='replace')}")
    process.returncode = 0
    return elapsed, usage.ru_maxrss


COPY_AND_HASH = "cp -r out copy && find copy -type f -print0 | xargs -0 sha256sum"
HASH = "find out -type f -print0 | xargs -0 sha256sum"


class Lab:
    def __init__(self, labc: str, folder: pathlib.Path, rounds: int) -> None:
        self.labc, self.folder = labc, folder
        self.times: dict[str, list[float]] = {}
        self.memory = 0
        self.build_cold()
        for _ in range(rounds):
            self.round()

    def note(self, name: str, seconds: float) -> None:
        self.times.setdefault(name, []).append(seconds)

    def build_cold(self) -> float:
        for name in ["out", "lab.lock", ".labc"]:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
        seconds, memory = run([self.labc, "build", "--quiet"], self.folder)
        self.memory = max(self.memory, memory)
        return seconds

    def round(self) -> None:
        self.note("copy", run(COPY_AND_HASH, self.folder)[0])
        shutil.rmtree(self.folder / "copy")
        self.note("cold", self.build_cold())
        self.note("hash", run(HASH, self.folder)[0])
        before = marks(self.folder)
        self.note("warm", run([self.labc, "build", "--quiet"], self.folder)[0])
        if marks(self.folder) != before:
            sys.exit(f"{self.folder}: a second build wrote something")
        self.note("hash", run(HASH, self.folder)[0])
        self.note("check", run([self.labc, "check", "--quiet"], self.folder)[0])

    def commit(self, rounds: int) -> None:
        """A check of the committed lab from Git's objects, beside `git status` and compiling alone."""
        git = ["git", "-c", "user.name=labc", "-c", "user.email=labc@example.org"]
        for command in [["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "the lab"], ["gc", "--quiet"]]:
            run([*git, *command], self.folder)
        for _ in range(rounds):
            self.note("status", run([*git, "status", "--porcelain"], self.folder)[0])
            self.note("compile", run([self.labc, "show", "--quiet"], self.folder)[0])
            self.note("ref", run([self.labc, "check", "--quiet", "--ref", "HEAD"], self.folder)[0])

    def diff(self, rounds: int) -> None:
        """A diff of a commit that bumps one version, beside `git diff --stat` and compiling alone."""
        git = ["git", "-c", "user.name=labc", "-c", "user.email=labc@example.org"]
        lab = self.folder / "lab.toml"
        lab.write_text(bumped(lab.read_text()))
        run([self.labc, "build", "--quiet"], self.folder)
        run([*git, "commit", "--quiet", "--all", "-m", "a version"], self.folder)
        for _ in range(rounds):
            self.note("stat", run([*git, "diff", "--stat", "HEAD~1..HEAD"], self.folder)[0])
            self.note("compile once", run([self.labc, "show", "--quiet"], self.folder)[0])
            self.note("diff", run([self.labc, "diff", "HEAD~1..HEAD"], self.folder)[0])

    def middle(self, name: str) -> float:
        return statistics.median(self.times[name])


def bumped(lab: str) -> str:
    """The lab with another version of its first image."""
    before, found, rest = lab.partition(":1.")
    assert found, "there is no image to bump"
    return f"{before}:1.9{rest}"


def marks(folder: pathlib.Path) -> list[tuple[str, int, int]]:
    """Every file with its inode and time of change."""
    files = [*folder.joinpath("out").rglob("*"), folder / "lab.lock"]
    return sorted((str(file), file.stat().st_ino, file.stat().st_mtime_ns) for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labc", default=str(ROOT / "target/release/labc"))
    parser.add_argument("--sizes", default="100,1000,10000", help="components of the generated labs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--strict", action="store_true", help="exit 1 where a promise is missed")
    arguments = parser.parse_args()
    memory_disk = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    missed = []

    def promise(what: str, value: float, limit: float, unit: str = "") -> str:
        if value > limit:
            missed.append(f"{what}: {value:.2f}{unit}, promised {limit:g}{unit}")
        return f"{value:.2f}{unit}"

    with tempfile.TemporaryDirectory(dir=memory_disk) as base:
        labs: list[tuple[str, int, Lab]] = []
        print(f"{'lab':>10} {'files':>7} {'cp+sha':>8} {'sha':>8} {'cold':>8} {'warm':>8} {'check':>8}   ratios cold, warm, check    memory")
        sizes = list(map(int, arguments.sizes.split(",")))
        cases = [(name, 0) for name in ["root", *real_labs()]] + [(str(size), size) for size in sizes]
        for name, size in cases:
            folder = pathlib.Path(base) / name
            make(name, size, folder)
            rounds = arguments.rounds if size > 500 else 4 * arguments.rounds
            lab = Lab(arguments.labc, folder, rounds)
            files = sum(1 for file in (folder / "out").rglob("*") if file.is_file())
            cold = promise(f"{name}: a cold build", lab.middle("cold") / lab.middle("copy"), COLD)
            warm = promise(f"{name}: a build that changes nothing", lab.middle("warm") / lab.middle("hash"), WARM)
            check = promise(f"{name}: a check", lab.middle("check") / lab.middle("hash"), WARM)
            times = " ".join(f"{1000 * lab.middle(key):6.1f}ms" for key in ["copy", "hash", "cold", "warm", "check"])
            print(f"{name:>10} {files:>7} {times}   {cold}, {warm}, {check}    {lab.memory / 1024:.0f} MiB", flush=True)
            if size == COMMITTED:
                lab.commit(rounds)
                above = (lab.middle("ref") - lab.middle("compile")) / lab.middle("status")
                said = promise(f"{name}: a check of a commit, above compiling", above, COMMIT)
                times = ", ".join(f"{key} {1000 * lab.middle(key):.1f}ms" for key in ["status", "compile", "ref"])
                print(f"{'':>10} a commit: git {times}: {said} times git status above compiling", flush=True)
                lab.diff(rounds)
                above = (lab.middle("diff") - 2 * lab.middle("compile once")) / lab.middle("stat")
                said = promise(f"{name}: a diff of two commits, above compiling both", above, DIFF)
                times = ", ".join(f"{key} {1000 * lab.middle(key):.1f}ms" for key in ["stat", "compile once", "diff"])
                print(f"{'':>10} a diff: git {times}: {said} times git diff --stat above compiling twice", flush=True)
            labs.append((name, size, lab))
            shutil.rmtree(folder / "out")
        base_memory = labs[0][2].memory
        generated = [lab for lab in labs if lab[1]]
        for (small, fewer, one), (large, more, ten) in zip(generated, generated[1:]):
            if more == 10 * fewer:
                for key in ["cold", "check"]:
                    factor = ten.middle(key) / one.middle(key)
                    said = promise(f"{small} to {large} components, {key}", factor, TEN_TIMES)
                    print(f"{small} to {large} components: {key} takes {said} times as long")
        for name, size, lab in generated:
            if size >= 1000:
                each = (lab.memory - base_memory) / size
                said = promise(f"{name}: memory a component", each, KILOBYTES_A_COMPONENT, " KiB")
                print(f"{name} components: {said} of memory each above the root lab")
    for line in missed:
        print(f"missed: {line}")
    if missed and arguments.strict:
        sys.exit(1)


if __name__ == "__main__":
    main()
