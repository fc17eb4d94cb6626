//! Whether what the settings read is in Graph's list, or only in single reads of a device.

use crate::decide::decision::mapping_properties;
use crate::decide::plugins::PluginSet;
use crate::model::{Availability, property};
use crate::settings::{Connection, Criterion, Determine, FieldMapping, RuleAnswer, Subject, Transform};

/// Where what a mapping and its plugins read is to be found.
pub(super) fn reads(mapping: &FieldMapping, plugins: &PluginSet) -> Availability {
    let single = |name: &&str| {
        property::find(name).is_some_and(|found| found.availability == Availability::SingleRead)
    };
    let asks = |step: &Transform| match step {
        Transform::Plugin(used) => plugins.reads(used) == Availability::SingleRead,
        _ => false,
    };
    let any = mapping_properties(&mapping.source).iter().any(single) || mapping.transform.iter().any(asks);
    if any { Availability::SingleRead } else { Availability::List }
}

/// Where what decides on types is to be found.
pub(super) fn type_reads(connection: &Connection, plugins: &PluginSet) -> Availability {
    let of = |subject: &Subject| match subject {
        Subject::Intune(property) => property.availability,
        Subject::Mapped(index) => {
            connection.fields.get(*index).map_or(Availability::List, |mapping| reads(mapping, plugins))
        }
    };
    let criterion = |criterion: &Criterion| match criterion {
        Criterion::Test { subject, .. } => of(subject),
        Criterion::Expression(used) => plugins.reads(used),
    };
    let single = Availability::SingleRead;
    let any = match &connection.asset_types.determine {
        Determine::Same => false,
        Determine::Field(subject) => of(subject) == single,
        Determine::Plugin(used) => plugins.reads(used) == single,
        Determine::Rules(rules) => rules.iter().any(|rule| {
            let answer = match &rule.answer {
                RuleAnswer::Type(_) => Availability::List,
                RuleAnswer::Plugin(used) => plugins.reads(used),
            };
            answer == single || rule.when.iter().any(|one| criterion(one) == single)
        }),
    };
    if any { single } else { Availability::List }
}
