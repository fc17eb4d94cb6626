//! What devices are made by whom: realistic makers, models, serial shapes and versions by platform.

/// A platform of the generated fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    Windows,
    MacOs,
    Ios,
    Android,
    Linux,
    /// Managed by Defender for Endpoint only: never enrolled, and most values are empty.
    Sense,
}

/// Which characters a maker's serial numbers have.
#[derive(Clone, Copy, Debug)]
pub(super) struct SerialShape {
    pub(super) prefix: &'static str,
    pub(super) alphabet: &'static [u8],
    pub(super) length: usize,
}

const LETTERS_AND_DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DELL_LETTERS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZ";
const DIGITS: &[u8] = b"0123456789";

/// A maker's model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) maker: &'static str,
    pub(super) name: &'static str,
    pub(super) serial: SerialShape,
}

const fn model(
    maker: &'static str,
    name: &'static str,
    prefix: &'static str,
    alphabet: &'static [u8],
    length: usize,
) -> Model {
    Model { maker, name, serial: SerialShape { prefix, alphabet, length } }
}

const WINDOWS: &[Model] = &[
    model("LENOVO", "ThinkPad X1 Carbon Gen 11", "PF", LETTERS_AND_DIGITS, 6),
    model("LENOVO", "ThinkPad T14 Gen 4", "PF", LETTERS_AND_DIGITS, 6),
    model("LENOVO", "ThinkCentre M70q Gen 3", "MJ0", LETTERS_AND_DIGITS, 5),
    model("Dell Inc.", "Latitude 7450", "", DELL_LETTERS, 7),
    model("Dell Inc.", "Latitude 5540", "", DELL_LETTERS, 7),
    model("Dell Inc.", "XPS 13 9340", "", DELL_LETTERS, 7),
    model("Dell Inc.", "OptiPlex 7010", "", DELL_LETTERS, 7),
    model("Dell Inc.", "OptiPlex Micro Plus 7020", "", DELL_LETTERS, 7),
    model("Dell Inc.", "Precision 3680", "", DELL_LETTERS, 7),
    model("HP", "HP EliteBook 840 14 inch G10 Notebook PC", "5CG", LETTERS_AND_DIGITS, 7),
    model("HP", "HP ProDesk 400 G9 Desktop Mini PC", "8CC", LETTERS_AND_DIGITS, 7),
    model("HP", "HP Z2 Tower G9 Workstation Desktop PC", "CZC", LETTERS_AND_DIGITS, 7),
    model("Microsoft Corporation", "Surface Pro 9", "0", DIGITS, 11),
    model("Microsoft Corporation", "Surface Laptop 5", "0", DIGITS, 11),
    model("Microsoft Corporation", "Virtual Machine", "7", DIGITS, 11),
    model("innotek GmbH", "VirtualBox", "VB-", LETTERS_AND_DIGITS, 8),
];

const MAC_OS: &[Model] = &[
    model("Apple", "MacBook Pro", "C02", LETTERS_AND_DIGITS, 7),
    model("Apple", "MacBook Air", "H", LETTERS_AND_DIGITS, 9),
    model("Apple", "Mac mini", "M", LETTERS_AND_DIGITS, 9),
    model("Apple", "iMac", "D25", LETTERS_AND_DIGITS, 9),
    model("Apple", "Mac14,7", "G", LETTERS_AND_DIGITS, 9),
];

const IOS: &[Model] = &[
    model("Apple", "iPhone 14", "L", LETTERS_AND_DIGITS, 9),
    model("Apple", "iPhone 15 Pro", "K", LETTERS_AND_DIGITS, 9),
    model("Apple", "iPhone SE (3rd generation)", "F", LETTERS_AND_DIGITS, 11),
    model("Apple", "iPad Air (5th generation)", "DMP", LETTERS_AND_DIGITS, 9),
    model("Apple", "iPad", "GG", LETTERS_AND_DIGITS, 10),
];

const ANDROID: &[Model] = &[
    model("samsung", "SM-S911B", "R5C", LETTERS_AND_DIGITS, 8),
    model("samsung", "SM-A546B", "R5G", LETTERS_AND_DIGITS, 8),
    model("Google", "Pixel 8", "3", LETTERS_AND_DIGITS, 13),
    model("Zebra Technologies", "TC52", "2", DIGITS, 13),
    model("HMD Global", "Nokia XR20", "N", LETTERS_AND_DIGITS, 11),
];

const LINUX: &[Model] = &[
    model("LENOVO", "ThinkPad P14s Gen 4", "PF", LETTERS_AND_DIGITS, 6),
    model("Dell Inc.", "Precision 5690", "", DELL_LETTERS, 7),
    model("Framework", "Laptop 13 (AMD Ryzen 7040Series)", "FRAN", LETTERS_AND_DIGITS, 14),
];

const SENSE: &[Model] = &[
    model("Gigabyte Technology Co., Ltd.", "Z690 UD DDR4", "", LETTERS_AND_DIGITS, 0),
    model("VMware, Inc.", "VMware7,1", "", LETTERS_AND_DIGITS, 0),
    model("HPE", "ProLiant DL380 Gen10", "", LETTERS_AND_DIGITS, 0),
];

/// Serial numbers that say nothing, as whitebox machines and virtual machines report them.
pub(super) const PLACEHOLDERS: &[&str] =
    &["0", "Defaultstring", "To be filled by O.E.M.", "", "SystemSerialNumber", "None"];

impl Platform {
    /// The platform of a device by its place among 1,000.
    pub(super) fn of(per_mille: u64) -> Self {
        match per_mille {
            0..=689 => Self::Windows,
            690..=799 => Self::MacOs,
            800..=899 => Self::Ios,
            900..=959 => Self::Android,
            960..=979 => Self::Linux,
            _ => Self::Sense,
        }
    }

    pub(super) fn models(self) -> &'static [Model] {
        match self {
            Self::Windows => WINDOWS,
            Self::MacOs => MAC_OS,
            Self::Ios => IOS,
            Self::Android => ANDROID,
            Self::Linux => LINUX,
            Self::Sense => SENSE,
        }
    }

    pub(super) fn operating_system(self) -> &'static str {
        match self {
            Self::Windows | Self::Sense => "Windows",
            Self::MacOs => "macOS",
            Self::Ios => "iOS",
            Self::Android => "Android",
            Self::Linux => "Linux",
        }
    }

    /// The word inside `managedDeviceName`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Windows | Self::Sense => "Windows",
            Self::MacOs => "MacMDM",
            Self::Ios => "IPhone",
            Self::Android => "AndroidForWork",
            Self::Linux => "Linux",
        }
    }

    pub(super) fn enrollment_type(self) -> &'static str {
        match self {
            Self::Windows => "windowsAzureADJoin",
            Self::MacOs | Self::Ios => "appleBulkWithUser",
            Self::Android | Self::Linux => "userEnrollment",
            Self::Sense => "unknown",
        }
    }

    pub(super) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Windows => &["10.0.26100.4946", "10.0.22631.5768", "10.0.19045.6216", "10.0.26100.4652"],
            Self::MacOs => &["14.7.7 (23H723)", "15.6 (24G84)", "15.5 (24F74)"],
            Self::Ios => &["17.7.10", "18.6.1", "18.5"],
            Self::Android => &["13", "14", "15"],
            Self::Linux => &["Ubuntu 24.04", "Ubuntu 22.04"],
            Self::Sense => &["10.0.20348.4052", "10.0.17763.7678"],
        }
    }
}
