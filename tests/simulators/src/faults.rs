//! Scripted faults: which request is disturbed, and how.
//!
//! A script is a list of [`Fault`]s. Each names the requests it applies to (method, a part of the path, a part of
//! the body), how many matching requests pass before it strikes, how often it strikes, and what happens then. The script knows no service:
//! both servers ask it once per request through the layer in [`crate::server`].
