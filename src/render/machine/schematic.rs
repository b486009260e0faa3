//! Image Factory schematics: what goes into a node's image, its canonical bytes, and the id that is their SHA-256.
//!
//! Knows no node: who needs which schematic is [`super::image`]'s business.
//!
//! The factory hashes what its own YAML library prints of the decoded schematic (siderolabs/image-factory,
//! `pkg/schematic`), so the bytes follow that printer (`go.yaml.in/yaml/v4`): fields in the order of its structs,
//! four spaces, empty fields left out but `customization`.

use sha2::{Digest, Sha256};

use super::go_yaml;
use crate::source::Origin;
use crate::value::{Node, Value};

/// What the factory builds an image from. Lists keep their order: it is part of the id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schematic {
    /// Who may use it (the factory's Enterprise edition only).
    pub owner: Option<Node>,
    /// The overlay of a single-board computer.
    pub overlay: Option<SchematicOverlay>,
    /// A machine config inside the image.
    pub embedded_config: Option<Node>,
    /// Arguments of the kernel's command line.
    pub kernel_args: Vec<Node>,
    /// Initial values of the META partition: an integer key and a text.
    pub meta: Vec<(Node, Node)>,
    /// System extensions, with `siderolabs/`.
    pub extensions: Vec<Node>,
    /// `dual-boot`, `sd-boot` or `grub`.
    pub bootloader: Option<Node>,
    /// How systemd-boot enrols the secure boot keys.
    pub enroll_keys: Option<Node>,
    /// Whether well-known certificates are enrolled, too.
    pub well_known_certificates: Option<Node>,
    /// The sector size of a disk image.
    pub sector_size: Option<Node>,
}

/// The overlay of a [`Schematic`].
#[derive(Clone, Debug, PartialEq)]
pub struct SchematicOverlay {
    /// `siderolabs/sbc-raspberrypi`.
    pub image: Node,
    /// `rpi_generic`.
    pub name: Node,
    /// A map, as the overlay reads it.
    pub options: Option<Node>,
}

impl Schematic {
    /// The canonical bytes, line by line, each with what made it.
    pub fn lines(&self) -> Vec<(String, Origin)> {
        go_yaml::print(&self.fields())
    }

    /// The canonical bytes, which the factory is given.
    pub fn canonical(&self) -> String {
        let lines = self.lines();
        lines.iter().map(|(line, _)| format!("{line}\n")).collect()
    }

    /// The id: the SHA-256 of the canonical bytes, in hexadecimal.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.canonical());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The fields in the order in which the factory prints them.
    fn fields(&self) -> go_yaml::Fields {
        let mut fields = go_yaml::Fields::default();
        fields.maybe("owner", self.owner.clone());
        if let Some(overlay) = &self.overlay {
            let mut inner = go_yaml::Fields::default();
            inner.add("image", overlay.image.clone());
            inner.add("name", overlay.name.clone());
            inner.maybe("options", overlay.options.clone());
            fields.nested("overlay", inner);
        }
        fields.nested("customization", self.customization());
        fields
    }

    fn customization(&self) -> go_yaml::Fields {
        let mut fields = go_yaml::Fields::default();
        fields.maybe("embeddedMachineConfiguration", self.embedded_config.clone());
        fields.each("extraKernelArgs", &self.kernel_args);
        let meta = self.meta.iter().map(|(key, value)| {
            let mut entry = Node::new(Value::map(), key.origin.clone());
            entry.insert("key", key.clone());
            entry.insert("value", value.clone());
            entry
        });
        fields.each("meta", &meta.collect::<Vec<_>>());
        let mut extensions = go_yaml::Fields::default();
        extensions.each("officialExtensions", &self.extensions);
        fields.unless_empty("systemExtensions", extensions);
        fields.maybe("bootloader", self.bootloader.clone());
        let mut secure_boot = go_yaml::Fields::default();
        secure_boot.maybe("enrollKeys", self.enroll_keys.clone());
        let certificates = self.well_known_certificates.clone();
        secure_boot.maybe("includeWellKnownCertificates", certificates);
        fields.unless_empty("secureboot", secure_boot);
        let mut disk_image = go_yaml::Fields::default();
        disk_image.maybe("sectorSize", self.sector_size.clone());
        fields.unless_empty("diskImage", disk_image);
        fields
    }
}

/// A text that `origin` made.
pub fn word(text: impl Into<String>, origin: &Origin) -> Node {
    Node::new(text.into(), origin.clone())
}
