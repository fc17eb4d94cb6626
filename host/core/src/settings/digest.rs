//! The digest of what decides: two connections with equal digests make the same of the same devices.

use super::connection::Connection;
use super::fields::FieldMapping;
use super::{Determine, Rule};

/// Hexadecimal characters of a digest.
const LENGTH: usize = 32;

/// The digest of a connection. Not part of it: names, secrets, addresses, budgets, and where in its file
/// something stands.
pub(super) fn of(connection: &Connection) -> String {
    // Named one by one, so that a part added later is thought of here.
    let Connection {
        id: _,
        name: _,
        file: _,
        microsoft,
        organisations,
        asset_types,
        users,
        fields,
        imports,
        statuses,
        guards,
        plugins,
        // Who lets a plan pass is no part of what it holds.
        approve: _,
        enabled: _,
        timetable: _,
        digest: _,
    } = connection;
    let fields: Vec<FieldMapping> =
        fields.iter().map(|mapping| FieldMapping { line: 0, ..mapping.clone() }).collect();
    let asset_types = super::AssetTypes {
        determine: match &asset_types.determine {
            Determine::Rules(rules) => {
                Determine::Rules(rules.iter().map(|rule| Rule { line: 0, ..rule.clone() }).collect())
            }
            other => other.clone(),
        },
        ..asset_types.clone()
    };
    let parts = [
        format!("{:?}", microsoft.tenant),
        format!("{organisations:?}"),
        format!("{asset_types:?}"),
        format!("{users:?}"),
        format!("{fields:?}"),
        format!("{imports:?}"),
        format!("{statuses:?}"),
        format!("{guards:?}"),
        format!("{plugins:?}"),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digest = hasher.finalize().to_hex().to_string();
    digest.truncate(LENGTH);
    digest
}
