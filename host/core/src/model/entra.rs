//! A user of an Entra tenant, as far as pairing with Halo's users needs one.

use serde::{Deserialize, Serialize};

/// What Entra says of a user. Empty texts are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraUser {
    /// The object id, in lower case.
    pub id: String,
    /// `userPrincipalName`
    pub principal_name: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `onPremisesSamAccountName`
    pub sam_account_name: Option<String>,
    /// `employeeId`
    pub employee_id: Option<String>,
}
