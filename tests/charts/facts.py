#!/usr/bin/env python3
"""Turns a Helm chart's folder into the facts that a module of the standard library relies on.

    facts.py --helm HELM --module NAME --namespace NAMESPACE --chart DIR --values FILE
             [--kubernetes v1.34.1] [--api GROUP/VERSION[/KIND]]... [--open PATH]... [--no-defaults] [--out DIR]

writes OUT/NAME.json (OUT is this file's folder). It needs Python 3 and a helm binary, nothing else, and no network:
subcharts must lie in DIR/charts as folders. The same chart, values and helm give the same bytes.

The chart is rendered twice, as `helm template NAME DIR --namespace NAMESPACE --include-crds` does: with the chart's own
defaults (`defaults`), and with FILE (`module`), which is the module's values.yaml as labc evaluates it for the
lab `tests/modules/NAME.toml` (`module.values` repeats it, so that a test can compare it with what labc writes). A chart
that refuses its own defaults is rendered with FILE alone (--no-defaults), and `defaults` is null.

    chart            name, version, appVersion
    values           every key of values.yaml, subcharts' under theirs: dotted path of a map -> its keys. A key that holds a
                     dot is quoted in the path. `key{}` is an empty map and `key?` null (both take anything below them),
                     `key[]` a list, `key+` one that only a template reads, without a default (anything below it); a key without
                     a mark is a scalar, or a map that has a path of its own.
    open             maps that have defaults, and take any other key nevertheless (--open)
    crds             group, kind, scope, versions served, folder: "crds" (never upgraded by Helm) or "templates"
    defaults, module
      objects        kind (with its group) -> namespace ("" where the chart names none) -> names, or only how many above 20
      services       name, namespace, labels, type, ports: [name, port]
      storage_classes, ingress_classes
                     names
      hooks          kind, name, hooks, and for pods what they name: each with `hook`, whether it is itself a hook of the
                     chart, and `made`, whether the chart makes it at all
      unstable       objects that differ between two renders of the same input: random values
    module.unknown   keys of FILE that the chart does not have

The files here were made with helm 3.17.3 and these maps open:

    argocd             configs.cm, configs.params
    blackbox-exporter  config.modules
    kube-prometheus-stack
                       grafana."grafana.ini"
    loki               loki.limits_config
    rook-ceph-cluster  cephClusterSpec.storage
    victoria-metrics   vmsingle.spec, vmagent.spec, vmalert.spec, alertmanager.spec, grafana."grafana.ini",
                       kubeControllerManager.service.selector, kubeScheduler.service.selector

What a release fills in where the repository has a placeholder (spegel, envoy-gateway: chart version and image) was filled
in, and a value without which a chart renders nothing was given in its values.yaml (k8s-gateway: domain). external-secrets
has its release's `bundle.yaml` in templates/crds, as its publisher puts it there, and app-template its library's values.yaml
for its own, which is where its values are read from.
mc-router went without its values.schema.json, which helm would read more of from the internet; tuppr with the CRDs of its
repository's config/crd/bases, which a release puts into the chart.

Labels that change with every version (`helm.sh/chart`, `app.kubernetes.io/version`) and the one that only Helm sets
(`app.kubernetes.io/managed-by`) are left out: no selector should use them.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile

WIDTH = 180
MANY = 20
FLEETING_LABELS = ("helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by")
USED = object()
POD_KINDS = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
CRD = "apiextensions.k8s.io/CustomResourceDefinition"
CONVERTER = """{{ range $path, $_ := .Files.Glob "in/*" }}
---
# {{ $path }}
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ base $path }} }
json: {{ $.Files.Get $path | fromYaml | toJson | quote }}
{{ end }}"""


def main():
    args = arguments()
    defaults, again = ([], []) if args.no_defaults else (render(args, []), render(args, []))
    own, own_again = (render(args, ["--values", args.values]) for _ in range(2))
    given = to_json(args.helm, {"values": read(args.values)})["values"]
    chart_values = merged_defaults(args.chart, args.helm)
    facts = {
        "chart": chart_name(args),
        "values": value_keys(chart_values),
        "open": sorted(args.open),
        "crds": crds(defaults + own),
        "defaults": None if args.no_defaults else facts_of(defaults, again),
        "module": dict(facts_of(own, own_again), values=given, unknown=unknown_keys(given, chart_values, args.open)),
    }
    write(args.out, args.module + ".json", block(facts, 0) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("helm", "module", "namespace", "chart", "values"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--kubernetes", default="v1.34.1")
    parser.add_argument("--api", action="append", default=[])
    parser.add_argument("--open", action="append", default=[])
    parser.add_argument("--no-defaults", action="store_true")
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    return parser.parse_args()


# --- YAML, read by helm itself -------------------------------------------------------------------


def to_json(helm, documents):
    """Each YAML text of the map as plain data: helm's own parser reads it."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "Chart.yaml", "apiVersion: v2\nname: convert\nversion: 0.0.0\n")
        write(folder, "templates/out.yaml", CONVERTER)
        names = {"d%06d" % index: key for index, key in enumerate(documents)}
        for name, key in names.items():
            write(folder, "in/" + name, documents[key])
        text = run(helm, ["template", "convert", folder])
    found = re.findall(r"^metadata: \{ name: (d\d+) \}\njson: (.*)$", text, re.M)
    parsed = {names[name]: json.loads(json.loads(line)) for name, line in found}
    for key, document in parsed.items():
        if "Error" in document:
            raise SystemExit("%s: %s" % (key, document["Error"]))
    return parsed


def render(args, extra):
    """The objects that the chart makes, hooks and CRDs included, in helm's order."""
    command = ["template", args.module, args.chart, "--namespace", args.namespace, "--include-crds"]
    command += ["--kube-version", args.kubernetes] + extra
    for version in args.api:
        command += ["--api-versions", version]
    texts = re.split(r"^---(?:[ \t].*)?$", run(args.helm, command), flags=re.M)
    named = {"%05d" % index: text for index, text in enumerate(texts) if has_content(text)}
    objects = to_json(args.helm, named)
    found = []
    for index in sorted(named):
        thing = objects[index]
        if thing:
            source = re.search(r"^# Source: (\S+)", named[index], re.M)
            found.append((thing, source.group(1) if source else "", named[index]))
    return found


def has_content(text):
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def run(helm, arguments):
    done = subprocess.run([helm] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit("helm %s\n%s" % (" ".join(arguments), done.stderr))
    return done.stdout


# --- the chart's values --------------------------------------------------------------------------


def chart_name(args):
    chart = to_json(args.helm, {"chart": read(args.chart, "Chart.yaml")})["chart"]
    return {key: str(chart[key]) for key in ("name", "version", "appVersion") if key in chart}


def merged_defaults(folder, helm):
    """values.yaml with the subcharts' values under their keys; `global` of all of them together.

    A key that only a template reads is there too, as USED.
    """
    documents = to_json(helm, {"chart": read(folder, "Chart.yaml"), "values": read(folder, "values.yaml")})
    alias = {entry["name"]: entry.get("alias") or entry["name"] for entry in documents["chart"].get("dependencies") or []}
    merged = {}
    for name in sorted(os.listdir(os.path.join(folder, "charts")) if os.path.isdir(os.path.join(folder, "charts")) else []):
        below = merged_defaults(os.path.join(folder, "charts", name), helm)
        merge(merged, {"global": below.pop("global", {})})
        merge(merged, {alias.get(name, name): below})
    merge(merged, documents["values"])
    if merged.get("global") == {} and "global" not in documents["values"]:
        del merged["global"]
    for path in sorted(template_paths(folder)):
        add_used(merged, path)
    return merged


def template_paths(folder):
    """What the chart's own templates read of `.Values`, as tuples of keys."""
    found = set()
    for place, _, files in os.walk(os.path.join(folder, "templates")):
        for name in files:
            found.update(re.findall(r"\.Values((?:\.[A-Za-z_]\w*)+)", read(place, name)))
    return {tuple(path[1:].split(".")) for path in found}


def add_used(values, path):
    """Adds the first key of the path that no default has, where the map around it has others."""
    for key in path:
        if key not in values:
            values[key] = USED
            return
        values = values[key]
        if not isinstance(values, dict) or not values:
            return


def merge(base, over):
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


def value_keys(values):
    keys = {}
    collect_keys(values, "", keys)
    return {path: keys[path] for path in sorted(keys)}


def collect_keys(values, path, keys):
    marks = []
    for key, value in values.items():
        mark = "+" if value is USED else {dict: "" if value else "{}", list: "[]", type(None): "?"}.get(type(value), "")
        marks.append(key + mark)
        if isinstance(value, dict) and value:
            collect_keys(value, join(path, key), keys)
    keys[path] = sorted(marks)


def unknown_keys(given, defaults, open_maps, path=""):
    unknown = []
    for key, value in given.items():
        here = join(path, key)
        if here in open_maps:
            continue
        if key not in defaults:
            unknown.append(here)
        elif isinstance(value, dict) and isinstance(defaults[key], dict) and defaults[key]:
            unknown += unknown_keys(value, defaults[key], open_maps, here)
    return sorted(unknown)


def join(path, key):
    part = '"%s"' % key if "." in key else key
    return path + "." + part if path else part


# --- what the chart makes ------------------------------------------------------------------------


def facts_of(objects, again):
    services, storage, ingress = [], [], []
    for thing, _, _ in objects:
        kind = kind_of(thing)
        if kind == "Service":
            services.append(service(thing))
        elif kind == "storage.k8s.io/StorageClass":
            storage.append(thing["metadata"]["name"])
        elif kind == "networking.k8s.io/IngressClass":
            ingress.append(thing["metadata"]["name"])
    return {
        "objects": object_names(objects),
        "services": sorted(services, key=lambda found: (found["namespace"], found["name"])),
        "storage_classes": sorted(storage),
        "ingress_classes": sorted(ingress),
        "hooks": hooks(objects),
        "unstable": unstable(objects, again),
    }


def object_names(objects):
    found = {}
    for thing, _, _ in objects:
        if kind_of(thing) != CRD:
            meta = thing.get("metadata") or {}
            names = found.setdefault(kind_of(thing), {}).setdefault(meta.get("namespace", ""), [])
            names.append(meta.get("name"))
    return {kind: {place: listed(names) for place, names in sorted(places.items())} for kind, places in sorted(found.items())}


def listed(names):
    return sorted(names) if len(names) <= MANY else len(names)


def text_ids(objects):
    return [(kind_of(thing), name_of(thing), text) for thing, _, text in objects]


def unstable(objects, again):
    differing = set(text_ids(objects)) ^ set(text_ids(again))
    return sorted({"%s %s" % (kind, name) for kind, name, _ in differing})


def kind_of(thing):
    group = thing.get("apiVersion", "").rpartition("/")[0]
    return (group + "/" if group else "") + thing.get("kind", "")


def name_of(thing):
    meta = thing.get("metadata") or {}
    return (meta["namespace"] + "/" if meta.get("namespace") else "") + str(meta.get("name"))


def service(thing):
    meta, spec = thing["metadata"], thing["spec"]
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key not in FLEETING_LABELS}
    return {
        "name": meta["name"],
        "namespace": meta.get("namespace", ""),
        "type": spec.get("type", "ClusterIP"),
        "ports": [[port.get("name", ""), port["port"]] for port in spec.get("ports") or []],
        "labels": labels,
    }


def crds(objects):
    found = {}
    for thing, source, _ in objects:
        if kind_of(thing) == CRD:
            spec = thing["spec"]
            found[(spec["group"], spec["names"]["kind"])] = {
                "group": spec["group"],
                "kind": spec["names"]["kind"],
                "scope": spec["scope"],
                "versions": [version["name"] for version in spec["versions"] if version.get("served")],
                "folder": "templates" if "/templates/" in source else "crds",
            }
    return [found[key] for key in sorted(found)]


def hooks(objects):
    made = {(kind_of(thing), thing["metadata"]["name"]): thing for thing, _, _ in objects if thing.get("metadata")}
    found = []
    for (kind, name), thing in sorted(made.items()):
        hook = hook_of(thing)
        if hook:
            entry = {"kind": kind, "name": name, "hooks": sorted(part.strip() for part in hook.split(","))}
            names = pod_references(thing)
            if names:
                entry["names"] = [
                    {"kind": k, "name": n, "made": (k, n) in made, "hook": bool(hook_of(made.get((k, n), {})))} for k, n in sorted(names)
                ]
            found.append(entry)
    return found


def hook_of(thing):
    return ((thing.get("metadata") or {}).get("annotations") or {}).get("helm.sh/hook", "")


def pod_references(thing):
    """What the pods of an object name: (kind, name)."""
    spec = thing
    for key in POD_KINDS.get(thing.get("kind"), ("spec", "template", "spec")):
        spec = spec.get(key) if isinstance(spec, dict) else None
    if not isinstance(spec, dict):
        return set()
    found = set()
    if spec.get("serviceAccountName"):
        found.add(("ServiceAccount", spec["serviceAccountName"]))
    for volume in spec.get("volumes") or []:
        add(found, "Secret", (volume.get("secret") or {}).get("secretName"))
        add(found, "ConfigMap", (volume.get("configMap") or {}).get("name"))
        add(found, "PersistentVolumeClaim", (volume.get("persistentVolumeClaim") or {}).get("claimName"))
    for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
        for source in container.get("envFrom") or []:
            add(found, "Secret", (source.get("secretRef") or {}).get("name"))
            add(found, "ConfigMap", (source.get("configMapRef") or {}).get("name"))
        for variable in container.get("env") or []:
            source = variable.get("valueFrom") or {}
            add(found, "Secret", (source.get("secretKeyRef") or {}).get("name"))
            add(found, "ConfigMap", (source.get("configMapKeyRef") or {}).get("name"))
    return found


def add(found, kind, name):
    if name:
        found.add((kind, name))


# --- files ---------------------------------------------------------------------------------------


def block(value, depth):
    """JSON with sections and their keys on their own lines, and below that as much on a line as fits."""
    short = json.dumps(value, ensure_ascii=False, sort_keys=depth > 1)
    if not value or not isinstance(value, (dict, list)) or (depth > 1 and len(short) < WIDTH):
        return short
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        keys = value if depth < 2 else sorted(value)
        lines = [pad + json.dumps(key, ensure_ascii=False) + ": " + block(value[key], depth + 1) for key in keys]
        return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
    return "[\n" + ",\n".join(pad + line for line in packed(value)) + "\n" + " " * depth + "]"


def packed(items):
    """Items as JSON: short texts fill lines, anything else has its own."""
    lines = []
    for item in items:
        text = json.dumps(item, ensure_ascii=False, sort_keys=True)
        if isinstance(item, str) and lines and len(lines[-1]) + len(text) < WIDTH and lines[-1].endswith('"'):
            lines[-1] += ", " + text
        else:
            lines.append(text)
    return lines


def read(*parts):
    path = os.path.join(*parts)
    if not os.path.exists(path):
        return "{}"
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


if __name__ == "__main__":
    main()
