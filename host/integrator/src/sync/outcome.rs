//! What a run came to, as the process's exit code and the record tell it.

use integrator_core::model::RunRecord;
use integrator_core::plan::Footer;
use std::path::PathBuf;

/// The classes of an ending, each with the exit code that the commands give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// 0: done.
    Done,
    /// 1: done, but rows failed, were held or refused.
    Partial,
    /// 2: settings, usage, a name that Halo lacks, or the store is in use.
    Settings,
    /// 2: another run of the connection is under way.
    Busy,
    /// 3: a guard refused.
    Refused,
    /// 3: the plan waits for approval.
    Waiting,
    /// 4: sign-in or permission.
    SignIn,
    /// 5: a side could not be read completely.
    Unreadable,
    /// 70: a bug.
    Bug,
    /// 130: interrupted.
    Interrupted,
}

impl ExitClass {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Partial => 1,
            Self::Settings | Self::Busy => 2,
            Self::Refused | Self::Waiting => 3,
            Self::SignIn => 4,
            Self::Unreadable => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// The class that a process's exit code tells: of those that share one, the first.
    pub fn of_code(code: u8) -> Self {
        let all = [
            Self::Done,
            Self::Partial,
            Self::Settings,
            Self::Refused,
            Self::SignIn,
            Self::Unreadable,
            Self::Interrupted,
        ];
        all.into_iter().find(|class| class.code() == code).unwrap_or(Self::Bug)
    }

    /// The one that counts for several connections: the first present of 70, 130, 4, 5, 2, 3, 1, 0.
    pub fn worst(classes: impl IntoIterator<Item = Self>) -> Self {
        let order = [
            Self::Bug,
            Self::Interrupted,
            Self::SignIn,
            Self::Unreadable,
            Self::Settings,
            Self::Busy,
            Self::Refused,
            Self::Waiting,
            Self::Partial,
            Self::Done,
        ];
        let rank = |class: &Self| order.iter().position(|one| one == class);
        classes.into_iter().min_by_key(rank).unwrap_or(Self::Done)
    }
}

/// How an import or an apply ended.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The run's record, as stored.
    pub record: RunRecord,
    /// The ending.
    pub class: ExitClass,
    /// The way out of a failure, where one is known.
    pub hint: Option<String>,
}

/// How planning ended.
#[derive(Clone, Debug)]
pub struct PlanOutcome {
    /// The record of the planning run (nothing was written).
    pub record: RunRecord,
    /// The ending.
    pub class: ExitClass,
    /// The way out of a failure, where one is known.
    pub hint: Option<String>,
    /// The plan's id and file, when one was made.
    pub plan: Option<(String, PathBuf)>,
    /// The plan's last line, when one was made.
    pub footer: Option<Footer>,
}
