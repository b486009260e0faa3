"""Prints what a Python library reads from YAML, as JSON, for comparison with other readers.

The argument names the library: pyyaml or ruamel. Input and output are those of go/main.go: a JSON string a line,
and {"documents": [...]} or {"error": "..."} for each. What JSON cannot tell apart is tagged: a float is
{"!float": "1.5"}, a time {"!time": "..."}, and a key that is no string {"!key": ...} in a list of pairs.
"""

import datetime
import json
import sys


def pyyaml(text):
    import yaml

    return list(yaml.safe_load_all(text))


def ruamel(text):
    from ruamel.yaml import YAML

    return list(YAML(typ="safe", pure=True).load_all(text))


def tag(value):
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: tag(item) for key, item in value.items()}
        return {"!pairs": [[tag(key), tag(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [tag(item) for item in value]
    if isinstance(value, float):
        return {"!float": repr(float(value))}
    if isinstance(value, (datetime.date, datetime.datetime)):
        return {"!time": value.isoformat()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return {"!" + type(value).__name__: str(value)}


def main():
    read = {"pyyaml": pyyaml, "ruamel": ruamel}[sys.argv[1]]
    for line in sys.stdin:
        try:
            outcome = {"documents": [tag(document) for document in read(json.loads(line))]}
        except Exception as problem:  # whatever the library raises is its answer
            outcome = {"documents": None, "error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(outcome), flush=False)


main()
