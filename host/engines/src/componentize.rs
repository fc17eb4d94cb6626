//! Makes a core module a component: the last step of building a Rust plugin, in process. Knows nothing of running
//! plugins; what the component exports is judged when it is loaded.

use wit_component::ComponentEncoder;

/// A module that no component can be made of.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ComponentizeError {
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
}

/// The names of the sections in which `wit-bindgen` leaves what the module's imports and exports mean.
const METADATA: &str = "component-type";

/// Makes a component of a core module that was built with `wit-bindgen` for `wasm32-unknown-unknown`, and so carries
/// the contract in a section of its own. Bytes that are a component already are given back as they are.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    if wasmparser::Parser::is_component(module) {
        return Ok(module.to_vec());
    }
    if !wasmparser::Parser::is_core_wasm(module) {
        return Err(ComponentizeError {
            message: "these bytes are not a WebAssembly module".to_owned(),
            hint: "hand over the `.wasm` file that the compiler made",
        });
    }
    if !carries_metadata(module)? {
        return Err(ComponentizeError {
            message: "the module does not say which world of the contract it is made for".to_owned(),
            hint: "call `wit_bindgen::generate!` with the world, and `export!` with your type, in the plugin's source",
        });
    }
    let encode = || ComponentEncoder::default().validate(true).module(module)?.encode();
    encode().map_err(|error| {
        let message = format!("no component can be made of the module: {error:#}");
        let hint = if message.contains("wasi") || message.contains("__wbindgen") {
            "build for `wasm32-unknown-unknown`, without crates that need WASI or a browser"
        } else {
            "build the plugin with the version of `wit-bindgen` that the template names"
        };
        ComponentizeError { message, hint }
    })
}

fn carries_metadata(module: &[u8]) -> Result<bool, ComponentizeError> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| ComponentizeError {
            message: format!("the module cannot be read: {error}"),
            hint: "build it again: the file is damaged, or was not written to its end",
        })?;
        if let wasmparser::Payload::CustomSection(section) = payload
            && section.name().starts_with(METADATA)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
