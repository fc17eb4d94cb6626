//! Cases, decisions and duplicates as people read them.

use crate::sync::matching::{Decided, DuplicateGroup, Known};
use chrono::{DateTime, Utc};
use integrator_core::model::{
    AssetId, CaseAsset, CaseDevice, LinkOrigin, LinkState, MatchCase, MatchChoice, MatchDecision, Presence,
};
use integrator_core::plan::text::shortened;
use std::fmt::Write;

/// Columns of a case; further assets and devices are only counted.
const COLUMNS: usize = 5;
/// Letters of a cell.
const CELL: usize = 34;

/// The queue.
pub(super) fn queue(cases: &[MatchCase], program: &str) -> String {
    if cases.is_empty() {
        return "No device waits for a decision.".to_owned();
    }
    let wait = if cases.len() == 1 { "device waits" } else { "devices wait" };
    let mut text = format!("{} {wait} for a decision.\n", cases.len());
    for one in cases {
        let _ = write!(text, "\n{}", case(one));
    }
    let _ = write!(
        text,
        "\n`{program} match pin CONNECTION DEVICE ASSET` says which asset a device is, `match split` that it is none of them, `match ignore` that it is left alone."
    );
    text
}

/// One case: what is unclear, and all that it could be beside each other.
fn case(case: &MatchCase) -> String {
    let mut text = format!(
        "{}: {}  {}, since {}\n",
        case.connection,
        case.device.name,
        case.kind,
        day_and_time(case.since)
    );
    let devices = std::iter::once(&case.device).chain(&case.others).map(of_device);
    let all: Vec<Column> = devices.chain(case.assets.iter().map(of_asset)).collect();
    let (shown, more) = all.split_at(all.len().min(COLUMNS));
    let widths: Vec<usize> = shown.iter().map(Column::width).collect();
    let heads: Vec<String> =
        shown.iter().zip(&widths).map(|(column, width)| format!("{:width$}", column.head)).collect();
    let _ = writeln!(text, "    {:10}  {}", "", heads.join("  ").trim_end());
    for row in Row::ALL {
        let cells: Vec<&str> = shown.iter().map(|column| column.cell(row)).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{:width$}", if cell.is_empty() { "-" } else { cell }))
            .collect();
        let _ = writeln!(text, "    {:10}  {}", row.name(), cells.join("  ").trim_end());
    }
    if !more.is_empty() {
        let _ = writeln!(text, "    and {} more: --json shows all", more.len());
    }
    let _ = writeln!(text, "    why: {}", case.reason);
    text
}

/// What is told of each side, in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    Name,
    Kind,
    Serial,
    Matches,
    User,
    Place,
    Status,
    Linked,
    Enrolled,
    Synced,
    Id,
}

impl Row {
    const ALL: [Self; 11] = [
        Self::Name,
        Self::Kind,
        Self::Serial,
        Self::Matches,
        Self::User,
        Self::Place,
        Self::Status,
        Self::Linked,
        Self::Enrolled,
        Self::Synced,
        Self::Id,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kind => "model/type",
            Self::Serial => "serial",
            Self::Matches => "matches by",
            Self::User => "user",
            Self::Place => "site",
            Self::Status => "status",
            Self::Linked => "linked",
            Self::Enrolled => "enrolled",
            Self::Synced => "last sync",
            Self::Id => "Intune id",
        }
    }
}

struct Column {
    head: String,
    cells: Vec<(Row, String)>,
}

impl Column {
    fn cell(&self, row: Row) -> &str {
        self.cells.iter().find(|(known, _)| *known == row).map_or("", |(_, cell)| cell)
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(_, cell)| cell.chars().count());
        cells.max().unwrap_or(0).max(self.head.chars().count()).max(1)
    }
}

fn of_device(device: &CaseDevice) -> Column {
    let text = |text: &Option<String>| text.as_deref().map(cut).unwrap_or_default();
    let time = |time: Option<DateTime<Utc>>| time.map(day_and_time).unwrap_or_default();
    Column {
        head: "DEVICE".to_owned(),
        cells: vec![
            (Row::Name, cut(&device.name)),
            (Row::Kind, text(&device.model)),
            (Row::Serial, text(&device.serial)),
            (Row::User, text(&device.user)),
            (Row::Enrolled, time(device.enrolled)),
            (Row::Synced, time(device.synced)),
            (Row::Id, device.id.clone()),
        ],
    }
}

fn of_asset(asset: &CaseAsset) -> Column {
    let text = |text: &Option<String>| text.as_deref().map(cut).unwrap_or_default();
    let matches: Vec<String> = asset.matches.iter().map(|(by, value)| format!("{by}: {value}")).collect();
    let place = match (&asset.client, &asset.site) {
        (Some(client), Some(site)) => format!("{client} / {site}"),
        (client, site) => client.clone().or_else(|| site.clone()).unwrap_or_default(),
    };
    let status = match (asset.presence, &asset.status, asset.inactive) {
        (Presence::Gone, ..) => "gone from Halo".to_owned(),
        (_, Some(status), true) => format!("{status} (deactivated)"),
        (_, None, true) => "deactivated".to_owned(),
        (_, status, false) => status.clone().unwrap_or_default(),
    };
    Column {
        head: format!("ASSET {}", asset.id),
        cells: vec![
            (Row::Name, text(&asset.name)),
            (Row::Kind, text(&asset.type_name)),
            (Row::Matches, shortened(&matches.join("; "))),
            (Row::Place, cut(&place)),
            (Row::Status, cut(&status)),
            (Row::Linked, asset.linked.clone().unwrap_or_default()),
        ],
    }
}

fn cut(text: &str) -> String {
    let clean = shortened(text);
    if clean.chars().count() <= CELL {
        return clean;
    }
    let head: String = clean.chars().take(CELL - 1).collect();
    format!("{head}…")
}

fn day_and_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// One device: its case, its link, and what was decided.
pub(super) fn known(known: &Known) -> String {
    let mut text = known.case.as_ref().map(case).unwrap_or_default();
    if let Some(link) = &known.link {
        let origin = match link.origin {
            LinkOrigin::Created => "which was created for it",
            LinkOrigin::Matched => "which it matched",
            LinkOrigin::Pinned => "as a person said",
        };
        let state = match link.state {
            LinkState::Present => "",
            LinkState::Missing => "; the device was absent last",
            LinkState::Deleted => "; the device is gone from Intune",
            LinkState::Inactive => "; the device is inactive",
        };
        let _ = writeln!(
            text,
            "{} (device {}) is linked with asset {}, {origin}{state}",
            link.device_name, link.device, link.asset
        );
    }
    match &known.decision {
        Some(decision) => {
            let _ = writeln!(text, "{}", one_decision(decision));
        }
        None => text.push_str("Nobody decided anything about it.\n"),
    }
    text
}

/// What was remembered.
pub(super) fn decided(decided: &Decided) -> String {
    let decision = &decided.decision;
    let device = format!("{} (device {})", decision.device_name, decision.device);
    let mut text = match &decision.choice {
        MatchChoice::Pin { asset } => {
            let name = decided.asset.as_ref().and_then(|asset| {
                let member = integrator_core::model::Member::System("inventory_number".to_owned());
                asset.shown(&member).flatten().map(|name| format!(" ({name})"))
            });
            let mut text =
                format!("{device} is asset {asset}{} from the next run on.", name.unwrap_or_default());
            if let Some(before) = decided.linked.filter(|linked| linked != asset) {
                let _ = write!(text, " Asset {before}, which it is now, is left as it is.");
            }
            text
        }
        MatchChoice::Split { not } if decided.linked.is_some_and(|linked| !not.contains(&linked)) => {
            let own = decided.linked.map(|asset| asset.to_string()).unwrap_or_default();
            format!("{device} keeps asset {own}; it is none of: {}.", numbers(not))
        }
        MatchChoice::Split { not } => {
            let none =
                if not.is_empty() { String::new() } else { format!("; it is none of: {}", numbers(not)) };
            format!("{device} gets an asset of its own with the next run{none}.")
        }
        MatchChoice::Ignore => {
            format!("{device} is left alone from the next run on; what Halo has of it stays.")
        }
    };
    if let Some(before) = &decided.before {
        let _ = write!(text, "\nBefore, it was {before}.");
    }
    text
}

fn numbers(assets: &[AssetId]) -> String {
    if assets.is_empty() {
        return "no other".to_owned();
    }
    assets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What was taken back, and what stays.
pub(super) fn undone(decision: &MatchDecision, linked: Option<AssetId>) -> String {
    let device = format!("{} (device {})", decision.device_name, decision.device);
    let stays = match (linked, &decision.choice) {
        (Some(asset), MatchChoice::Ignore) => {
            format!("It is linked with asset {asset}: the next run imports it again.")
        }
        (Some(asset), _) => format!(
            "It stays linked with asset {asset}, and what was written there stays: `match split` or `match pin` would part them."
        ),
        (None, _) => "It has no asset; the next run decides about it as about any other device.".to_owned(),
    };
    format!("{device} is no longer {}.\n{stays}", decision.choice)
}

/// What people decided, one a line.
pub(super) fn decisions(decisions: &[MatchDecision]) -> String {
    if decisions.is_empty() {
        return "Nobody has decided anything.".to_owned();
    }
    decisions.iter().map(one_decision).collect::<Vec<_>>().join("\n")
}

fn one_decision(decision: &MatchDecision) -> String {
    let note = decision.note.as_deref().map(|note| format!("  \"{}\"", shortened(note))).unwrap_or_default();
    format!(
        "{}  {}: {} (device {}) {}{note}",
        day_and_time(decision.at),
        decision.connection,
        decision.device_name,
        decision.device,
        decision.choice
    )
}

/// Assets that look like one machine.
pub(super) fn duplicates(groups: &[DuplicateGroup]) -> String {
    if groups.is_empty() {
        return "No two assets look like one machine.".to_owned();
    }
    let are = if groups.len() == 1 { "machine seems" } else { "machines seem" };
    let mut text =
        format!("{} {are} to be several assets. Nothing is merged: put it right in Halo.\n", groups.len());
    for group in groups {
        let by: Vec<String> =
            group.by.iter().map(|(by, value)| format!("{by} {}", shortened(value))).collect();
        let _ = writeln!(text, "\n{}: {}", group.connection, by.join(", "));
        for asset in &group.assets {
            let parts = [
                asset.name.clone().unwrap_or_else(|| "(no inventory number)".to_owned()),
                asset.type_name.clone().unwrap_or_default(),
                asset.site.clone().unwrap_or_default(),
                if asset.inactive { "deactivated".to_owned() } else { "active".to_owned() },
                asset
                    .linked
                    .as_ref()
                    .map_or_else(|| "not linked".to_owned(), |linked| format!("linked with {linked}")),
            ];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let _ = writeln!(text, "    asset {:<8} {}", asset.id, parts.join(", "));
        }
    }
    text
}
