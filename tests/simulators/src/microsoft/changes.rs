//! `GET /users/delta`: rounds of changes, each ending with the link that begins the next.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Shared;
use super::directory::{forbidden_users, narrowed, properties, unknown_property};
use super::graph::{Answer, Question};
use crate::fleet::Fleet;

/// Where a round stands: everything up to `upto` of the log of changes belongs to it.
#[derive(Debug)]
struct Token {
    /// First round: the next place of the list of users. Later rounds: the next entry of the log.
    next: u64,
    upto: u64,
    first_round: bool,
    selected: Vec<String>,
}

impl Token {
    fn text(&self) -> String {
        let text =
            format!("{};{};{};{}", self.next, self.upto, u8::from(self.first_round), self.selected.join(","));
        URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.split(';');
        Some(Self {
            next: parts.next()?.parse().ok()?,
            upto: parts.next()?.parse().ok()?,
            first_round: parts.next()? == "1",
            selected: parts.next()?.split(',').map(str::to_owned).collect(),
        })
    }
}

/// One page of a round.
pub(super) fn users(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden_users(question) {
        return refusal;
    }
    let query = question.query();
    for name in query.system_names() {
        if !matches!(name, "$select" | "$skiptoken" | "$deltatoken") {
            let says = format!("'{name}' is not supported for delta queries of this resource.");
            return question.refused(400, "Request_UnsupportedQuery", &says);
        }
    }
    let fleet = shared.fleet();
    let token = match (query.get("$skiptoken"), query.get("$deltatoken")) {
        (None, None) => {
            let selected = query.selected();
            if let Some(refusal) = unknown_property(question, selected.as_deref()) {
                return refusal;
            }
            let upto = fleet.user_changes().len() as u64;
            Token { next: 0, upto, first_round: true, selected: selected.unwrap_or_default() }
        }
        (Some(text), None) => match Token::read(text) {
            Some(token) => token,
            None => return question.refused(400, "Request_BadRequest", "The skip token is invalid."),
        },
        (None, Some(text)) => match Token::read(text) {
            Some(token) if token.upto < shared.options().oldest_user_change => {
                let says = "The delta token is too old; a full synchronisation is needed.";
                return question.refused(410, "syncStateNotFound", says);
            }
            Some(token) => {
                let upto = fleet.user_changes().len() as u64;
                Token { next: token.upto, upto, first_round: false, selected: token.selected }
            }
            None => return question.refused(400, "Request_BadRequest", "The delta token is invalid."),
        },
        (Some(_), Some(_)) => return question.refused(400, "Request_BadRequest", "Two tokens."),
    };
    page(&fleet, shared.options().user_change_page, question, token)
}

fn page(fleet: &Fleet, size: u64, question: &Question, token: Token) -> Answer {
    let end = if token.first_round { fleet.user_count() } else { token.upto };
    let asked_for_next = question.query().get("$skiptoken").is_some();
    // A later round begins with an empty page, as happens; an empty page is no end.
    let upto = match (token.first_round, asked_for_next) {
        (false, false) if token.next < end => token.next,
        _ => (token.next + size).min(end),
    };
    let rows: Vec<Value> = (token.next..upto).filter_map(|index| row(fleet, &token, index)).collect();
    let mut answer = Map::new();
    answer.insert("@odata.context".to_owned(), json!(question.context("users", Some(&token.selected), "")));
    let (name, parameter, next) = if upto < end {
        ("@odata.nextLink", "$skiptoken", upto)
    } else {
        ("@odata.deltaLink", "$deltatoken", 0)
    };
    let text = Token { next, ..token }.text();
    answer.insert(name.to_owned(), json!(question.link(&format!("{parameter}={text}"))));
    answer.insert("value".to_owned(), Value::Array(rows));
    Answer::ok(&Value::Object(answer))
}

/// A row of the round: a user who is set, or one who is gone. Members that are not set are left out.
fn row(fleet: &Fleet, token: &Token, index: u64) -> Option<Value> {
    let user = if token.first_round {
        fleet.user_at(index)?
    } else {
        let id = fleet.user_changes().get(usize::try_from(index).ok()?)?;
        let Some(user) = fleet.user(id) else {
            return Some(json!({"id": id, "@removed": {"reason": "changed"}}));
        };
        user
    };
    let selected = (!token.selected.is_empty()).then_some(token.selected.as_slice());
    let Value::Object(members) = narrowed(properties(&user), selected) else { return None };
    let empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    // A member that became empty is told as null once; it is not told of a user who never had it.
    let told: Map<String, Value> = members
        .into_iter()
        .filter(|(_, value)| !token.first_round || !empty(value))
        .map(|(name, value)| if empty(&value) { (name, Value::Null) } else { (name, value) })
        .collect();
    Some(Value::Object(told))
}
