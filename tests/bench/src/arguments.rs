//! What a measurement is asked for. Knows no measuring.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Measures whole imports of the real binary beside a bare loop that only fetches and parses the same pages.
///
/// Build everything with `cargo build --release --workspace --bins` first.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// How many devices the tenant has; may be repeated
    #[arg(long, value_name = "N", default_values_t = [20_000, 100_000])]
    pub(crate) devices: Vec<u64>,
    /// How often the unchanged import and the bare loop are measured, in turns; the medians count
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repetitions: u64,
    /// The same seed gives the same devices
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Give each device about twenty of so many titles, and import them
    #[arg(long, value_name = "TITLES", num_args = 0..=1, default_value_t = 0, default_missing_value = "5000")]
    pub(crate) software: u32,
    /// Measure unchanged imports too whose types a script and a component name
    #[arg(long)]
    pub(crate) plugins: bool,
    /// What Halo answers to a POST of several assets
    #[arg(long, value_enum, default_value_t = Reply::List)]
    pub(crate) halo_reply: Reply,
    /// Measure the search of a device among so many outcomes of runs instead, in a store of its own
    #[arg(long, value_name = "ROWS", num_args = 0..=1, default_missing_value = "1000000")]
    pub(crate) history: Option<u64>,
    /// End with 1 when a limit is missed
    #[arg(long)]
    pub(crate) check: bool,
    /// The folder of the binaries; without it the folder of this program
    #[arg(long, value_name = "FOLDER")]
    pub(crate) binaries: Option<PathBuf>,
    /// Keep the settings, the store and the logs in this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}

/// The three forms of an answer that Halo's description leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reply {
    /// All of them
    List,
    /// The first one
    First,
    /// The last one
    Last,
}

impl Reply {
    /// The word that the simulators know it by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// How many requests one batch of assets may cost: an answer with one object needs a look at the others.
    pub(crate) fn requests_per_batch(self) -> u64 {
        match self {
            Self::List => 1,
            Self::First | Self::Last => 2,
        }
    }
}
