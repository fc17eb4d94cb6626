//! Digests: of a plugin's file, and of the file together with what it runs with, under which core remembers answers.
//! Knows no engine.

use integrator_core::plugin::{PluginSetting, PluginSettings};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 of a plugin's file or text.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// As 64 lower-case hexadecimal digits.
pub(crate) fn hexadecimal(digest: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest {
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The digest of a program, the major version of the contract that it is asked by, and its settings.
pub(crate) fn identity(program: &[u8; 32], contract: u64, settings: &PluginSettings) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"halo:integrator plugin");
    hasher.update(contract.to_be_bytes());
    hasher.update(program);
    add(&mut hasher, settings);
    hasher.finalize().into()
}

/// Every name and value with its length before it, so that no two settings read the same.
fn add(hasher: &mut Sha256, settings: &PluginSettings) {
    hasher.update(settings.len().to_be_bytes());
    for (name, setting) in settings {
        part(hasher, name.as_bytes());
        match setting {
            // A value's debug form names its type, and quotes and escapes its texts.
            PluginSetting::Value(value) => part(hasher, format!("{value:?}").as_bytes()),
            PluginSetting::Table(table) => {
                hasher.update(b"table");
                add(hasher, table);
            }
        }
    }
}

fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update(bytes.len().to_be_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::Value;

    fn settings(name: &str, value: &str) -> PluginSettings {
        PluginSettings::from([(name.to_owned(), PluginSetting::Value(Value::Text(value.to_owned())))])
    }

    #[test]
    fn an_identity_changes_with_program_contract_and_settings() {
        let [one, two] = [digest(b"one"), digest(b"two")];
        let all = [
            identity(&one, 1, &PluginSettings::new()),
            identity(&two, 1, &PluginSettings::new()),
            identity(&one, 2, &PluginSettings::new()),
            identity(&one, 1, &settings("a", "bc")),
            identity(&one, 1, &settings("ab", "c")),
            identity(
                &one,
                1,
                &PluginSettings::from([("a".to_owned(), PluginSetting::Table(settings("b", "c")))]),
            ),
        ];
        for (index, left) in all.iter().enumerate() {
            for right in all.iter().skip(index + 1) {
                assert_ne!(left, right);
            }
        }
        assert_eq!(identity(&one, 1, &settings("a", "bc")), identity(&one, 1, &settings("a", "bc")));
    }

    #[test]
    fn a_digest_is_written_in_lower_case() {
        assert_eq!(
            hexadecimal(&digest(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
