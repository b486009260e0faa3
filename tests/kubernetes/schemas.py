#!/usr/bin/env python3
"""Turns Kubernetes' own OpenAPI document into JSON Schemas that refuse unknown fields, one a kind, for kubeconform.

    schemas.py api/openapi-spec/swagger.json FOLDER

writes FOLDER/KIND-GROUP-VERSION.json (FOLDER/KIND-VERSION.json for the core group), the names that kubeconform looks for.
Two types are not what the document says: a quantity and a port may be numbers as well as text.
"""

import json
import pathlib
import sys

PREFIX = "#/definitions/"
KINDS = "x-kubernetes-group-version-kind"
# https://pkg.go.dev/k8s.io/apimachinery: resource.Quantity and intstr.IntOrString have their own readers.
LOOSE = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}


def strict(schema):
    """The schema without documentation, refusing fields that it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(part) for key, part in schema.items() if key != "description" and not key.startswith("x-")}
    if isinstance(schema.get("properties"), dict):
        # a field may itself be called `description`
        made["properties"] = {key: strict(part) for key, part in schema["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


def used(schema, found):
    """The definitions that a schema refers to, and those that they refer to."""
    if isinstance(schema, list):
        for part in schema:
            used(part, found)
    elif isinstance(schema, dict):
        name = schema.get("$ref")
        if isinstance(name, str) and name.startswith(PREFIX) and name.removeprefix(PREFIX) not in found:
            found.add(name.removeprefix(PREFIX))
            used(DEFINITIONS[name.removeprefix(PREFIX)], found)
        for part in schema.values():
            used(part, found)


def file_name(kind):
    group = kind["group"].split(".")[0]
    parts = [kind["kind"], group, kind["version"]]
    return "-".join(part for part in parts if part).lower() + ".json"


source, folder = sys.argv[1:]
definitions = json.loads(pathlib.Path(source).read_text())["definitions"]
DEFINITIONS = {name: LOOSE.get(name) or strict(schema) for name, schema in definitions.items()}
folder = pathlib.Path(folder)
folder.mkdir(parents=True, exist_ok=True)
for name, original in definitions.items():
    kinds = original.get(KINDS, [])
    # one of several kinds is an option of another object (DeleteOptions), not an object that somebody writes
    if len(kinds) != 1 or "kind" not in original.get("properties", {}):
        continue
    kind = kinds[0]
    schema = dict(DEFINITIONS[name])
    version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
    schema["properties"] = {
        **schema["properties"],
        "apiVersion": {"enum": [version]},
        "kind": {"enum": [kind["kind"]]},
    }
    schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind", "metadata"} & set(schema["properties"]))
    found = set()
    used(schema, found)
    schema["definitions"] = {one: DEFINITIONS[one] for one in sorted(found)}
    (folder / file_name(kind)).write_text(json.dumps(schema, separators=(",", ":")))
