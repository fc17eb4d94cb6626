//! Judges a plugin's bytes before anything is compiled or run: whether they are a component, what it imports, and
//! which world of the contract its exports make it. Knows no settings and no limits.

use super::contract::{Asked, Contract, NEWEST};
use super::signature::{self, Resources};
use crate::identity::{digest, hexadecimal};
use integrator_core::plugin::{PluginError, PluginKind};
use semver::Version;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{ComponentTypeRef, Parser, Payload, TypeBounds, ValidPayload, Validator, WasmFeatures};

/// The biggest file that is read. Interpreters with their standard library take about 40 MiB.
const LARGEST: usize = 128 << 20;

/// The kinds that components can be.
const KINDS: [PluginKind; 3] =
    [PluginKind::AssetTypeRule, PluginKind::FieldTransform, PluginKind::SitePolicy];

/// What can be told of a file without running it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What it is for; nothing when it is no plugin.
    pub kind: Option<PluginKind>,
    /// The version of the contract that it was made for.
    pub contract: Option<String>,
    /// The names of its imports, in their order.
    pub imports: Vec<String>,
    /// The names of its exports, in their order.
    pub exports: Vec<String>,
    /// Bytes of the file.
    pub size: usize,
    /// SHA-256 of the file, as 64 lower-case hexadecimal digits.
    pub digest: String,
    /// Why it would be refused; nothing when it would be loaded.
    pub problem: Option<PluginError>,
}

/// Reads a file without running or compiling it. What is wrong with it is told in [`Inspection::problem`].
pub fn inspect(bytes: &[u8]) -> Inspection {
    let mut found = Found::default();
    let judged = judge_into(&mut found, "of this file", bytes);
    let (kind, problem) = match judged {
        Ok(judged) => (Some(judged.kind), None),
        Err(problem) => (None, Some(problem)),
    };
    Inspection {
        kind,
        contract: found.asked_version(),
        imports: found.imports,
        exports: found.exports,
        size: bytes.len(),
        digest: hexadecimal(&digest(bytes)),
        problem,
    }
}

/// A component that is a plugin, as far as can be told without running it.
pub(super) struct Judged {
    pub(super) kind: PluginKind,
    pub(super) contract: Contract,
    /// The version of the contract that it was made for.
    pub(super) version: String,
}

/// Judges the bytes of the plugin of that name.
pub(super) fn judge(name: &str, bytes: &[u8]) -> Result<Judged, PluginError> {
    judge_into(&mut Found::default(), &format!("`{name}`"), bytes)
}

/// Imports and exports as they are found.
#[derive(Default)]
struct Found {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Found {
    /// The version that the contract's imports ask for: the newest where they differ.
    fn asked_version(&self) -> Option<String> {
        let versions = self.imports.iter().filter_map(|import| match Contract::asked(import) {
            Asked::Served(_, version) => Some(version),
            Asked::OtherVersion(version) => Version::parse(&version).ok(),
            Asked::Foreign => None,
        });
        versions.max().map(|version| version.to_string())
    }
}

fn judge_into(found: &mut Found, name: &str, bytes: &[u8]) -> Result<Judged, PluginError> {
    let refuse = |what: &str, hint: &str| PluginError {
        message: format!("the plugin {name} {what}"),
        hint: hint.to_owned(),
    };
    if bytes.len() > LARGEST {
        return Err(refuse(
            &format!("is too big: {} bytes of at most {LARGEST}", bytes.len()),
            "leave out what it does not need, debug information first",
        ));
    }
    if Parser::is_core_wasm(bytes) {
        return Err(refuse(
            "is a core module of WebAssembly, not a component",
            "make it a component: `plugin build` does, or `wasm-tools component new`",
        ));
    }
    if !Parser::is_component(bytes) {
        let what = if bytes.starts_with(b"(") {
            "is WebAssembly as text, not as a component's bytes"
        } else {
            "is no WebAssembly: its first bytes are not those of a component"
        };
        return Err(refuse(what, "build it with `plugin build`, and copy the `.wasm` file that it names"));
    }
    let types = read(found, bytes).map_err(|problem| {
        refuse(
            &format!("is damaged, or uses what this integrator does not know: {problem}"),
            "copy the file again, or build it again with `plugin build`",
        )
    })?;
    let contract = contract(found, &refuse)?;
    let kind = kind(found, contract, &types, &refuse)?;
    let version = found.asked_version().unwrap_or_else(|| contract.version().to_owned());
    Ok(Judged { kind, contract, version })
}

/// Checks the structure; the bodies of functions are left to the compiler.
fn read(found: &mut Found, bytes: &[u8]) -> Result<Types, String> {
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let mut last = None;
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| error.to_string())?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    let import = import.map_err(|error| error.to_string())?;
                    // A name for a type that is known already is nothing that anybody has to offer.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        found.imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    found.exports.push(export.map_err(|error| error.to_string())?.name.name.to_owned());
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let ValidPayload::End(types) = validator.payload(&payload).map_err(|error| error.to_string())? {
            last = Some(types);
        }
    }
    match last {
        Some(types) if depth == 0 => Ok(types),
        _ => Err("it ends in the middle".to_owned()),
    }
}

type Refuse<'a> = &'a dyn Fn(&str, &str) -> PluginError;

/// The contract that all imports belong to.
fn contract(found: &Found, refuse: Refuse<'_>) -> Result<Contract, PluginError> {
    let mut contract = NEWEST;
    for import in &found.imports {
        match Contract::asked(import) {
            Asked::Served(served, _) => contract = served,
            Asked::OtherVersion(version) => {
                return Err(refuse(
                    &format!(
                        "was made for version {version} of the contract (it imports `{import}`); this integrator \
                         serves version {}",
                        NEWEST.version()
                    ),
                    "update the integrator, or build the plugin with this integrator's `wit` files",
                ));
            }
            Asked::Foreign => {
                let hint = if import.starts_with("wasi:") {
                    "a plugin sees its device, its settings and its log, and no clock, files, network or randomness: \
                     build for `wasm32-unknown-unknown`, or with WASI stubbed out, as `plugin build` does"
                } else {
                    "build it from the worlds of the contract alone: `types`, `settings` and `log` are all there is"
                };
                return Err(refuse(
                    &format!("imports `{import}`, which this integrator does not offer"),
                    hint,
                ));
            }
        }
    }
    Ok(contract)
}

/// Which world the exports make, when their types are those of the contract.
fn kind(
    found: &Found,
    contract: Contract,
    types: &Types,
    refuse: Refuse<'_>,
) -> Result<PluginKind, PluginError> {
    let exported: Vec<_> = KINDS
        .into_iter()
        .filter_map(|kind| Some((kind, contract.function(kind)?)))
        .filter(|(_, function)| found.exports.iter().any(|export| export == function))
        .collect();
    let (kind, function) = match exported.as_slice() {
        [one] => *one,
        [] => {
            let exports =
                if found.exports.is_empty() { "nothing".to_owned() } else { found.exports.join("`, `") };
            return Err(refuse(
                &format!("exports `{exports}`, and none of `asset-type`, `transform` and `site`"),
                "build it from one of the worlds `asset-type-rule`, `field-transform` and `site-policy`",
            ));
        }
        _ => {
            return Err(refuse(
                "exports the functions of several kinds, and a plugin is of one",
                "make a plugin of each",
            ));
        }
    };
    let types = types.as_ref();
    let resources = Resources::of(types, found.imports.iter().map(String::as_str));
    for function in ["describe", function] {
        let expected = contract.signature(function).unwrap_or_default();
        let actual = match types.component_item_for_export(function).map(|item| item.ty) {
            Some(ComponentEntityType::Func(id)) => signature::function(types, &resources, id),
            Some(_) => "no function".to_owned(),
            None => {
                return Err(refuse(
                    &format!("does not export `{function}`, which the world `{kind}` has"),
                    "build it from that world",
                ));
            }
        };
        if actual != expected {
            return Err(refuse(
                &format!("exports `{function}` as `{actual}`; the contract has `{expected}`"),
                "build it with this integrator's `wit` files",
            ));
        }
    }
    Ok(kind)
}
