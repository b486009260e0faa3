//! `labc init`: the first `lab.toml`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::output::{self, misused, say};
use super::questions::{Question, Questions};
use super::{Common, Exit};
use crate::compile;
use crate::diag::Diagnostics;
use crate::guide::lab::{self, Answers, KUBERNETES, Node, TALOS, usual_gateway, usual_network};
use crate::guide::shelf;
use crate::parse::LAB;
use crate::parse::domain::{
    IpRange, Version, check_host, check_label, check_url, parse_address, parse_network,
};
use crate::world::{Failure, Folder, Mode, Read, World, console};

/// The line of .gitignore that keeps labc's journal out of Git.
const IGNORED: &str = ".labc/";

/// What Git is told of the lab's files: of what is locked by hash it changes no byte on any system, and what is compiled
/// starts folded in a review.
const ATTRIBUTES: [&str; 3] = [
    "out/** -text linguist-generated",
    "lab.lock -text linguist-generated",
    "secrets/** -text",
];

/// What it is told of all other text, where nobody told it anything yet: its line ends are in hashes, too.
const EVERY_FILE: &str = "* text=auto eol=lf";

/// Write the lab.toml of a new lab
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The lab's name; default: the folder's
    #[arg(long)]
    name: Option<String>,
    /// The domain that hosts without a dot get
    #[arg(long)]
    domain: Option<String>,
    /// A time zone such as Europe/Berlin
    #[arg(long)]
    timezone: Option<String>,
    /// Who consumes the tree
    #[arg(long, value_enum)]
    engine: Option<EngineArgument>,
    /// The URL of the lab's Git repository, as the cluster clones it
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// The version of Talos
    #[arg(long, value_name = "VERSION")]
    talos: Option<String>,
    /// The version of Kubernetes
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<String>,
    /// A machine; may be repeated: cp-1=controlplane@192.168.1.11
    #[arg(long = "node", value_name = "NAME=ROLE@ADDRESS", value_parser = Node::parse)]
    nodes: Vec<Node>,
    /// The network that the nodes live in; default: the /24 of the first node
    #[arg(long, value_name = "CIDR")]
    network: Option<String>,
    /// The router; default: the network's first address
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// An address that several control planes share
    #[arg(long, value_name = "ADDRESS")]
    vip: Option<String>,
    /// Addresses for Services of type LoadBalancer: first-last
    #[arg(long, value_name = "RANGE")]
    load_balancer: Option<String>,
    /// Ask nothing: take the default of whatever is not said
    #[arg(short, long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineArgument {
    Argocd,
    Flux,
}

impl Init {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let root = common.new_root()?;
        let (folder, world) = start(&root)?;
        if !matches!(world.read(LAB)?, Read::Missing) {
            let message = format!("{} has a {LAB} already", root.display());
            return Ok(misused(&message, Some("nothing was written")));
        }
        let mut questions = Questions::new(!self.yes && console::is_interactive());
        let answers = self.answers(&root, &mut questions)?;
        if let Some(exit) = questions.refusal(EXAMPLE) {
            return Ok(exit);
        }
        // What is wrong with the lab's own modules is said when it is compiled.
        let mut known = Diagnostics::default();
        let text = lab::text(&answers, &shelf(&world, &mut known)?);
        let folder = folder.map_or_else(|| Folder::create(&root), Ok)?;
        let world = World::Folder(folder.clone());
        folder.put(LAB, text.as_bytes(), Mode::Plain)?;
        ignore(&folder, &world)?;
        tell_git(&folder, &world)?;
        say(common, &format!("wrote {LAB}"));
        judge(common, &world)
    }

    fn answers(&self, root: &Path, questions: &mut Questions) -> Result<Answers, Failure> {
        let folder = root.file_name().and_then(|name| name.to_str());
        let folder = folder.filter(|name| check_label(name).is_ok());
        let name = Question {
            flag: "name",
            text: "the lab's name",
            default: folder.or(Some("home")),
        };
        let name = questions.required(&name, self.name.as_deref(), check_label)?;
        let domain = Question {
            flag: "domain",
            text: "the domain that hosts get",
            default: None,
        };
        let domain = questions.required(&domain, self.domain.as_deref(), check_host)?;
        let engine = Question {
            flag: "engine",
            text: "the engine, argocd or flux",
            default: Some("argocd"),
        };
        let engine = questions.required(
            &engine,
            self.engine.map(EngineArgument::word),
            |text| match text {
                "argocd" | "flux" => Ok(()),
                _ => Err("it is `argocd` or `flux`".to_owned()),
            },
        )?;
        let repository = Question {
            flag: "repository",
            text: "the URL of the lab's Git repository",
            default: None,
        };
        let repository = questions.required(&repository, self.repository.as_deref(), check_url)?;
        let talos = version(
            questions,
            "talos",
            "the version of Talos",
            TALOS,
            &self.talos,
        )?;
        let text = "the version of Kubernetes";
        let kubernetes = version(questions, "kubernetes", text, KUBERNETES, &self.kubernetes)?;
        let answers = Answers {
            name,
            domain,
            timezone: self.timezone.clone(),
            engine,
            repository,
            talos,
            kubernetes,
            nodes: self.nodes(questions)?,
            ..Answers::default()
        };
        self.network(answers, questions)
    }

    /// The answers with the network that their nodes live in.
    fn network(&self, mut answers: Answers, questions: &mut Questions) -> Result<Answers, Failure> {
        let first = answers.nodes.first();
        let usual = first.and_then(|node| usual_network(&node.address));
        if first.is_some() || self.network.is_some() {
            let network = Question {
                flag: "network",
                text: "the network that the nodes live in",
                default: usual.as_deref(),
            };
            let check = |text: &str| parse_network(text).map(drop);
            answers.network = questions.required(&network, self.network.as_deref(), check)?;
        }
        let usual = usual_gateway(&answers.network);
        let gateway = Question {
            flag: "gateway",
            text: "the router",
            default: usual.as_deref(),
        };
        let address = |text: &str| parse_address(text).map(drop);
        answers.gateway = questions.optional(&gateway, self.gateway.as_deref(), address)?;
        let vip = Question {
            flag: "vip",
            text: "a free address that the control planes share",
            default: None,
        };
        let is_control_plane = |node: &&Node| node.role == "controlplane";
        answers.vip = match answers.nodes.iter().filter(is_control_plane).count() {
            0 | 1 => self.vip.clone(),
            _ => Some(questions.required(&vip, self.vip.as_deref(), address)?),
        };
        let range = Question {
            flag: "load-balancer",
            text: "addresses for LoadBalancer Services, first-last",
            default: None,
        };
        let check = |text: &str| IpRange::parse(text).map(drop);
        answers.load_balancer = questions.optional(&range, self.load_balancer.as_deref(), check)?;
        Ok(answers)
    }

    fn nodes(&self, questions: &mut Questions) -> Result<Vec<Node>, Failure> {
        let mut nodes = self.nodes.clone();
        while questions.asks() && self.nodes.is_empty() {
            let prompt = match nodes.len() {
                0 => "the first node, as NAME=ROLE@ADDRESS (cp-1=controlplane@192.168.1.11): ",
                _ => "another node, or nothing: ",
            };
            match console::ask(prompt)?.as_deref() {
                None => break,
                Some("") if !nodes.is_empty() => break,
                Some(text) => match Node::parse(text) {
                    Ok(node) => nodes.push(node),
                    Err(why) => console::talk(&format!("{why}\n")),
                },
            }
        }
        if nodes.is_empty() {
            questions.lacks("node NAME=ROLE@ADDRESS");
        }
        Ok(nodes)
    }
}

impl EngineArgument {
    fn word(self) -> &'static str {
        match self {
            EngineArgument::Argocd => "argocd",
            EngineArgument::Flux => "flux",
        }
    }
}

fn version(
    questions: &mut Questions,
    flag: &str,
    text: &str,
    default: &str,
    given: &Option<String>,
) -> Result<String, Failure> {
    let question = Question {
        flag,
        text,
        default: Some(default),
    };
    let check = |text: &str| Version::parse(text).map(drop);
    questions.required(&question, given.as_deref(), check)
}

/// Compiles what was written, so that the person hears at once what does not fit.
fn judge(common: &Common, world: &World) -> Result<Exit, Failure> {
    let compiled = compile(world)?;
    output::messages(common, &compiled.diagnostics, &compiled.sources);
    if compiled.diagnostics.has_errors() {
        say(common, &format!("change {LAB}, then run: labc build"));
        return Ok(Exit::Wrong);
    }
    say(
        common,
        "next: `labc module list` and `labc add NAME`, then `labc build`",
    );
    Ok(Exit::Fine)
}

/// How to say all of it at once.
const EXAMPLE: &str = "for example: labc init --domain example.org --repository https://github.com/me/lab.git \
                       --node cp-1=controlplane@192.168.1.11";

/// The folder of the new lab if it is there, and its world.
fn start(root: &Path) -> Result<(Option<Folder>, World), Failure> {
    match Folder::open(root) {
        Ok(folder) => Ok((Some(folder.clone()), World::Folder(folder))),
        Err(failure) if failure.cause.kind() == ErrorKind::NotFound => {
            Ok((None, World::Memory(BTreeMap::new())))
        }
        Err(failure) => Err(failure),
    }
}

/// Keeps labc's journal out of Git.
fn ignore(root: &Folder, world: &World) -> Result<(), Failure> {
    let known = |text: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| [IGNORED, ".labc", "/.labc", "/.labc/"].contains(&line))
    };
    add_lines(root, world, ".gitignore", |text| match known(text) {
        true => Vec::new(),
        false => vec![IGNORED],
    })
}

/// Tells Git which files it must keep as they are. Patterns that a file of attributes has already stay as they are.
fn tell_git(root: &Folder, world: &World) -> Result<(), Failure> {
    let pattern = |line: &str| line.split_whitespace().next().map(str::to_owned);
    add_lines(root, world, ".gitattributes", |text| {
        let known: Vec<String> = text.lines().filter_map(pattern).collect();
        let first = Some(EVERY_FILE).filter(|_| text.is_empty());
        let lines = first.into_iter().chain(ATTRIBUTES);
        let is_new = |line: &&str| pattern(line).is_none_or(|pattern| !known.contains(&pattern));
        lines.filter(is_new).collect()
    })
}

/// Adds lines to the end of a file, which ones its text says. One that is no text, or that is not the lab's own, is left.
fn add_lines(
    root: &Folder,
    world: &World,
    path: &str,
    lines: impl Fn(&str) -> Vec<&'static str>,
) -> Result<(), Failure> {
    let before = match world.read(path)? {
        Read::Bytes(bytes) => bytes,
        Read::Missing => Vec::new(),
        Read::Refused(_) => return Ok(()),
    };
    let Ok(mut text) = String::from_utf8(before) else {
        return Ok(());
    };
    let lines = lines(&text);
    if lines.is_empty() {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    root.put(path, text.as_bytes(), Mode::Plain)?;
    Ok(())
}
