//! Which chassis a device has. Knows nothing of the integrator; tested like any other code, with `cargo test`.

/// What is looked at. Empty where nothing is known.
pub struct Seen<'a> {
    pub model: &'a str,
    pub manufacturer: &'a str,
    pub system: &'a str,
}

/// A chassis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chassis {
    Laptop,
    Desktop,
    Tablet,
    Phone,
    Server,
    VirtualMachine,
}

/// What told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    Model,
    Manufacturer,
    System,
}

impl Chassis {
    pub fn name(self) -> &'static str {
        match self {
            Self::Laptop => "Laptop",
            Self::Desktop => "Desktop",
            Self::Tablet => "Tablet",
            Self::Phone => "Phone",
            Self::Server => "Server",
            Self::VirtualMachine => "Virtual Machine",
        }
    }
}

use Because::{Manufacturer, Model, System};
use Chassis::{Desktop, Laptop, Phone, Server, Tablet, VirtualMachine};

/// Makers of nothing but virtual machines.
const VIRTUAL_MAKERS: &[&str] =
    &["VMware", "QEMU", "innotek", "Xen", "Parallels", "Amazon EC2", "Nutanix", "oVirt", "Red Hat", "OpenStack"];

/// Words in a model's name, the first that is found decides. More telling words stand before those that they contain.
const WORDS: &[(&str, Chassis)] = &[
    ("Virtual Machine", VirtualMachine),
    ("VirtualBox", VirtualMachine),
    ("VMware", VirtualMachine),
    ("Google Compute Engine", VirtualMachine),
    ("Cloud PC", VirtualMachine),
    ("Standard PC (", VirtualMachine),
    ("Parallels", VirtualMachine),
    ("VirtualMac", VirtualMachine),
    ("KVM", VirtualMachine),
    // Servers
    ("PowerEdge", Server),
    ("ProLiant", Server),
    ("ThinkSystem", Server),
    ("PRIMERGY", Server),
    // Tablets before the laptops whose names they share
    ("Surface Go", Tablet),
    ("Galaxy Tab", Tablet),
    ("MatePad", Tablet),
    ("iPad", Tablet),
    ("iPhone", Phone),
    ("iPod", Phone),
    // Shapes of desktops: `Precision 3660 Tower`, `HP Elite Mini 800`
    ("Tower", Desktop),
    ("All-in-One", Desktop),
    ("Mini PC", Desktop),
    ("Elite Mini", Desktop),
    ("Pro Mini", Desktop),
    ("Elite SFF", Desktop),
    ("Pro SFF", Desktop),
    ("OptiPlex", Desktop),
    ("EliteDesk", Desktop),
    ("ProDesk", Desktop),
    ("EliteOne", Desktop),
    ("ProOne", Desktop),
    ("ThinkCentre", Desktop),
    ("ThinkStation", Desktop),
    ("ESPRIMO", Desktop),
    ("CELSIUS W", Desktop),
    ("Surface Laptop", Laptop),
    ("Surface Studio", Desktop),
    ("NUC", Desktop),
    ("iMac", Desktop),
    ("Macmini", Desktop),
    ("Mac mini", Desktop),
    ("MacPro", Desktop),
    ("Mac Pro", Desktop),
    ("Mac Studio", Desktop),
    ("Chromebox", Desktop),
    // Laptops
    ("MacBook", Laptop),
    ("Chromebook", Laptop),
    ("Surface", Laptop),
    ("Latitude", Laptop),
    ("XPS 1", Laptop),
    ("XPS 9", Laptop),
    ("XPS 8", Desktop),
    ("Precision", Laptop),
    ("Inspiron", Laptop),
    ("Vostro", Laptop),
    ("EliteBook", Laptop),
    ("ProBook", Laptop),
    ("ZBook", Laptop),
    ("Elite x2", Laptop),
    ("Dragonfly", Laptop),
    ("Spectre", Laptop),
    ("ThinkPad", Laptop),
    ("ThinkBook", Laptop),
    ("IdeaPad", Laptop),
    ("Yoga", Laptop),
    ("LIFEBOOK", Laptop),
    ("ZenBook", Laptop),
    ("VivoBook", Laptop),
    ("TravelMate", Laptop),
    ("Toughbook", Laptop),
    ("Portege", Laptop),
    ("Tecra", Laptop),
    ("Notebook", Laptop),
    ("Laptop", Laptop),
];

/// Beginnings of the models of tablets with Android.
const ANDROID_TABLETS: &[&str] = &["SM-T", "SM-X", "SM-P", "Lenovo TB", "TB-", "Pixel Tablet", "MediaPad"];

/// The chassis, and what told it; nothing where it cannot be told.
pub fn of(seen: &Seen<'_>) -> Option<(Chassis, Because)> {
    if VIRTUAL_MAKERS.iter().any(|maker| begins(seen.manufacturer, maker)) {
        return Some((VirtualMachine, Manufacturer));
    }
    if begins(seen.system, "Android") {
        let tablet = ANDROID_TABLETS.iter().any(|start| begins(seen.model, start)) || has(seen.model, "Tab");
        return Some(if tablet { (Tablet, Model) } else { (Phone, System) });
    }
    if let Some((_, chassis)) = WORDS.iter().find(|(word, _)| has(seen.model, word)) {
        return Some((*chassis, Model));
    }
    if let Some(chassis) = by_machine_type(seen) {
        return Some((chassis, Model));
    }
    if begins(seen.system, "iPadOS") {
        return Some((Tablet, System));
    }
    if begins(seen.system, "iOS") || begins(seen.system, "Windows Phone") {
        return Some((Phone, System));
    }
    if has(seen.system, "Server") {
        return Some((Server, System));
    }
    None
}

/// Lenovo gives its machine type as the model: `21CBS01234`. The first two digits tell the family.
fn by_machine_type(seen: &Seen<'_>) -> Option<Chassis> {
    let four = seen.model.as_bytes().get(..4)?;
    let is_type = begins(seen.manufacturer, "Lenovo") && four.iter().all(u8::is_ascii_alphanumeric);
    match four.get(..2)? {
        b"20" | b"21" | b"80" | b"81" | b"82" | b"83" if is_type => Some(Laptop),
        b"10" | b"11" | b"12" | b"30" if is_type => Some(Desktop),
        b"7X" | b"7Y" | b"7Z" | b"7D" if is_type => Some(Server),
        _ => None,
    }
}

/// Whether a text begins so, without regard to the case of ASCII letters.
pub fn begins(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// Whether a text contains a word, without regard to the case of ASCII letters.
fn has(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chassis_are_told() {
        let check = |manufacturer, model, system, expected| {
            let found = of(&Seen { model, manufacturer, system });
            assert_eq!(found.map(|(chassis, _)| chassis), expected, "{manufacturer} {model} {system}");
        };
        check("Dell Inc.", "Latitude 5440", "Windows", Some(Laptop));
        check("Dell Inc.", "Precision 5570", "Windows", Some(Laptop));
        check("Dell Inc.", "Precision 3660 Tower", "Windows", Some(Desktop));
        check("Dell Inc.", "XPS 8950", "Windows", Some(Desktop));
        check("Dell Inc.", "PowerEdge R650", "Windows", Some(Server));
        check("HP", "HP EliteBook 840 14 inch G9 Notebook PC", "Windows", Some(Laptop));
        check("HP", "HP Elite Mini 800 G9 Desktop PC", "Windows", Some(Desktop));
        check("LENOVO", "21CBS01234", "Windows", Some(Laptop));
        check("LENOVO", "11T8S0AB00", "Windows", Some(Desktop));
        check("Acme", "21CBS01234", "Windows", None);
        check("Microsoft Corporation", "Virtual Machine", "Windows", Some(VirtualMachine));
        check("Microsoft Corporation", "Cloud PC Enterprise 2vCPU/8GB/128GB", "Windows", Some(VirtualMachine));
        check("Microsoft Corporation", "Surface Laptop Studio", "Windows", Some(Laptop));
        check("Microsoft Corporation", "Surface Go 3", "Windows", Some(Tablet));
        check("VMware, Inc.", "VMware20,1", "Windows", Some(VirtualMachine));
        check("Apple", "MacBook Pro", "macOS", Some(Laptop));
        check("Apple", "iMac21,1", "macOS", Some(Desktop));
        check("Apple", "iPhone 15", "iOS", Some(Phone));
        check("Apple", "iPad Air (5th generation)", "iOS", Some(Tablet));
        check("Apple", "", "iPadOS", Some(Tablet));
        check("samsung", "SM-S911B", "Android", Some(Phone));
        check("samsung", "SM-X200", "AndroidForWork", Some(Tablet));
        check("", "", "Windows Server", Some(Server));
        check("", "", "Windows", None);
        check("", "", "", None);
    }
}
