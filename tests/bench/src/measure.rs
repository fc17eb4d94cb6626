//! The measurements of one fleet, in their order: first import, unchanged ones in turns with the bare loop, 1 %
//! changed, all synchronised, and the way to the first Graph request.

use crate::Failure;
use crate::arguments::Arguments;
use crate::bare::{self, Walk};
use crate::binaries::Binaries;
use crate::process::{self, Ended};
use crate::report::{median, megabytes};
use crate::servers::{Requests, Servers};
use crate::settings::{self, CONNECTION, Types};
use crate::start::Forwarder;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How often the way to the first Graph request is measured.
const STARTS: u64 = 5;

/// Share of the devices that change, in percent.
const CHANGED: f64 = 1.0;

/// One import.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: &'static str,
    pub(crate) ended: Ended,
    pub(crate) to_microsoft: Requests,
    pub(crate) to_halo: Requests,
    /// The run's own record.
    pub(crate) record: Value,
}

impl Import {
    /// A figure of the run's own record; 0 where it has none.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.record["counts"][name].as_u64().unwrap_or_default()
    }

    /// Whether the run counted the requests that the servers saw.
    pub(crate) fn agrees(&self) -> bool {
        self.record["requests_to_graph"] == self.to_microsoft.total
            && self.record["requests_to_halo"] == self.to_halo.total
    }
}

/// All that was measured with one fleet.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) devices: u64,
    /// Pages of users that Halo holds.
    pub(crate) user_pages: u64,
    /// How many titles there are, 0 without software.
    pub(crate) titles: u64,
    pub(crate) first: Import,
    pub(crate) unchanged: Vec<Import>,
    pub(crate) changed: Import,
    pub(crate) synchronised: Import,
    pub(crate) bare: Vec<Walk>,
    pub(crate) first_requests: Vec<Duration>,
    pub(crate) duplicates: usize,
    /// Imports whose types plugins name.
    pub(crate) asked: Vec<Asked>,
}

/// Imports whose types a plugin names.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) types: Types,
    /// Nothing is remembered yet, and types may change.
    pub(crate) first: Import,
    /// Each beside a bare walk.
    pub(crate) turns: Vec<(Walk, Import)>,
}

impl Asked {
    /// Wall time as a multiple of the bare loop's.
    pub(crate) fn ratio(&self) -> f64 {
        let bare = median(self.turns.iter().map(|(bare, _)| bare.wall));
        median(self.turns.iter().map(|(_, import)| import.ended.wall)).as_secs_f64() / bare.as_secs_f64()
    }
}

/// Whether installed software is imported, and read by the bare loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    /// It is not.
    Off,
    /// It is.
    Imported,
}

/// Rows on a page of Halo's lists.
const HALO_PAGE: u64 = 100;

/// Measures one fleet. `folder` takes settings, store and logs.
pub(crate) async fn fleet(
    arguments: &Arguments,
    binaries: &Binaries,
    devices: u64,
    folder: &Path,
    client: &reqwest::Client,
) -> Result<Measured, Failure> {
    let servers = Servers::start(&binaries.simulators, devices, arguments, client.clone())?;
    let microsoft = &servers.ready.microsoft;
    let software = if arguments.software > 0 { Software::Imported } else { Software::Off };
    let data = folder.join("data");
    let config = settings::write(
        &folder.join("config"),
        &servers.ready,
        &microsoft.address,
        &data,
        software,
        Types::BuiltIn,
    )?;
    let import_with = async |name, config: &Path| import(name, binaries, &servers, config, folder).await;
    let import = async |name| import_with(name, &config).await;

    // Warms this process up, and shows that every page is there.
    let warm = bare::walk(client, microsoft, software).await?;
    eprintln!(
        "{devices} devices: {} rows on {} pages, {} installed applications",
        warm.devices,
        warm.requests - 1,
        warm.applications
    );
    let first = import("first").await?;
    let (mut unchanged, mut walks) = (Vec::new(), Vec::new());
    for _ in 0..arguments.repetitions {
        walks.push(bare::walk(client, microsoft, software).await?);
        unchanged.push(import("unchanged").await?);
    }
    let mut asked = Vec::new();
    if arguments.plugins {
        for types in [Types::Script, Types::Component] {
            let folder = folder.join(types.name());
            let config =
                settings::write(&folder, &servers.ready, &microsoft.address, &data, software, types)?;
            let mut of = Asked { types, first: import_with("asks all", &config).await?, turns: Vec::new() };
            for _ in 0..arguments.repetitions {
                let bare = bare::walk(client, microsoft, software).await?;
                of.turns.push((bare, import_with("remembers", &config).await?));
            }
            asked.push(of);
        }
        // Back to the types of the rules, so that what follows starts from where it would have.
        import("built-in again").await?;
    }
    servers.change_share(CHANGED, 1).await?;
    // Renders the pages anew, so that the import is not measured with it.
    bare::walk(client, microsoft, software).await?;
    let changed = import("1% changed").await?;
    servers.synchronise_all().await?;
    bare::walk(client, microsoft, software).await?;
    let synchronised = import("all synchronised").await?;
    let duplicates = servers.duplicates().await?;

    let mut forwarder = Forwarder::start(&microsoft.address).await?;
    let config = settings::write(
        &folder.join("forwarded"),
        &servers.ready,
        &forwarder.address,
        &data,
        software,
        Types::BuiltIn,
    )?;
    let config = config.to_string_lossy();
    let words = ["--config", &config, "--json", "import", CONNECTION];
    let mut first_requests = Vec::new();
    for _ in 0..STARTS {
        first_requests.push(forwarder.first_request(&binaries.integrator, &words).await?);
    }
    Ok(Measured {
        devices,
        titles: arguments.software.into(),
        user_pages: servers.ready.halo.users.div_ceil(HALO_PAGE),
        first,
        unchanged,
        changed,
        synchronised,
        bare: walks,
        first_requests,
        duplicates,
        asked,
    })
}

async fn import(
    name: &'static str,
    binaries: &Binaries,
    servers: &Servers,
    config: &Path,
    folder: &Path,
) -> Result<Import, Failure> {
    servers.forget_requests().await?;
    let config = config.to_string_lossy();
    let words = ["--config", &config, "--json", "import", CONNECTION];
    let ended = process::run(&binaries.integrator, &words, folder)?;
    let (to_microsoft, to_halo) = servers.requests().await?;
    let document = ended.document()?;
    let record = document["runs"][0]["summary"].clone();
    // 1 says that rows were held, which a fleet with unreadable rows brings.
    if !matches!(ended.code, Some(0 | 1)) || record.is_null() {
        return Err(
            format!("the {name} import ended with {:?}: {document:#}\n{}", ended.code, ended.errors).into()
        );
    }
    eprintln!(
        "  {name}: {:.2} s, {:.1} MB; Halo: {}",
        ended.wall.as_secs_f64(),
        megabytes(ended.peak_bytes),
        to_halo.line()
    );
    Ok(Import { name, ended, to_microsoft, to_halo, record })
}
