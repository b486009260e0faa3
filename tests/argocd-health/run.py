#!/usr/bin/env python3
"""Runs labc's health rule for Argo CD Applications over sample Applications, in a real Lua.

    run.py [--lua lua5.1] [--script modules/argocd/files/application-health.lua] [--cases cases.json]

prints a JSON list with an entry a case: name, expect, status, message, ok. It exits with 1 if one is not as expected. Argo CD embeds
Lua 5.1 with the basic and the table library alone; here too a script that uses another one fails. Python 3 and a lua binary (5.1 to
5.4), nothing else.

In cases.json a text `@NAME` stands for that one of its `parts`.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PRELUDE = """
local write, format, run = io.write, string.format, loadstring or load
for _, name in ipairs({ "string", "math", "io", "os", "debug", "coroutine", "utf8", "bit32", "require", "dofile", "loadfile" }) do
  _G[name] = nil
end
getmetatable("").__index = nil
local script = %s
local objects = { %s }
for _, object in ipairs(objects) do
  obj = object
  local ok, health = pcall(assert(run(script)))
  if ok then
    write(format("%%q\\0%%q\\0", health.status, health.message or ""))
  else
    write(format("%%q\\0%%q\\0", "error", health))
  end
end
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lua", default="lua5.1")
    parser.add_argument("--script", default=os.path.join(HERE, "../../modules/argocd/files/application-health.lua"))
    parser.add_argument("--cases", default=os.path.join(HERE, "cases.json"))
    args = parser.parse_args()
    data = json.loads(read(args.cases))
    cases = data["cases"]
    found = health(args.lua, read(args.script), [filled(case["application"], data["parts"]) for case in cases])
    results = [
        {"name": case["name"], "expect": case["expect"], "status": status, "message": message, "ok": status == case["expect"]}
        for case, (status, message) in zip(cases, found)
    ]
    print("[\n" + ",\n".join(" " + json.dumps(result) for result in results) + "\n]")
    return 0 if all(result["ok"] for result in results) else 1


def health(lua, script, applications):
    """(status, message) of each Application."""
    program = PRELUDE % (literal(script), ", ".join(literal(application) for application in applications))
    done = subprocess.run([lua, "-"], input=program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    texts = [unquoted(part) for part in done.stdout.split("\0")[:-1]]
    if len(texts) != 2 * len(applications):
        raise SystemExit("%d answers to %d cases" % (len(texts) // 2, len(applications)))
    return list(zip(texts[::2], texts[1::2]))


def filled(value, parts):
    """The value with each `@NAME` in it replaced."""
    if isinstance(value, str) and value.startswith("@"):
        return filled(parts[value[1:]], parts)
    if isinstance(value, dict):
        return {key: filled(item, parts) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, parts) for item in value]
    return value


def literal(value):
    """JSON data as a Lua expression."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join("\\%03d" % byte if byte < 32 or byte > 126 or byte in b'"\\' else chr(byte) for byte in value.encode()) + '"'
    if isinstance(value, list):
        return "{ " + ", ".join(literal(item) for item in value) + " }"
    return "{ " + ", ".join("[%s] = %s" % (literal(key), literal(item)) for key, item in value.items()) + " }"


def unquoted(text):
    """What Lua's %q wrote, back as text."""
    return text[1:-1].replace("\\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
