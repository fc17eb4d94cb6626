//! A small Halo and a connection to decide with, as text, for tests of pure code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub
)]

use chrono::{DateTime, Utc};
use integrator_core::decide::{ClientSource, Decision, PluginSet, Rulebook, UserIndex, decide};
use integrator_core::model::catalogue::{AssetType, AssetTypeDetail, Catalogue, Client, Named, Site};
use integrator_core::model::{
    Asset, AssetId, ClientId, Device, DeviceId, FieldId, GroupId, HaloUser, Kind, SiteId, StatusId, TenantId,
    TypeId, UserId, Value,
};
use integrator_core::plan::{Facts, IntuneIds};
use integrator_core::settings::{Connection, SourceFile, read};
use std::path::Path;
use std::sync::Arc;

pub fn now() -> DateTime<Utc> {
    "2026-06-30T12:00:00Z".parse().unwrap()
}

/// A connection from the parts that a test cares about.
pub fn connection(extra: &str) -> Connection {
    let integrator = r#"
        [halo]
        url = "https://halo.example.com"
        client_id = "client"
        secret = { env = "HALO_SECRET" }
    "#;
    let connection = format!(
        r#"
        name = "Contoso"
        [microsoft]
        tenant = "8f1f0000-0000-4000-8000-000000000001"
        client_id = "8f1f0000-0000-4000-8000-000000000002"
        authentication = "client-credentials"
        credential = {{ secret = {{ env = "INTUNE_SECRET" }} }}
        [organisations]
        client = "Contoso Ltd"
        {extra}
        "#
    );
    let file = |path: &str, text: String| SourceFile { path: path.into(), text };
    let files =
        [file("integrator.toml", integrator.to_owned()), file("connections/contoso.toml", connection)];
    let settings = read(&files, Path::new("/settings")).unwrap_or_else(|error| panic!("{error}"));
    settings.connections.into_iter().next().unwrap()
}

pub fn catalogue() -> Catalogue {
    let named = |id: i64, name: &str| (id, name.to_owned());
    let types = [named(120, "Workstation"), named(121, "Laptop"), named(122, "Phone")];
    let fields = [named(51, "Model"), named(117, "Serial Number"), named(160, "Operating System")];
    Catalogue {
        types: types
            .into_iter()
            .map(|(id, name)| AssetType {
                id: TypeId(id),
                name,
                group: Some(GroupId(101)),
                detail: Some(AssetTypeDetail {
                    fields: vec![FieldId(51), FieldId(117), FieldId(160)],
                    // Phones are never retired here.
                    statuses: (id == 122).then(|| vec![StatusId(1)]),
                }),
            })
            .collect(),
        groups: vec![Named { id: GroupId(101), name: "Devices".into() }],
        statuses: [named(1, "Active"), named(2, "Retired"), named(3, "Inactive"), named(4, "Stock")]
            .into_iter()
            .map(|(id, name)| Named { id: StatusId(id), name })
            .collect(),
        fields: fields.into_iter().map(|(id, name)| Named { id: FieldId(id), name }).collect(),
        clients: vec![Client { id: ClientId(12), name: "Contoso Ltd".into(), main_site: Some(SiteId(18)) }],
        sites: vec![
            Site { id: SiteId(18), name: "Head Office".into(), client: Some(ClientId(12)) },
            Site { id: SiteId(19), name: "Warehouse".into(), client: Some(ClientId(12)) },
        ],
        ..Catalogue::default()
    }
}

pub struct World {
    pub rulebook: Rulebook,
    pub catalogue: Catalogue,
    pub tenant: TenantId,
    pub users: UserIndex,
}

impl World {
    pub fn new(extra: &str) -> Self {
        Self::with_plugins(extra, |_| PluginSet::default())
    }

    /// The same with the plugins that `load` finds.
    pub fn with_plugins(extra: &str, load: impl Fn(&Connection) -> PluginSet) -> Self {
        let connection = connection(extra);
        let catalogue = catalogue();
        let plugins = Arc::new(load(&connection));
        let rulebook = Rulebook::bind_for(&connection, &catalogue, &ClientSource::Named, plugins)
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut users = UserIndex::default();
        for user in halo_users() {
            users.add(&user, &rulebook.connection.users);
        }
        Self { tenant: connection.microsoft.tenant.clone(), rulebook, catalogue, users }
    }

    pub fn facts(&self) -> Facts<'_> {
        Facts {
            rulebook: &self.rulebook,
            catalogue: &self.catalogue,
            tenant: &self.tenant,
            now: now(),
            intune_ids: IntuneIds::Unlisted,
        }
    }

    /// A device with these properties, by name.
    pub fn device(&self, id: &str, properties: &[(&str, &str)]) -> Device {
        let projection = &self.rulebook.projection;
        let mut values = vec![None; projection.properties().len()];
        values[0] = Some(Value::Text(id.to_owned()));
        for (name, value) in properties {
            let slot = projection.slot(name).unwrap_or_else(|| panic!("{name} is not read"));
            let kind = projection.properties()[usize::from(slot.0)].kind;
            values[usize::from(slot.0)] = match kind {
                Kind::Time => {
                    Some(Value::Time(value.parse().unwrap_or_else(|_| panic!("{value} is no time"))))
                }
                _ => Value::from_text(*value),
            };
        }
        Device { id: DeviceId(id.to_owned()), values }
    }

    pub fn decide(&self, device: &Device) -> Decision {
        decide(&self.rulebook, &self.users, device, now()).unwrap_or_else(|reason| panic!("{reason}"))
    }
}

pub fn halo_users() -> Vec<HaloUser> {
    let user = |id: i64, name: &str, site: i64, client: i64| HaloUser {
        id: UserId(id),
        name: name.to_owned(),
        site: Some(SiteId(site)),
        client: Some(ClientId(client)),
        inactive: false,
        azure_id: Some(format!("user-{id}")),
        email: Some(format!("{name}@contoso.com").to_lowercase()),
        login: None,
        other: Vec::new(),
        modified: None,
    };
    vec![user(1, "Ann", 19, 12), user(2, "Bob", 18, 12), user(3, "Cy", 30, 13)]
}

pub fn asset(id: i64) -> Asset {
    Asset {
        id: AssetId(id),
        type_id: Some(TypeId(120)),
        client: Some(ClientId(12)),
        site: Some(SiteId(18)),
        status: Some(StatusId(1)),
        inactive: false,
        intune_id: None,
        username: None,
        users: None,
        system: Vec::new(),
        fields: Vec::new(),
        modified: None,
    }
}
