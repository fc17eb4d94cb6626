//! The released files of the contract never change: plugins were built from them. A change is a new version beside
//! them, with a host module of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;

/// SHA-256 of the released files, by their paths from `wit`.
const RELEASED: [(&str, &str); 2] = [
    ("v1/types.wit", "7e56ea48f060a5bb7b81231511232ea4a0c187ca2b22cef4519d0441820dcaf5"),
    ("v1/worlds.wit", "7ce060dd463c3b17f3391cbd33ec08ce756c587120bb37ce1bf10a51c9dc987b"),
];

fn wit() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

#[test]
fn released_files_are_as_they_were_released() {
    for (path, expected) in RELEASED {
        // Whatever a check-out makes of the ends of lines.
        let text = std::fs::read_to_string(wit().join(path)).unwrap().replace("\r\n", "\n");
        let digest = Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        assert_eq!(digest, expected, "wit/{path} was changed: put it back, and make a new version beside v1");
    }
}

#[test]
fn every_file_of_a_released_version_is_listed() {
    let mut files: Vec<_> = std::fs::read_dir(wit().join("v1"))
        .unwrap()
        .map(|entry| format!("v1/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    files.sort();
    assert_eq!(files, RELEASED.map(|(path, _)| path));
}
