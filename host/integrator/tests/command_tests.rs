//! The commands through the real binary: what they print, where, and with which exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "command_tests/demo.rs"]
mod demo;
#[path = "command_tests/errors.rs"]
mod errors;
#[path = "command_tests/help.rs"]
mod help;
#[path = "command_tests/init.rs"]
mod init;
#[cfg(unix)]
#[path = "command_tests/interruption.rs"]
mod interruption;
#[path = "command_tests/plugins.rs"]
mod plugins;
#[path = "command_tests/secrets.rs"]
mod secrets;
#[path = "command_tests/support.rs"]
mod support;
