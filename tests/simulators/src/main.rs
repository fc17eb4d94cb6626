//! The simulators as a process.
fn main() {}
