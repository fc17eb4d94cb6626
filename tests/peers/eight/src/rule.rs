//! A rule over eight properties, the same for every engine that is measured.

/// What it reads: seven texts and a whole number.
pub const PROPERTIES: [&str; 8] = [
    "model",
    "manufacturer",
    "operatingSystem",
    "osVersion",
    "serialNumber",
    "deviceName",
    "managedDeviceOwnerType",
    "totalStorageSpaceInBytes",
];

/// The type that a device has.
pub fn decide(texts: &[&str; 7], storage: i64) -> Option<&'static str> {
    let [model, manufacturer, system, version, serial, name, owner] = *texts;
    if owner == "personal" {
        return Some("Personal Device");
    }
    if manufacturer.starts_with("VMware") || serial.starts_with("VMware-") || model.contains("Virtual") {
        return Some("Virtual Machine");
    }
    match system {
        "Windows" if name.starts_with("SRV-") || storage > 8_000_000_000_000 => Some("Server"),
        "Windows" if model.contains("Latitude") || model.contains("EliteBook") => Some("Laptop"),
        "Windows" if version.starts_with("10.0.") => Some("Desktop"),
        "iOS" if model.contains("iPad") => Some("Tablet"),
        "iOS" | "Android" => Some("Phone"),
        _ => None,
    }
}
