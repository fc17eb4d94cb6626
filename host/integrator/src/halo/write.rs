//! Writing assets: how a write is rendered, sent and what its answer proves.

use super::asset_row;
use super::client::HaloClient;
use super::value;
use crate::http::{
    Answer, FailureClass, HttpError, HttpErrorKind, Reading, Repeat, Request, html_summary, one_line,
};
use integrator_core::model::{Asset, AssetId, AssetWrite, Member, SoftwareRow};
use serde_json::{Map, Value, json};

/// What Halo answered to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteAnswer {
    /// The form of the answer.
    pub shape: AnswerShape,
    /// The assets it shows, in its order: all that were sent, or one of them.
    pub rows: Vec<Asset>,
    /// What Halo warns of, `_warning` of each row.
    pub warnings: Vec<String>,
    /// How many rows of software an asset has now, where a row shows them.
    pub software: Vec<(AssetId, usize)>,
}

/// The form of an answer to an array of writes; which one a Halo uses is told by its first answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerShape {
    /// A list of assets.
    List,
    /// One asset, whichever of those sent it is.
    One,
    /// Done, but the answer shows no asset.
    Unreadable,
}

/// A write that did not end well.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{problem}")]
pub struct WriteError {
    /// What is known of the write.
    pub problem: WriteProblem,
    /// The failed request.
    #[source]
    pub source: HttpError,
}

/// What is known of a write that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteProblem {
    /// Halo says no to what was sent: nothing is to be had by sending the same again.
    #[error("Halo refused the write ({status}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Halo's words on one line.
        message: String,
        /// The row that Halo blames, from 0, where it names one.
        row: Option<usize>,
    },
    /// Halo failed (5xx) in all tries; what was sent may be done in part. Only where sending twice does no harm.
    #[error("Halo failed at the write ({status}): {message}")]
    Failed {
        /// HTTP status.
        status: u16,
        /// Halo's words on one line.
        message: String,
    },
    /// It is not known whether the write was done.
    #[error("it is not known whether the write was done: {reason}")]
    Unclear {
        /// What happened instead of an answer.
        reason: String,
    },
    /// No right to write (403, 401 after a renewal, or the sign-in was refused): ends the apply.
    #[error("Halo allows no write: {message}")]
    Forbidden {
        /// Halo's words on one line.
        message: String,
    },
    /// Nothing was done: Halo cannot be reached, or it still refuses requests as too many.
    #[error("the write was not sent: {reason}")]
    Unsent {
        /// Why.
        reason: String,
    },
}

impl WriteError {
    /// The way out, where one can be named.
    pub fn hint(&self) -> Option<String> {
        self.source.hint()
    }

    /// What the failure means for a command.
    pub fn class(&self) -> FailureClass {
        self.source.class()
    }
}

impl From<HttpError> for WriteError {
    fn from(source: HttpError) -> Self {
        let problem = match source.kind() {
            HttpErrorKind::Status { status, message, .. } if *status >= 500 => {
                WriteProblem::Failed { status: *status, message: message.clone() }
            }
            HttpErrorKind::Status { status, message, row } => {
                WriteProblem::Refused { status: *status, message: message.clone(), row: *row }
            }
            HttpErrorKind::Permission { message, .. } | HttpErrorKind::SignIn { message, .. } => {
                WriteProblem::Forbidden { message: message.clone() }
            }
            kind @ (HttpErrorKind::SignInRequired { .. } | HttpErrorKind::Credential { .. }) => {
                WriteProblem::Forbidden { message: kind.to_string() }
            }
            HttpErrorKind::Unclear { reason } => WriteProblem::Unclear { reason: reason.clone() },
            kind @ (HttpErrorKind::Timeout
            | HttpErrorKind::Broken
            | HttpErrorKind::Unreadable { .. }
            | HttpErrorKind::TooLarge { .. }) => WriteProblem::Unclear { reason: kind.to_string() },
            kind @ (HttpErrorKind::Unreachable
            | HttpErrorKind::Tls { .. }
            | HttpErrorKind::Throttled { .. }
            | HttpErrorKind::Foreign { .. }
            | HttpErrorKind::Settings { .. }) => WriteProblem::Unsent { reason: kind.to_string() },
        };
        Self { problem, source }
    }
}

impl HaloClient {
    /// Sends assets in one request. With a create among them nothing that may have been done is repeated; updates
    /// alone are repeated by the common rules, because doing them twice changes nothing.
    pub async fn write_assets(&self, writes: &[AssetWrite]) -> Result<WriteAnswer, WriteError> {
        let creates = writes.iter().any(|write| write.id.is_none());
        let repeat = if creates { Repeat::OnlyIfUnsent } else { Repeat::Safe };
        let body = Value::Array(writes.iter().map(render).collect()).to_string();
        let request = Request::post("/Asset", body, repeat);
        let answer = self.endpoint.send(&request, |answer| read_answer(&answer)).await?;
        for warning in &answer.warnings {
            tracing::warn!(%warning, "Halo warns of a write");
        }
        Ok(answer)
    }
}

/// A write as Halo takes it.
fn render(write: &AssetWrite) -> Value {
    let mut row = Map::new();
    // Fields that the type lacks are not added to it: what a type holds is its owner's choice.
    row.insert("_dontaddnewfields".to_owned(), Value::Bool(true));
    let numbers = [
        ("id", write.id.map(|id| id.0)),
        ("assettype_id", write.type_id.map(|id| id.0)),
        ("client_id", write.client.map(|id| id.0)),
        ("site_id", write.site.map(|id| id.0)),
        ("status_id", write.status.map(|id| id.0)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            row.insert(name.to_owned(), number.into());
        }
    }
    if let Some(intune_id) = &write.intune_id {
        row.insert("intune_id".to_owned(), intune_id.as_str().into());
    }
    if let Some(tenant) = &write.tenant {
        row.insert("azureTenantId".to_owned(), tenant.as_str().into());
    }
    if let Some(users) = &write.users {
        row.insert("users".to_owned(), users.iter().map(|user| json!({"id": user.0})).collect());
    }
    if let Some(software) = &write.software {
        let one = |title: &SoftwareRow| json!({"name": title.name, "version": title.version, "licence_id": title.licence.0});
        row.insert("software".to_owned(), software.iter().map(one).collect());
    }
    let mut fields = Vec::new();
    for (member, value) in &write.members {
        let value = value.as_deref().unwrap_or_default();
        match member {
            Member::Field(id) => fields.push(json!({"id": id.0, "value": value})),
            Member::System(name) => {
                row.insert(name.clone(), value.into());
            }
        }
    }
    if !fields.is_empty() {
        row.insert("fields".to_owned(), Value::Array(fields));
    }
    Value::Object(row)
}

/// A success without a body, or with one that shows no asset, is a success all the same; half a body is none.
fn read_answer(answer: &Answer) -> Reading<WriteAnswer> {
    let unreadable = |warnings| WriteAnswer {
        shape: AnswerShape::Unreadable,
        rows: Vec::new(),
        warnings,
        software: Vec::new(),
    };
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Reading::Done(unreadable(Vec::new()));
    }
    let value: Value = match serde_json::from_slice(&answer.body) {
        Ok(value) => value,
        Err(error) => {
            let text = answer.text();
            return Reading::Broken(html_summary(&text).unwrap_or_else(|| one_line(&error.to_string())));
        }
    };
    let (shape, values) = match value {
        Value::Array(values) => (AnswerShape::List, values),
        object @ Value::Object(_) => (AnswerShape::One, vec![object]),
        _ => return Reading::Done(unreadable(Vec::new())),
    };
    let warnings = values
        .iter()
        .filter_map(|row| value::text(row.as_object()?, "_warning"))
        .map(|warning| one_line(&warning))
        .collect();
    let rows: Result<Vec<Asset>, _> = values.iter().map(asset_row::read).collect();
    Reading::Done(match rows {
        Ok(rows) if !rows.is_empty() => {
            let software = values
                .iter()
                .zip(&rows)
                .filter_map(|(value, row)| Some((row.id, value.get("software")?.as_array()?.len())));
            WriteAnswer { shape, software: software.collect(), rows, warnings }
        }
        _ => unreadable(warnings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::{ClientId, FieldId, LicenceId, SiteId, TypeId, UserId};

    #[test]
    fn a_write_is_rendered_with_the_members_it_has() {
        let write = AssetWrite {
            type_id: Some(TypeId(131)),
            client: Some(ClientId(39)),
            site: Some(SiteId(18)),
            intune_id: Some("dev-1".into()),
            tenant: Some("tenant-1".into()),
            users: Some(vec![UserId(5)]),
            members: vec![
                (Member::Field(FieldId(117)), Some("S1".into())),
                (Member::Field(FieldId(51)), None),
                (Member::System("notes".into()), None),
                (Member::System("inventory_number".into()), Some("INV".into())),
            ],
            ..AssetWrite::default()
        };
        assert_eq!(
            render(&write),
            json!({
                "_dontaddnewfields": true, "assettype_id": 131, "client_id": 39, "site_id": 18, "intune_id": "dev-1",
                "azureTenantId": "tenant-1", "users": [{"id": 5}], "notes": "", "inventory_number": "INV",
                "fields": [{"id": 117, "value": "S1"}, {"id": 51, "value": ""}],
            })
        );
        let update = AssetWrite { id: Some(AssetId(7)), users: Some(vec![]), ..AssetWrite::default() };
        assert_eq!(render(&update), json!({"_dontaddnewfields": true, "id": 7, "users": []}));
        let title = SoftwareRow { name: "Chrome".into(), version: "139".into(), licence: LicenceId(3) };
        let software =
            AssetWrite { id: Some(AssetId(7)), software: Some(vec![title]), ..AssetWrite::default() };
        let rows = json!([{"name": "Chrome", "version": "139", "licence_id": 3}]);
        assert_eq!(render(&software), json!({"_dontaddnewfields": true, "id": 7, "software": rows}));
    }

    #[test]
    fn the_form_of_an_answer_is_told() {
        let read = |body: &str| {
            let headers = ::http::HeaderMap::new();
            read_answer(&Answer { status: 201, body: body.as_bytes().to_vec(), headers })
        };
        let check = |body: &str, shape: AnswerShape, rows: usize, warnings: &[&str]| match read(body) {
            Reading::Done(answer) => {
                assert_eq!((answer.shape, answer.rows.len()), (shape, rows), "{body}");
                assert_eq!(answer.warnings, warnings, "{body}");
            }
            other => panic!("{body}: {other:?}"),
        };
        check(r#"[{"id":1},{"id":2,"_warning":"late\nly"}]"#, AnswerShape::List, 2, &["late ly"]);
        check(r#"{"id":1}"#, AnswerShape::One, 1, &[]);
        check("", AnswerShape::Unreadable, 0, &[]);
        check("[]", AnswerShape::Unreadable, 0, &[]);
        check("true", AnswerShape::Unreadable, 0, &[]);
        check(r#"{"ok":true,"_warning":"odd"}"#, AnswerShape::Unreadable, 0, &["odd"]);
        assert!(matches!(read(r#"[{"id":1},{"i"#), Reading::Broken(_)));
        assert!(matches!(read("<html><title>x</title>"), Reading::Broken(_)));
    }
}
