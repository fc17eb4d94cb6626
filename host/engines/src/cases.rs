//! Cases of a plugin: devices with what must be answered for them. Knows no engine: a case is run through the port
//! of the core.

mod answer;
mod bench;
mod device;
mod read;
mod run;

pub use answer::Expected;
pub use bench::{Bench, bench};
pub use read::{parse, read_beside};
pub use run::{Loader, bless, run};

use integrator_core::model::Value;
use integrator_core::plugin::{PluginSettings, PolicySite, PolicyUser};

/// A file of cases.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The file's name, for messages.
    pub file: String,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
    /// The whole document, which `bless` changes.
    document: serde_json::Value,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in its file.
    pub name: String,
    /// The device as Graph gives it.
    device: serde_json::Map<String, serde_json::Value>,
    /// Settings that go over those of the plugin.
    pub settings: PluginSettings,
    /// The field of a transform.
    field: String,
    /// The value of a transform.
    value: Option<Value>,
    /// The user of a site policy.
    user: Option<PolicyUser>,
    /// The default site of a site policy.
    default: Option<PolicySite>,
    /// What must be answered.
    expected: Expected,
}

/// What came of running cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// Each case in the order of the file.
    pub cases: Vec<CaseResult>,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// What is wrong, each in a line; empty where it passed.
    pub problems: Vec<String>,
}

impl CaseReport {
    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.problems.is_empty()).count()
    }

    /// The first failure in words.
    pub fn first_failure(&self) -> Option<String> {
        let case = self.cases.iter().find(|case| !case.problems.is_empty())?;
        Some(format!("`{}`: {}", case.name, case.problems.join("; ")))
    }
}
