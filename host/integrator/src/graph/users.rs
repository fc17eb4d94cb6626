//! Entra's users by their changes: a first round tells of everybody, later rounds of what changed since.
//!
//! Needs `User.Read.All`. Knows the rounds and their links; does not know what is kept of them.

use super::client::GraphClient;
use super::sweep::{Sweep, SweepError, SweepProblem};
use crate::http::{HttpError, HttpErrorKind, one_line};
use integrator_core::model::EntraUser;
use serde_json::{Map, Value};
use std::sync::Arc;

/// How a first round begins. What is selected stays with the links that follow.
const START: &str = "/v1.0/users/delta?$select=id,userPrincipalName,mail,onPremisesSamAccountName,employeeId";

/// One change of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// The user is there, with what the row tells of it.
    Set(UserPatch),
    /// The user is deleted, restorably or for good.
    Removed(String),
}

/// What a row of changes tells: a member that it lacks is unchanged, or was never set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPatch {
    /// The object id, in lower case.
    pub id: String,
    row: Map<String, Value>,
}

impl UserPatch {
    /// The user after the change.
    pub fn apply(&self, user: EntraUser) -> EntraUser {
        let set = |name: &str, held: Option<String>| match self.row.get(name) {
            None => held,
            Some(value) => value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
        };
        EntraUser {
            id: self.id.clone(),
            principal_name: set("userPrincipalName", user.principal_name),
            mail: set("mail", user.mail),
            sam_account_name: set("onPremisesSamAccountName", user.sam_account_name),
            employee_id: set("employeeId", user.employee_id),
        }
    }
}

/// Why a round did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UserRoundError {
    /// Graph no longer knows what the link stands for (it keeps them for seven days): a first round is needed.
    #[error("the changes since the last round are no longer kept")]
    Expired,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] HttpError),
}

/// A round of changes. Only once it has come to its end may its link be kept.
#[derive(Debug)]
pub struct UserRound {
    client: GraphClient,
    walk: Sweep,
    link: Option<String>,
}

impl GraphClient {
    /// Begins a round: of the changes since the round that gave `link`, or of everybody.
    pub fn user_round(&self, link: Option<&str>) -> UserRound {
        let walk = Sweep::new(Arc::clone(&self.endpoint), link.unwrap_or(START));
        UserRound { client: self.clone(), walk, link: None }
    }
}

impl UserRound {
    /// The next changes, or `None` at the end of the round.
    pub async fn next_page(&mut self) -> Result<Option<Vec<UserChange>>, UserRoundError> {
        let page = match self.walk.next_page().await {
            Ok(Some(page)) => page,
            Ok(None) if self.link.is_some() => return Ok(None),
            Ok(None) => return Err(self.wrong("the last page of changes names no link for the next round")),
            Err(SweepError { problem: SweepProblem::Http(error), .. }) if is_expired(&error) => {
                return Err(UserRoundError::Expired);
            }
            Err(SweepError { problem: SweepProblem::Http(error), .. }) => return Err(error.into()),
            Err(error) => return Err(self.wrong(&error.problem.to_string())),
        };
        self.link = page.delta_link().map(str::to_owned);
        let changes: Result<Vec<UserChange>, String> = page.rows().map(read).collect();
        changes.map(Some).map_err(|problem| self.wrong(&problem))
    }

    /// The link with which the next round begins, once this one has come to its end.
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    fn wrong(&self, problem: &str) -> UserRoundError {
        let problem = problem.to_owned();
        self.client.endpoint.error("/users/delta", HttpErrorKind::Unreadable { problem }).into()
    }
}

/// Graph says so with 410, or with another refusal whose code is one of two.
fn is_expired(error: &HttpError) -> bool {
    match error.kind() {
        HttpErrorKind::Status { status: 410, .. } => true,
        HttpErrorKind::Status { status: 400..=499, message, .. } => {
            let message = message.to_ascii_lowercase();
            ["syncstatenotfound", "resyncrequired"].iter().any(|code| message.contains(code))
        }
        _ => false,
    }
}

fn read(row: &str) -> Result<UserChange, String> {
    let row: Map<String, Value> = serde_json::from_str(row)
        .map_err(|error| format!("a changed user's row: {}", one_line(&error.to_string())))?;
    let id = row.get("id").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let id = id.filter(|id| !id.is_empty()).ok_or("a changed user's row lacks its id")?;
    Ok(match row.get("@removed") {
        None | Some(Value::Null) => UserChange::Set(UserPatch { id, row }),
        Some(_) => UserChange::Removed(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_a_change_lacks_stays_and_one_that_is_null_goes() {
        let held = EntraUser {
            id: "a".into(),
            mail: Some("a@b.example".into()),
            employee_id: Some("7".into()),
            ..EntraUser::default()
        };
        let Ok(UserChange::Set(patch)) =
            read(r#"{"id":"A","employeeId":null,"onPremisesSamAccountName":" ann "}"#)
        else {
            panic!("no change")
        };
        let after = patch.apply(held);
        assert_eq!(after.mail.as_deref(), Some("a@b.example"));
        assert_eq!(after.employee_id, None);
        assert_eq!(after.sam_account_name.as_deref(), Some("ann"));
    }

    #[test]
    fn both_kinds_of_removal_are_removals_and_a_row_without_an_id_is_an_error() {
        for reason in ["changed", "deleted"] {
            let row = format!(r#"{{"id":"X","@removed":{{"reason":"{reason}"}}}}"#);
            assert_eq!(read(&row), Ok(UserChange::Removed("x".into())));
        }
        assert!(read("{}").is_err() && read("[]").is_err());
    }
}
