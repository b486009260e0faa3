#!/usr/bin/env python3
"""Compares what two trees bring to a cluster: the one that runs it today, and the one that labc compiled.

    tests/compare.py OLD NEW [--set NAME=VALUE]... [--charts FOLDER [--helm HELM] [--api API]...] [--brief]

OLD and NEW are FOLDER:ENTRY: a checkout of a repository, and the folder in it that the engine reads first
(`~/homelab:kubernetes/flux/cluster`, `~/lab:out`). From there it goes wherever Flux' Kustomizations and Argo CD's
Applications lead, builds each folder as the engine would, and compares by identity:

- releases (HelmReleases, Applications with a chart) by namespace and release name: chart, version, values, and the
  namespace in which Helm keeps its record;
- objects, leaf by leaf. Lists whose items have names are compared by them, and what the API server fills in by itself
  is no difference. Of a Secret only the names of its keys are looked at.

With `--charts` it also renders every release of which FOLDER has the chart (`NAME-VERSION.tgz` as `helm pull` leaves it,
or a folder `NAME-VERSION` or `NAME`), compares what comes out, and says which objects leave a release for the tree itself:
Helm would delete those, unless they are told to stay. `--api` names what the cluster can do, as helm's `--api-versions`.

`cannot change` in front of a leaf: Kubernetes refuses it on an object that exists.

Objects that are the engine's own (Kustomizations, Applications, sources) have other names on both sides by nature:
they are counted and not compared, and what is suspended counts as if it were not. `patches`, `components` and `images` of a
Flux Kustomization are not applied, and ApplicationSets not followed. `--set` gives Flux' `postBuild` what it takes from a
Secret or ConfigMap of the cluster; a variable without a value stays as it is. It needs PyYAML and `kubectl`, and never asks
a cluster.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import yaml

ENGINE = {
    "argoproj.io",
    "helm.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "source.toolkit.fluxcd.io",
}
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")

# What the API server fills in, where one side says it and the other does not.
FILLED_IN = {
    "HTTPRoute": [
        (r"spec\.parentRefs\[.*\]\.group", "gateway.networking.k8s.io"),
        (r"spec\.parentRefs\[.*\]\.kind", "Gateway"),
        (r"spec\.rules\[.*\]\.backendRefs\[.*\]\.group", ""),
        (r"spec\.rules\[.*\]\.backendRefs\[.*\]\.kind", "Service"),
        (r"spec\.rules\[.*\]\.backendRefs\[.*\]\.weight", 1),
        (r"spec\.rules\[.*\]\.matches\[0\]\.path\.type", "PathPrefix"),
        (r"spec\.rules\[.*\]\.matches\[0\]\.path\.value", "/"),
    ],
    "Gateway": [
        (r"spec\.listeners\[.*\]\.tls\.mode", "Terminate"),
        (r"spec\.listeners\[.*\]\.tls\.certificateRefs\[.*\]\.group", ""),
        (r"spec\.listeners\[.*\]\.tls\.certificateRefs\[.*\]\.kind", "Secret"),
    ],
}

# What Kubernetes refuses to change on an object that exists.
FIXED = {
    "ClusterRoleBinding": r"roleRef\..*",
    "DaemonSet": r"spec\.selector\..*",
    "Deployment": r"spec\.selector\..*",
    "Job": r"spec\.(selector|template)\..*",
    "PersistentVolume": r"spec\.(nfs|csi|hostPath|local|volumeMode)\b.*",
    "PersistentVolumeClaim": r"spec\.(?!resources\.).*",
    "RoleBinding": r"roleRef\..*",
    "Service": r"spec\.clusterIPs?\b.*",
    "StatefulSet": r"spec\.(selector|serviceName|podManagementPolicy|volumeClaimTemplates)\b.*",
    "StorageClass": r"(provisioner|parameters|reclaimPolicy|volumeBindingMode)\b.*",
}

CLUSTER_WIDE = {
    "APIService", "CSIDriver", "CiliumL2AnnouncementPolicy", "CiliumLoadBalancerIPPool", "ClusterIssuer", "ClusterRole",
    "ClusterRoleBinding", "ClusterSecretStore", "CustomResourceDefinition", "GatewayClass", "IngressClass",
    "MutatingWebhookConfiguration", "Namespace", "PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
    "VolumeSnapshotClass",
}

MISSING = object()


class Loader(yaml.CSafeLoader):
    """YAML without dates and `=`: Kubernetes reads both as text."""


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in resolvers if pair[0].rpartition(":")[2] not in ("timestamp", "value")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(text, place):
    """The resources of a text; what is no resource is passed over."""
    try:
        documents = list(yaml.load_all(text, Loader))
    except yaml.YAMLError as error:
        sys.exit(f"{place}: {error}")
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "List":
            yield from document.get("items", [])
        elif isinstance(document, dict) and "kind" in document:
            yield document


def group(resource):
    """The API group; empty for Kubernetes' own first one."""
    version = resource.get("apiVersion", "")
    return version.rpartition("/")[0]


# --- what an engine makes of a folder


def build(folder, recurse):
    """The text of each file or build below a folder, with the place that it comes from."""
    if any((folder / name).is_file() for name in KUSTOMIZATIONS):
        command = ["kubectl", "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            print(f"note: left out, for kustomize does not build it: {folder}: {run.stderr.strip()}", file=sys.stderr)
        yield folder, run.stdout
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and recurse:
            yield from build(path, recurse)
        elif path.suffix in (".yaml", ".yml"):
            yield path, path.read_text()


def substitute(text, variables):
    """Flux' `postBuild`: ${NAME}, ${NAME:=default}, ${NAME:-default}, ${NAME/from/to}."""

    def value(match):
        name, operator, rest = match.groups()
        known = variables.get(name)
        if operator in (":=", ":-"):
            return rest if known is None else known
        if known is None:
            return match.group(0)
        if operator == "/":
            old, _, new = rest.partition("/")
            return known.replace(old, new, 1)
        return known

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:=|:-|/)([^}]*))?\}", value, text)


def sources(application):
    """The sources of an Application, one or several."""
    spec = application.get("spec", {})
    return spec.get("sources") or ([spec["source"]] if "source" in spec else [])


# --- a tree


class Tree:
    """Everything that an engine would bring to the cluster from one entry."""

    def __init__(self, argument, variables):
        folder, _, entry = argument.partition(":")
        self.root = pathlib.Path(folder).expanduser().resolve()
        if not (self.root / entry).is_dir():
            sys.exit(f"{argument}: there is no such folder")
        self.variables = variables
        self.seen = set()
        self.engine = 0
        self.all = []
        self.visit(entry or ".", lambda said: said, {}, True)
        self.objects = {}
        self.releases = {}
        self.sort()

    def visit(self, path, namespace, variables, recurse):
        """`namespace` is a function from the one that an object names to the one that it gets."""
        folder = (self.root / path.lstrip("/")).resolve()
        if (folder, namespace(None)) in self.seen:
            return
        self.seen.add((folder, namespace(None)))
        if not folder.is_dir():
            print(f"note: {self.root}: there is no folder {path}", file=sys.stderr)
            return
        for place, text in build(folder, recurse):
            if variables is not None:
                text = substitute(text, variables)
            for resource in load(text, place):
                self.take(resource, namespace)

    def take(self, resource, namespace):
        metadata = resource.setdefault("metadata", {})
        if resource["kind"] not in CLUSTER_WIDE:
            metadata["namespace"] = namespace(metadata.get("namespace"))
        self.all.append(resource)
        if group(resource) == "kustomize.toolkit.fluxcd.io":
            spec = resource.get("spec", {})
            post = spec.get("postBuild")
            variables = None if post is None else {**post.get("substitute", {}), **self.variables}
            target = spec.get("targetNamespace")
            self.visit(spec.get("path", "."), lambda said: target or said, variables, True)
        elif resource["kind"] == "ApplicationSet" and group(resource) == "argoproj.io":
            print(f"note: an ApplicationSet is not followed: {metadata.get('name')}", file=sys.stderr)
        elif resource["kind"] == "Application" and group(resource) == "argoproj.io":
            default = resource["spec"].get("destination", {}).get("namespace")
            for source in sources(resource):
                if "path" in source and "chart" not in source:
                    recurse = source.get("directory", {}).get("recurse", False)
                    self.visit(source["path"], lambda said: said or default, None, recurse)

    def sort(self):
        for resource in self.all:
            if resource["kind"] == "HelmRelease":
                self.add(self.releases, *self.helm_release(resource))
            elif resource["kind"] == "Application" and any("chart" in source for source in sources(resource)):
                self.add(self.releases, *self.application(resource))
            if group(resource) in ENGINE:
                self.engine += 1
            else:
                self.add(self.objects, identity(resource), content(resource))

    def add(self, into, name, value):
        if name in into and into[name] != value:
            print(f"note: {self.root} says {name} twice, and not the same", file=sys.stderr)
        into[name] = value

    def find(self, kind, name, *namespaces):
        for resource in self.all:
            metadata = resource["metadata"]
            if resource["kind"] == kind and metadata.get("name") == name and metadata.get("namespace") in namespaces:
                return resource
        return None

    def helm_release(self, resource):
        """As helm-controller names it: the target namespace is part of a name that is not said."""
        spec, metadata = resource["spec"], resource["metadata"]
        own = metadata.get("namespace") or "default"
        target = spec.get("targetNamespace")
        named = f"{target}-{metadata['name']}" if target else metadata["name"]
        name = spec.get("releaseName") or named
        chart = spec.get("chart", {}).get("spec", {})
        reference = spec.get("chartRef") or chart.get("sourceRef", {})
        source = self.find(reference.get("kind"), reference.get("name"), reference.get("namespace", own))
        published = {} if source is None else source["spec"]
        url = published.get("url", "unknown").rstrip("/")
        if spec.get("chartRef"):
            url, _, chart_name = url.rpartition("/")
            version = published.get("ref", {}).get("tag") or published.get("ref", {}).get("semver", "newest")
        else:
            chart_name, version = chart.get("chart"), chart.get("version", "newest")
        values = {}
        for part in spec.get("valuesFrom", []):
            held = self.find(part["kind"], part["name"], own)
            text = (held or {}).get("data", {}).get(part.get("valuesKey", "values.yaml"))
            if text is None:
                print(f"note: values of {name} come from {part['kind']} {part['name']}, which is not in Git", file=sys.stderr)
            else:
                values = merge(values, yaml.load(text, Loader) or {})
        content = {
            "chart": chart_name,
            "repository": url,
            "version": str(version),
            "record": spec.get("storageNamespace") or own,
            "values": merge(values, spec.get("values") or {}),
        }
        return f"release {target or own}/{name}", content

    def application(self, resource):
        """As Argo CD has Helm render it: files of values in order, then those that stand in the Application."""
        spec = resource["spec"]
        source = next(source for source in sources(resource) if "chart" in source)
        helm = source.get("helm", {})
        namespace = spec.get("destination", {}).get("namespace", "default")
        values = {}
        for file in helm.get("valueFiles", []):
            path = self.root / re.sub(r"^\$[^/]+/", "", file)
            if path.is_file():
                values = merge(values, yaml.load(path.read_text(), Loader) or {})
            else:
                print(f"note: there are no values {file} for {resource['metadata']['name']}", file=sys.stderr)
        values = merge(values, yaml.load(helm.get("values", "{}"), Loader) or {})
        values = merge(values, helm.get("valuesObject", {}))
        content = {
            "chart": source["chart"],
            "repository": source["repoURL"].rstrip("/").removeprefix("oci://"),
            "version": str(source.get("targetRevision")),
            "values": values,
        }
        return f"release {namespace}/{helm.get('releaseName', resource['metadata']['name'])}", content


def merge(under, over):
    """Maps become one, as Helm merges values."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    result = dict(under)
    for key, value in over.items():
        result[key] = merge(result[key], value) if key in result else value
    return result


def identity(resource):
    """Kind, group, namespace and name: what makes two resources the same one. Versions come and go."""
    metadata = resource["metadata"]
    kind = resource["kind"] + (f".{group(resource)}" if group(resource) else "")
    if resource["kind"] in CLUSTER_WIDE:
        return f"{kind} {metadata.get('name')}"
    return f"{kind} {metadata.get('namespace') or 'default'}/{metadata.get('name')}"


def content(resource):
    """What is compared of a resource."""
    if resource["kind"] == "Secret" and not group(resource):
        keys = {**resource.get("data", {}), **resource.get("stringData", {})}
        return {"keys": dict.fromkeys(sorted(keys), "(a value)"), "type": resource.get("type", "Opaque")}
    metadata = {key: value for key, value in resource["metadata"].items() if key in ("labels", "annotations")}
    rest = {key: value for key, value in resource.items() if key not in ("metadata", "kind", "sops", "status")}
    return {**rest, **({"metadata": metadata} if metadata else {})}


# --- what charts make


def render(tree, charts, helm, apis):
    """identity -> (content, release) of what a tree's releases make, where their charts are at hand."""
    made, missing = {}, []
    for release, said in sorted(tree.releases.items()):
        namespace, name = release.removeprefix("release ").split("/")
        exact = f"{said['chart']}-{said['version'].removeprefix('v')}"
        names = (f"{said['chart']}-{said['version']}.tgz", f"{exact}.tgz", exact, said["chart"])
        chart = next((charts / name for name in names if name and (charts / name).exists()), None)
        if chart is None:
            missing.append(f"{said['chart']} {said['version']}")
            continue
        command = [helm, "template", name, str(chart), "--namespace", namespace, "--values", "-", "--no-hooks"]
        command += [word for api in apis for word in ("--api-versions", api)]
        run = subprocess.run(command, input=json.dumps(said["values"]), capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{release}: {run.stderr.strip()}")
        for resource in load(run.stdout, release):
            if resource["kind"] not in CLUSTER_WIDE:
                resource["metadata"].setdefault("namespace", namespace)
            made[identity(resource)] = content(resource), release
    if missing:
        print(f"note: not rendered, for want of their charts: {', '.join(missing)}", file=sys.stderr)
    return made


# --- comparing


def leaves(value, path=""):
    """(path, value) for everything that is no map and no list; an empty one is a leaf too."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        named = all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value)
        unique = named and len({item["name"] for item in value}) == len(value)
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{item['name'] if unique else index}]")
    else:
        yield path, value


def differences(kind, old, new):
    old, new = dict(leaves(old)), dict(leaves(new))
    for path in sorted(old.keys() | new.keys()):
        one, other = old.get(path, MISSING), new.get(path, MISSING)
        if one == other and type(one) is type(other) or fills_in(kind, path, one, other):
            continue
        yield path, one, other


def fills_in(kind, path, one, other):
    said = other if one is MISSING else one
    if MISSING not in (one, other):
        return False
    return any(said == value and re.fullmatch(pattern, path) for pattern, value in FILLED_IN.get(kind, []))


def show(value):
    if value is MISSING:
        return "-"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:97] + "..."


def changes(name, old, new, brief):
    """Prints what differs; in brief only what cannot change."""
    kind = re.split(r"[. ]", name)[0]
    for path, one, other in differences(kind, old, new):
        fixed = kind in FIXED and re.fullmatch(FIXED[kind], path)
        if fixed or not brief:
            print(f"    {'cannot change ' if fixed else ''}{path}: {show(one)} -> {show(other)}")


def compare(title, old, new, brief):
    """Prints one side's own and what differs; returns the line that counts them."""
    only_old, only_new = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    both = sorted(old.keys() & new.keys())
    for heading, names in (("only in OLD", only_old), ("only in NEW", only_new)):
        for name in names:
            print(f"{heading}: {name}")
    differ = [name for name in both if any(differences(re.split(r"[. ]", name)[0], old[name], new[name]))]
    for name in differ:
        print(f"differs: {name}")
        changes(name, old[name], new[name], brief)
    counts = f"{len(both)} in both ({len(both) - len(differ)} equal, {len(differ)} differ)"
    return f"{title}: {counts}, {len(only_old)} only in OLD, {len(only_new)} only in NEW"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD", help="FOLDER:ENTRY of what runs today")
    parser.add_argument("new", metavar="NEW", help="FOLDER:ENTRY of what labc compiled, such as ~/lab:out")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of Flux' postBuild")
    parser.add_argument("--charts", type=pathlib.Path, metavar="FOLDER", help="charts, to render the releases too")
    parser.add_argument("--helm", default="helm", help="the program; default: helm")
    parser.add_argument("--api", action="append", default=[], help="GROUP/VERSION or GROUP/VERSION/KIND of the cluster")
    parser.add_argument("--brief", action="store_true", help="which differ, without the leaves")
    arguments = parser.parse_args()
    variables = dict(pair.split("=", 1) for pair in arguments.set)
    old, new = Tree(arguments.old, variables), Tree(arguments.new, variables)
    lines = [
        compare("releases", old.releases, new.releases, arguments.brief),
        compare("objects", old.objects, new.objects, arguments.brief),
    ]
    if arguments.charts:
        made = [render(tree, arguments.charts, arguments.helm, arguments.api) for tree in (old, new)]
        for name in sorted(made[0].keys() & new.objects.keys()):
            said, release = made[0].pop(name)
            print(f"leaves its {release}: {name}")
            changes(name, said, new.objects[name], arguments.brief)
        contents = [{name: said for name, (said, _) in one.items()} for one in made]
        lines.append(compare("made by releases", *contents, arguments.brief))
    print("\n".join(lines))
    print(f"the engine's own objects: {old.engine} in OLD, {new.engine} in NEW")


if __name__ == "__main__":
    main()
