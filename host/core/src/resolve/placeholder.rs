//! Values that stand in serial numbers and the like without naming anything: never matched on.

use crate::model::value::fold;
use std::collections::HashSet;

/// Seen in real fleets, folded and without spaces and dots.
const BUILT_IN: &[&str] = &[
    "none",
    "null",
    "n/a",
    "na",
    "unknown",
    "invalid",
    "defaultstring",
    "default",
    "oem",
    "oemstring",
    "tobefilledbyoem",
    "systemserialnumber",
    "chassisserialnumber",
    "serialnumber",
    "notspecified",
    "notapplicable",
    "notavailable",
    "0123456789",
    "123456789",
    "1234567890",
];

/// Tells usable values from placeholders.
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    own: HashSet<String>,
}

impl Placeholders {
    /// The built-in list, and the connection's own values.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>) -> Self {
        Self { own: own.into_iter().map(squeeze).collect() }
    }

    /// The value as it is compared (trimmed, without regard to case), or nothing when it names nothing.
    pub fn usable(&self, value: &str) -> Option<String> {
        let folded = fold(value);
        let squeezed = squeeze(&folded);
        let only = |wanted: char| squeezed.chars().all(|c| c == wanted || c == '-');
        if squeezed.is_empty()
            || only('0')
            || only('x')
            || BUILT_IN.contains(&squeezed.as_str())
            || self.own.contains(&squeezed)
        {
            None
        } else {
            Some(folded)
        }
    }
}

fn squeeze(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace() && *c != '.').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_match_nothing() {
        let placeholders = Placeholders::new(["Spare"]);
        for text in [
            "",
            " ",
            "0",
            "0000000",
            "None",
            "Default string",
            "Defaultstring",
            "System Serial Number",
            "SystemSerialNumber",
            "To be filled by O.E.M.",
            "To Be Filled By OEM",
            "00000000-0000",
            "spare ",
            "S.P.A.R.E",
        ] {
            assert_eq!(placeholders.usable(text), None, "{text}");
        }
        for text in ["PF3X1234", "0000-0014-0657-8122", "5CD1234XYZ", "Spare 2"] {
            assert!(placeholders.usable(text).is_some(), "{text}");
        }
        assert_eq!(placeholders.usable(" Pf3x "), Some("pf3x".to_owned()));
    }
}
