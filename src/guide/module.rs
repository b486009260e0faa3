//! The files of a new module: small, and right as they are.

/// Path below the module's folder, and text.
pub type File = (&'static str, String);

/// A module of a chart with an input, a Service and a manifest, to be changed by whoever made it.
pub fn scaffold(name: &str) -> Vec<File> {
    vec![
        ("module.toml", declaration(name)),
        ("values.yaml", values()),
        ("manifests/settings.yaml", manifest()),
    ]
}

fn declaration(name: &str) -> String {
    format!(
        r#"# What {name} deploys, needs and offers. `labc module show {name}` prints it as a page.

[module]
summary = "One line that says what {name} is"
doc = """
What a person should know before they take it.
"""
group = "apps"
pod_security = "baseline"       # what its pods need of the namespace: restricted, baseline or privileged

[chart]                         # leave it out where manifests/ are all there is, and values.yaml with it
repository = "https://charts.example.org"
name = "{name}"
tested = "1.0.0"                # the version that this module was tried with: `labc add` writes it

# What a component may say. Derive what can be derived: a default may be an expression.
[inputs.replicas]
type = "integer"
doc = "How many run."
default = 1
min = 1

[inputs.log_level]
type = "enum"
values = ["debug", "info", "warn"]
doc = "How much it says."
default = "info"

# The Services that the chart makes: `expose` takes `ui` or `main`, `monitor` the one with `metrics`.
[services.main]
name = "${{{{ component.name }}}}"
port = 80
port_name = "http"

# What others may read: `${{{{ components.{name}.outputs.service }}}}`, with brackets where the name has a hyphen.
[outputs]
service = "${{{{ component.name }}}}"
"#
    )
}

fn values() -> String {
    r"# The chart's values. An expression alone keeps its type; a quoted one is text.
replicaCount: ${{ inputs.replicas }}
existingConfigMap: ${{ component.name }}-settings
"
    .to_owned()
}

fn manifest() -> String {
    r#"# Resources beside the chart. The component's namespace is added where none is written.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${{ component.name }}-settings
data:
  LOG_LEVEL: "${{ inputs.log_level }}"
  TZ: "${{ lab.timezone }}"
"#
    .to_owned()
}
