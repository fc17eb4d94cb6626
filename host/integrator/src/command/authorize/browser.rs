//! Opens the person's browser, where there is one.

/// Opens an address. A browser that cannot be opened is no failure: the address was printed.
pub(super) fn open(address: &str) {
    if !is_there() {
        return;
    }
    if let Err(error) = open::that_detached(address) {
        tracing::debug!(%error, "no browser could be opened");
    }
}

/// Whether somebody sits before this computer's own screen, as far as that can be told.
fn is_there() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
