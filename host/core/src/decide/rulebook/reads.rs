//! Whether what the settings read is in Graph's list, or only in single reads of a device.

use crate::decide::decision::mapping_properties;
use crate::model::{Availability, property};
use crate::settings::{Connection, Determine, Source, Subject};

/// Where what a mapping reads is to be found.
pub(super) fn reads(source: &Source) -> Availability {
    let single = |name: &&str| {
        property::find(name).is_some_and(|found| found.availability == Availability::SingleRead)
    };
    if mapping_properties(source).iter().any(single) { Availability::SingleRead } else { Availability::List }
}

/// Where what decides on types is to be found.
pub(super) fn type_reads(connection: &Connection) -> Availability {
    let of = |subject: &Subject| match subject {
        Subject::Intune(property) => property.availability,
        Subject::Mapped(index) => {
            connection.fields.get(*index).map_or(Availability::List, |mapping| reads(&mapping.source))
        }
    };
    let single = match &connection.asset_types.determine {
        Determine::Same => false,
        Determine::Field(subject) => of(subject) == Availability::SingleRead,
        Determine::Rules(rules) => rules
            .iter()
            .flat_map(|rule| &rule.when)
            .any(|criterion| of(&criterion.subject) == Availability::SingleRead),
    };
    if single { Availability::SingleRead } else { Availability::List }
}
