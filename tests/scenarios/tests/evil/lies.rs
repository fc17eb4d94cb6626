//! The lies: whose, about what, and which exit codes tell the truth of them.
//!
//! An empty list of codes stands for a lie that leaves no trace in an answer: 0 is as true as anything.

use integrator_simulators::faults::{Effect, Fault, Lie};
use serde_json::{Value, json};

use super::twin::Moment;

/// Who lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Microsoft.
    Graph,
    /// Halo.
    Halo,
}

/// One lie.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Who tells it.
    pub(crate) side: Side,
    /// Where and how.
    pub(crate) fault: Fault,
    /// The exit codes that are true of it.
    pub(crate) codes: Vec<i32>,
    /// Whether what it told of values outlasts it: an update that Halo says it did and did not do leaves the old values,
    /// which are taken for Halo's own form of what was sent; and users are read anew once a day.
    pub(crate) lingers: bool,
    /// Whether Halo itself makes a second asset by it.
    pub(crate) copies: bool,
}

impl Told {
    fn codes(mut self, codes: &[i32]) -> Self {
        self.codes = codes.to_vec();
        self
    }

    fn lingers(mut self) -> Self {
        self.lingers = true;
        self
    }

    fn copies(mut self) -> Self {
        self.copies = true;
        self
    }

    /// The same lie, told not for ever but a few times, by this seed.
    pub(crate) fn within(mut self, seed: u64) -> Self {
        if !seed.is_multiple_of(3) {
            self.fault = self.fault.times(1 + seed % 4);
        }
        self
    }

    /// Whether every import of this moment asks for what is lied about.
    pub(crate) fn always_asked(&self, moment: Moment) -> bool {
        moment == Moment::Later || !self.fault.path.contains("/api/asset/")
    }
}

fn told(side: Side, method: &str, path: &str, effect: Effect) -> Told {
    let fault = Fault::new(path, effect).method(method).forever();
    Told { side, fault, codes: Vec::new(), lingers: false, copies: false }
}

fn success(body: &str) -> Effect {
    Effect::Status {
        status: 200,
        body: body.to_owned(),
        content_type: Some("application/json".to_owned()),
        retry_after: None,
    }
}

fn answer(status: u16, body: &str) -> Effect {
    Effect::Answer { status, body: body.to_owned(), content_type: None }
}

fn always(member: &str, value: impl Into<Value>) -> Effect {
    Effect::lie(Lie::Always(member.to_owned(), value.into()))
}

const ERROR: &str = r#"{"error":{"code":"UnknownError","message":"","innerError":{}}}"#;

/// What Graph says of devices.
pub(crate) fn graph() -> Vec<(&'static str, Told)> {
    let list = |effect: Effect| told(Side::Graph, "GET", "managedDevices", effect);
    let later = |effect: Effect| {
        let mut told = told(Side::Graph, "GET", "managedDevices", effect);
        told.fault = told.fault.skip(1);
        told
    };
    let parameters = |names: &[&str]| Effect::WithoutParameters {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    vec![
        ("every page leads to itself", list(Effect::RepeatNextLink).codes(&[5])),
        ("a later page leads to itself", later(Effect::RepeatNextLink).codes(&[5])),
        ("whatever is asked, it is the first page", list(parameters(&["$skiptoken"])).codes(&[5])),
        ("the list ends early, with success", list(Effect::EndEarly)),
        ("an empty list, with success", list(success(r#"{"@odata.count":0,"value":[]}"#)).codes(&[0, 3])),
        ("empty pages with a link to the next", list(Effect::lie(Lie::Only(0)))),
        ("pages that lack rows", list(Effect::lie(Lie::Only(2)))),
        ("an empty page in the middle", later(Effect::lie(Lie::Only(0)))),
        ("rows twice", list(Effect::lie(Lie::Doubled))),
        ("rows of the page before", list(Effect::RepeatDevices { count: 3 })),
        ("rows in another order", list(Effect::lie(Lie::Reversed))),
        ("a count that is too small", list(Effect::lie(Lie::OffBy("@odata.count".into(), -3)))),
        ("a count that is too great", list(Effect::lie(Lie::OffBy("@odata.count".into(), 100)))),
        ("no count", list(Effect::lie(Lie::Silent("@odata.count".into())))),
        ("an error in a success", list(success(ERROR)).codes(&[5])),
        ("an error in a later success", later(success(ERROR)).codes(&[5])),
        ("a page of HTML", list(Effect::Html).codes(&[5])),
        ("nothing in a success", list(success("")).codes(&[5])),
        ("null in a success", list(success("null")).codes(&[5])),
        ("an empty object in a success", list(success("{}")).codes(&[5])),
        ("rows that are no list", list(Effect::lie(Lie::Says("value".into(), json!("none")))).codes(&[5])),
        ("rows that are null", list(Effect::lie(Lie::Says("value".into(), Value::Null))).codes(&[5])),
        ("rows under another name", list(Effect::lie(Lie::Renamed("items".into()))).codes(&[5])),
        ("JSON that is cut, with success", list(Effect::CutJson { keep: 700 }).codes(&[5])),
        ("a body that is cut", list(Effect::Truncate { keep: 700 }).codes(&[5])),
        (
            "a link to another host",
            list(Effect::lie(Lie::Says(
                "@odata.nextLink".into(),
                json!("http://127.0.0.1:9/v1.0/deviceManagement/managedDevices"),
            )))
            .codes(&[5]),
        ),
        (
            "a link that is no text",
            list(Effect::lie(Lie::Says("@odata.nextLink".into(), json!(7)))).codes(&[5]),
        ),
        ("numbers as texts", list(Effect::lie(Lie::NumbersAsTexts))),
        ("texts as numbers", list(Effect::lie(Lie::TextsAsNumbers))),
        ("ids in capitals", list(Effect::lie(Lie::Capitals))),
        ("rows without serial numbers", list(Effect::lie(Lie::Without("serialNumber".into())))),
        ("rows without ids", list(Effect::lie(Lie::Without("id".into()))).codes(&[0, 1, 3, 5])),
        ("rows without names", list(Effect::lie(Lie::Without("deviceName".into())))),
        ("rows without times", list(Effect::lie(Lie::Without("lastSyncDateTime".into())))),
        ("rows without users", list(Effect::lie(Lie::Without("userId".into())))),
        ("serial numbers that are blank", list(always("serialNumber", ""))),
        ("serial numbers that are null", list(always("serialNumber", Value::Null))),
        ("names that are blank", list(always("deviceName", ""))),
        ("models that are blank", list(always("model", ""))),
        ("one placeholder for all serial numbers", list(always("serialNumber", "To be filled by O.E.M."))),
        ("synchronised in the future", list(always("lastSyncDateTime", "2099-01-01T00:00:00Z"))),
        ("times without a zone", list(always("lastSyncDateTime", "2026-08-21T08:00:00"))),
        ("times that are none", list(always("lastSyncDateTime", "0001-01-01T00:00:00Z"))),
        ("times that are nonsense", list(always("enrolledDateTime", "yesterday"))),
        ("enrolled in the future", list(always("enrolledDateTime", "2099-01-01T00:00:00Z"))),
        ("a 401 in the middle", later(Effect::status(401)).codes(&[4, 5])),
        ("a gateway that gives up in the middle", later(Effect::status(504)).codes(&[5])),
    ]
}

/// What Halo shows.
pub(crate) fn halo_reads() -> Vec<(&'static str, Told)> {
    let list = |effect: Effect| told(Side::Halo, "GET", "/api/asset?", effect);
    let parameters = |names: &[&str]| Effect::WithoutParameters {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let single = |effect: Effect| told(Side::Halo, "GET", "/api/asset/", effect);
    let users = |effect: Effect| told(Side::Halo, "GET", "/api/users", effect);
    let at = |path: &str, effect: Effect| told(Side::Halo, "GET", path, effect);
    vec![
        ("no assets, with success", list(success(r#"{"record_count":0,"assets":[]}"#))),
        ("no assets, and a count", list(Effect::lie(Lie::Only(0)))),
        ("pages that lack assets", list(Effect::lie(Lie::Only(3)))),
        ("assets twice", list(Effect::lie(Lie::Doubled))),
        ("assets in another order", list(Effect::lie(Lie::Reversed))),
        ("a total that is too small", list(Effect::lie(Lie::OffBy("record_count".into(), -2)))),
        ("a total that is too great", list(Effect::lie(Lie::OffBy("record_count".into(), 2)))),
        ("a total of nothing", list(Effect::lie(Lie::Says("record_count".into(), json!(0))))),
        ("no total", list(Effect::lie(Lie::Silent("record_count".into())))),
        ("a list without what is around it", list(Effect::lie(Lie::Bare))),
        ("a list under another name", list(Effect::lie(Lie::Renamed("things".into())))),
        ("one asset instead of a list", list(Effect::lie(Lie::OneObject))),
        (
            "an error in a success of Halo",
            list(success(r#"{"ClassName":"System.Exception","Message":"no"}"#)).codes(&[5]),
        ),
        ("assets in HTML", list(Effect::Html).codes(&[5])),
        ("assets that are cut", list(Effect::CutJson { keep: 900 }).codes(&[0, 5])),
        ("nothing in a success of Halo", list(success("")).codes(&[5])),
        ("numbers of assets as texts", list(Effect::lie(Lie::NumbersAsTexts))),
        ("texts of assets as numbers", list(Effect::lie(Lie::TextsAsNumbers))),
        ("ids of devices in capitals", list(Effect::lie(Lie::Capitals))),
        ("assets without Intune ids", list(Effect::lie(Lie::Without("intune_id".into())))),
        ("assets with empty Intune ids", list(always("intune_id", ""))),
        ("assets without ids", list(Effect::lie(Lie::Without("id".into())))),
        ("assets without sites", list(Effect::lie(Lie::Without("site_id".into())))),
        ("assets without types", list(Effect::lie(Lie::Without("assettype_id".into())))),
        ("assets without a word of activity", list(Effect::lie(Lie::Without("inactive".into())))),
        ("assets without times", list(Effect::lie(Lie::Without("last_modified".into())))),
        ("assets of the future", list(always("last_modified", "2099-01-01T00:00:00.000"))),
        ("assets of the past", list(always("last_modified", "1900-01-01T00:00:00"))),
        ("assets of no time", list(always("last_modified", "soon"))),
        ("one id for all assets", list(always("id", 1001))),
        ("a filter by time that is ignored", list(parameters(&["lastupdatefromdate"]))),
        ("a page number that is ignored", list(parameters(&["page_no"]))),
        ("an order that is ignored", list(parameters(&["order", "orderdesc"]))),
        ("paging that is ignored", list(parameters(&["pageinate", "page_size"]))),
        ("inactive assets that are left out", list(parameters(&["includeinactive"]))),
        ("single assets that are not found", single(Effect::status(404))),
        ("single assets that are empty", single(success("{}"))),
        ("single assets that are others", single(always("id", 1003))),
        ("single assets in HTML", single(Effect::Html)),
        ("no users, with success", users(success(r#"{"record_count":0,"users":[]}"#))),
        ("no users, and a count", users(Effect::lie(Lie::Only(0)))),
        ("users without Entra ids", users(Effect::lie(Lie::Without("azure_id".into()))).lingers()),
        ("users twice", users(Effect::lie(Lie::Doubled))),
        ("users in HTML", users(Effect::Html).codes(&[5])),
        ("no types", at("/api/assettype", success("[]")).codes(&[2, 5])),
        ("types in HTML", at("/api/assettype", Effect::Html).codes(&[5])),
        ("no statuses", at("/api/lookup", success("[]")).codes(&[2, 5])),
        ("no sites", at("/api/site", success(r#"{"record_count":0,"sites":[]}"#)).codes(&[2, 5])),
        ("no clients", at("/api/client", success(r#"{"record_count":0,"clients":[]}"#)).codes(&[2, 5])),
        ("no fields", at("/api/field", success("[]")).codes(&[2, 5])),
    ]
}

/// What Halo answers to writes.
pub(crate) fn halo_writes() -> Vec<(&'static str, Told)> {
    let write = |effect: Effect| told(Side::Halo, "POST", "/api/asset", effect);
    vec![
        ("done, and nothing is said", write(answer(200, ""))),
        ("done, and an empty list is answered", write(answer(201, "[]"))),
        ("done, and true is answered", write(answer(201, "true"))),
        ("done, and an empty object is answered", write(answer(201, "{}"))),
        ("done, and a page of HTML is answered", write(answer(200, "<html><body>thank you</body></html>"))),
        (
            "done, and refused",
            write(answer(400, r#"{"ClassName":"System.Exception","Message":"no"}"#)).codes(&[1]),
        ),
        ("done, and not found", write(answer(404, "")).codes(&[1])),
        ("done, and in conflict", write(answer(409, "")).codes(&[1])),
        ("done, and failed", write(answer(500, "")).codes(&[0, 1])),
        ("done, and the gateway gave up", write(answer(504, "")).codes(&[0, 1])),
        ("done, and forbidden", write(answer(403, "")).codes(&[4])),
        ("done, and the answer is cut", write(Effect::CutJson { keep: 20 })),
        ("answered in another order", write(Effect::lie(Lie::Reversed))),
        ("answered with the id of another asset", write(always("id", 1001))),
        ("answered with an id that nobody has", write(always("id", 900_001))),
        ("answered with the Intune ids of others", write(Effect::lie(Lie::Turned("intune_id".into())))),
        ("answered with fewer rows", write(Effect::lie(Lie::Only(1)))),
        ("answered with rows twice", write(Effect::lie(Lie::Doubled))),
        ("answered without ids", write(Effect::lie(Lie::Without("id".into())))),
        ("answered without fields", write(Effect::lie(Lie::Without("fields".into())))),
        ("answered with numbers as texts", write(Effect::lie(Lie::NumbersAsTexts))),
        ("answered with texts as numbers", write(Effect::lie(Lie::TextsAsNumbers))),
        ("answered with ids in capitals", write(Effect::lie(Lie::Capitals))),
        ("answered with one asset", write(Effect::lie(Lie::OneObject))),
        ("not done, and nothing is said", write(success("")).lingers()),
        ("not done, and an empty list is answered", write(success("[]")).lingers()),
        ("not done, and an id is made up", write(success(r#"[{"id":900002}]"#)).lingers()),
        ("not done, and the id of another asset is answered", write(success(r#"[{"id":1002}]"#)).lingers()),
        ("only the first row is done", write(Effect::FewerRows { keep: 1 }).lingers()),
        ("done twice", write(Effect::Twice).copies()),
    ]
}
