//! Scripted faults: which request is disturbed, and how.
//!
//! A script is a list of [`Fault`]s. Each names the requests it applies to (method, a part of the path, a part of
//! the body), how many matching requests pass before it strikes, how often it strikes, and what happens then.
//! The script knows no service: both servers ask it once per request through the layer in [`crate::server`].

mod lies;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use self::lies::Lie;
pub(crate) use self::lies::told;

/// One line of a fault script.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only requests with this method, such as `GET`; `None` is any method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The request's path and query must contain this text, whatever its case; empty is any path.
    #[serde(default)]
    pub path: String,
    /// The request's body must contain this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// This many matching requests pass before the fault strikes.
    #[serde(default)]
    pub skip: u64,
    /// How often the fault strikes; `None` is for ever. In JSON: absent is once, 0 is for ever.
    #[serde(default = "once", with = "times")]
    pub times: Option<u64>,
    /// What happens to the request.
    pub effect: Effect,
}

impl Fault {
    /// A fault that strikes once, at the first request whose path and query contain `path`.
    pub fn new(path: impl Into<String>, effect: Effect) -> Self {
        Self { method: None, path: path.into(), body: None, skip: 0, times: Some(1), effect }
    }

    /// The same fault, for requests with this method only.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The same fault, for requests whose body contains this text only.
    #[must_use]
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// The same fault, after this many matching requests have passed.
    #[must_use]
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// The same fault, striking this often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same fault, striking for ever.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, method: &str, path_and_query: &str, body: &[u8]) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && contains(&path_and_query.to_lowercase(), &self.path.to_lowercase())
            && self.body.as_ref().is_none_or(|wanted| contains(&String::from_utf8_lossy(body), wanted))
    }
}

fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.contains(part)
}

// The signature is serde's: a default for a field of this type.
#[allow(clippy::unnecessary_wraps)]
fn once() -> Option<u64> {
    Some(1)
}

/// In JSON, 0 stands for "for ever", so that a script needs no `null`.
mod times {
    use serde::{Deserialize, Deserializer, Serializer};

    // The reference to an option is what serde hands over.
    #[allow(clippy::ref_option)]
    pub(super) fn serialize<S: Serializer>(times: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(times.unwrap_or(0))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Some(u64::deserialize(deserializer)?).filter(|times| *times > 0))
    }
}

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// The request is not handled; this status is answered.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body; empty is the service's own body for that status.
        #[serde(default)]
        body: String,
        /// The content type of `body`; without it JSON.
        #[serde(default)]
        content_type: Option<String>,
        /// The `Retry-After` header, word for word.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The connection is reset before the request is handled.
    Reset,
    /// The request is not handled, and neither answered nor refused until the client gives up.
    Hold,
    /// The request is handled; the answer's body arrives in pieces over this time.
    Slow {
        /// How long the body takes.
        milliseconds: u64,
    },
    /// The request is handled; the connection closes in the middle of the body although `Content-Length` promised all of it.
    Truncate {
        /// How many bytes of the body arrive.
        keep: usize,
    },
    /// The request is handled; the answer is a complete 200 message whose JSON is cut.
    CutJson {
        /// How many bytes of the JSON are left.
        keep: usize,
    },
    /// The request is not handled; a 200 page in HTML is answered, as a captive portal does.
    Html,
    /// The request is handled, so a write happens; the connection is reset without an answer.
    AnswerLost,
    /// Halo, POST of an array: the first rows are written, then this status is answered.
    PartialBatch {
        /// How many rows are written.
        done: usize,
        /// The HTTP status.
        status: u16,
    },
    /// Halo, POST of an array: the whole request is refused with 400, naming this row.
    RefuseRow {
        /// Index of the row, from 0.
        index: usize,
    },
    /// Graph page: the link to the next page is the link of this very page.
    RepeatNextLink,
    /// Graph page: its first rows repeat the last rows of the page before.
    RepeatDevices {
        /// How many rows are repeated.
        count: usize,
    },
    /// Graph page: answered without a link to the next page although there is one.
    EndEarly,
    /// The request is handled twice, as by a gateway that repeats what it was slow to hand on.
    Twice,
    /// The request is handled as if these parameters were not in its query: the service does not know them.
    WithoutParameters {
        /// Their names.
        names: Vec<String>,
    },
    /// POST of an array: only the first rows are handled, and the answer tells of no others.
    FewerRows {
        /// How many.
        keep: usize,
    },
    /// The request is handled; this is answered instead of what came of it.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
        /// Its content type; without it JSON.
        #[serde(default)]
        content_type: Option<String>,
    },
    /// The request is handled; the answer tells something else than what came of it.
    Lie {
        /// What it tells.
        lie: Lie,
    },
}

impl Effect {
    /// This status with the service's own body and no `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::Status { status, body: String::new(), content_type: None, retry_after: None }
    }

    /// An answer that lies so.
    pub fn lie(lie: Lie) -> Self {
        Self::Lie { lie }
    }

    /// 429 with the service's own body and this `Retry-After` header.
    pub fn throttled(retry_after: impl Into<String>) -> Self {
        let retry_after = Some(retry_after.into());
        Self::Status { status: 429, body: String::new(), content_type: None, retry_after }
    }
}

/// The faults that a server still has to inject. Clones share the same script.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    lines: Vec<Line>,
    struck: u64,
}

#[derive(Debug)]
struct Line {
    fault: Fault,
    seen: u64,
    struck: u64,
}

impl Faults {
    /// An empty script: nothing is disturbed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a fault. Of several that could strike, the one that was added first does.
    pub fn add(&self, fault: Fault) {
        self.script().lines.push(Line { fault, seen: 0, struck: 0 });
    }

    /// Forgets all faults. The count of those that struck stays.
    pub fn clear(&self) {
        self.script().lines.clear();
    }

    /// How many requests were disturbed so far.
    pub fn struck(&self) -> u64 {
        self.script().struck
    }

    /// The faults as added, each with how often it struck.
    pub fn list(&self) -> Vec<(Fault, u64)> {
        self.script().lines.iter().map(|line| (line.fault.clone(), line.struck)).collect()
    }

    /// What happens to this request, if anything. Every fault counts every request it matches, also those that
    /// another fault struck: `skip` is the position of a request and does not depend on the rest of the script.
    pub fn next(&self, method: &str, path_and_query: &str, body: &[u8]) -> Option<Effect> {
        let mut script = self.script();
        let mut effect = None;
        for line in &mut script.lines {
            if !line.fault.matches(method, path_and_query, body) {
                continue;
            }
            line.seen += 1;
            let exhausted = line.fault.times.is_some_and(|times| line.struck >= times);
            if effect.is_none() && line.seen > line.fault.skip && !exhausted {
                line.struck += 1;
                effect = Some(line.fault.effect.clone());
            }
        }
        if effect.is_some() {
            script.struck += 1;
        }
        effect
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn strikes(fault: Fault, requests: &[(&str, &str, &str)]) -> Vec<bool> {
        let faults = Faults::new();
        faults.add(fault);
        requests
            .iter()
            .map(|(method, path, body)| faults.next(method, path, body.as_bytes()).is_some())
            .collect()
    }

    #[rstest]
    #[case(Fault::new("", Effect::Reset), &[true, false, false])]
    #[case(Fault::new("", Effect::Reset).skip(1), &[false, true, false])]
    #[case(Fault::new("", Effect::Reset).times(2), &[true, true, false])]
    #[case(Fault::new("", Effect::Reset).forever(), &[true, true, true])]
    #[case(Fault::new("/ASSET", Effect::Reset).forever(), &[true, false, true])]
    #[case(Fault::new("", Effect::Reset).method("post").forever(), &[false, true, true])]
    #[case(Fault::new("", Effect::Reset).body("seven").forever(), &[false, false, true])]
    fn a_fault_strikes_the_requests_it_names(#[case] fault: Fault, #[case] expected: &[bool]) {
        let requests =
            [("GET", "/api/Asset?id=1", ""), ("POST", "/api/site", "six"), ("POST", "/api/asset", "seven")];
        assert_eq!(strikes(fault, &requests), expected);
    }

    #[test]
    fn a_fault_that_another_one_forestalled_strikes_at_the_next_request() {
        let faults = Faults::new();
        faults.add(Fault::new("", Effect::Reset));
        faults.add(Fault::new("", Effect::Html));
        let effects: Vec<_> = (0..3).map(|_| faults.next("GET", "/", b"")).collect();
        assert_eq!(effects, [Some(Effect::Reset), Some(Effect::Html), None]);
        assert_eq!(faults.struck(), 2);
    }

    #[rstest]
    #[case(json!({ "effect": { "kind": "reset" } }), Some(1))]
    #[case(json!({ "effect": { "kind": "reset" }, "times": 0 }), None)]
    #[case(json!({ "effect": { "kind": "reset" }, "times": 3 }), Some(3))]
    fn times_reads_absent_as_once_and_zero_as_for_ever(
        #[case] script: serde_json::Value,
        #[case] expected: Option<u64>,
    ) {
        let fault: Fault = serde_json::from_value(script).unwrap();
        assert_eq!(fault.times, expected);
    }

    #[rstest]
    #[case(json!({ "kind": "status", "status": 503 }), Effect::status(503))]
    #[case(json!({ "kind": "status", "status": 429, "retry_after": "2.5" }), Effect::throttled("2.5"))]
    #[case(json!({ "kind": "cut-json", "keep": 7 }), Effect::CutJson { keep: 7 })]
    #[case(json!({ "kind": "partial-batch", "done": 2, "status": 500 }), Effect::PartialBatch { done: 2, status: 500 })]
    #[case(json!({ "kind": "repeat-next-link" }), Effect::RepeatNextLink)]
    fn effects_are_read_by_their_names(#[case] script: serde_json::Value, #[case] expected: Effect) {
        assert_eq!(serde_json::from_value::<Effect>(script).unwrap(), expected);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let script = json!({ "effect": { "kind": "reset" }, "time": 1 });
        assert!(serde_json::from_value::<Fault>(script).is_err());
    }
}
