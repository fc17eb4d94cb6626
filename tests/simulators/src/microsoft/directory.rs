//! The directory: users and the organisation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Shared;
use super::graph::{Answer, Question};
use crate::fleet::FleetUser;

/// What Graph sends of a user without `$select`.
const DEFAULT_PROPERTIES: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// Properties that the service does not read for collections.
const NOT_IN_COLLECTIONS: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
    "mailboxSettings",
];

const DEFAULT_PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 999;
const TOKEN_START: &str = "RFNwdAIAAQAAAC";

const USER_SCOPES: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const ORGANISATION_SCOPES: &[&str] =
    &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

fn forbidden(question: &Question, scopes: &[&str]) -> Option<Answer> {
    let allowed = question.roles.iter().any(|role| scopes.contains(&role.as_str()));
    let says = "Insufficient privileges to complete the operation.";
    (!allowed).then(|| question.refused(403, "Authorization_RequestDenied", says))
}

/// The refusal of a question about users without the right to.
pub(super) fn forbidden_users(question: &Question) -> Option<Answer> {
    forbidden(question, USER_SCOPES)
}

/// `GET /users`.
pub(super) fn users(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden(question, USER_SCOPES) {
        return refusal;
    }
    let query = question.query();
    let bad = |says: &str| question.refused(400, "Request_BadRequest", says);
    for name in query.system_names() {
        match name {
            "$top" | "$select" | "$skiptoken" | "$count" => {}
            "$filter" => {
                let says = "Unsupported or invalid query filter clause specified for resource 'User'.";
                return question.refused(400, "Request_UnsupportedQuery", says);
            }
            other => return bad(&format!("'{other}' is not supported by the service.")),
        }
    }
    let top = match query.get("$top").map(str::parse::<u64>) {
        None => DEFAULT_PAGE,
        Some(Ok(top)) if (1..=LARGEST_PAGE).contains(&top) => top,
        Some(_) => {
            let asked = query.get("$top").unwrap_or_default();
            return bad(&format!(
                "Invalid page size specified: '{asked}'. Must be between 1 and 999 inclusive."
            ));
        }
    };
    let selected = query.selected();
    if let Some(name) = selected.iter().flatten().find(|name| NOT_IN_COLLECTIONS.contains(&name.as_str())) {
        let says = format!("This operation target is not yet supported: {name}.");
        return question.refused(501, "NotImplemented", &says);
    }
    if let Some(refusal) = unknown_property(question, selected.as_deref()) {
        return refusal;
    }
    let start = match query.get("$skiptoken").map(start_of) {
        None => 0,
        Some(Some(start)) => start,
        Some(None) => {
            return question.refused(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired.",
            );
        }
    };
    let fleet = shared.fleet();
    let end = start.saturating_add(top).min(fleet.user_count());
    let rows: Vec<Value> = (start..end)
        .filter_map(|index| fleet.user_at(index))
        .map(|user| narrowed(properties(&user), selected.as_deref()))
        .collect();
    let mut answer = Map::new();
    answer.insert("@odata.context".to_owned(), json!(question.context("users", selected.as_deref(), "")));
    if end < fleet.user_count() {
        let token = format!("{TOKEN_START}{}", URL_SAFE_NO_PAD.encode(end.to_be_bytes()));
        answer.insert("@odata.nextLink".to_owned(), json!(question.link(&query.next(&token))));
    }
    answer.insert("value".to_owned(), Value::Array(rows));
    Answer::ok(&Value::Object(answer))
}

/// `GET /users/{id or sign-in name}`.
pub(super) fn user(shared: &Shared, question: &Question, id: &str) -> Answer {
    if let Some(refusal) = forbidden(question, USER_SCOPES) {
        return refusal;
    }
    let selected = question.query().selected();
    if let Some(refusal) = unknown_property(question, selected.as_deref()) {
        return refusal;
    }
    let Some(user) = shared.fleet().user(id) else {
        let says = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        return question.refused(404, "Request_ResourceNotFound", &says);
    };
    let mut row = narrowed(properties(&user), selected.as_deref());
    row["@odata.context"] = json!(question.context("users", selected.as_deref(), "/$entity"));
    Answer::ok(&row)
}

/// `GET /organization`.
pub(super) fn organization(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden(question, ORGANISATION_SCOPES) {
        return refusal;
    }
    let selected = question.query().selected();
    let options = shared.options();
    let domains: Vec<Value> = std::iter::once(&options.tenant_domain)
        .chain(&options.more_domains)
        .enumerate()
        .map(|(index, name)| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": index == 0,
                "isInitial": index == 0, "name": name, "type": "Managed",
            })
        })
        .collect();
    let row = json!({
        "id": options.tenant, "deletedDateTime": null, "businessPhones": ["425-555-0100"], "city": null,
        "country": null, "countryLetterCode": "NL", "createdDateTime": "2021-08-02T10:30:06Z",
        "defaultUsageLocation": null, "displayName": options.tenant_name, "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": null, "onPremisesSyncEnabled": null, "partnerTenantType": null,
        "postalCode": null, "preferredLanguage": "en", "state": null, "street": null,
        "technicalNotificationMails": ["admin@contoso.example"], "tenantType": "AAD",
        "verifiedDomains": domains,
    });
    let row = match &selected {
        Some(_) => narrowed(row, selected.as_deref()),
        None => row,
    };
    Answer::ok(&json!({
        "@odata.context": question.context("organization", selected.as_deref(), ""),
        "value": [row],
    }))
}

fn start_of(token: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(TOKEN_START)?).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

pub(super) fn unknown_property(question: &Question, selected: Option<&[String]>) -> Option<Answer> {
    let probe = properties(&FleetUser::default());
    let unknown = selected?.iter().find(|name| probe.get(name.as_str()).is_none())?;
    let says = format!("Could not find a property named '{unknown}' on type 'microsoft.graph.user'.");
    Some(question.refused(400, "BadRequest", &says))
}

/// Every property of a user that can be asked for.
pub(super) fn properties(user: &FleetUser) -> Value {
    let (given, family) = user.display_name.split_once(' ').unwrap_or((&user.display_name, ""));
    json!({
        "id": user.id, "accountEnabled": true, "businessPhones": [], "city": null, "companyName": null,
        "country": null, "createdDateTime": "2021-08-02T10:30:06Z", "department": null,
        "displayName": user.display_name, "employeeId": user.employee_id, "employeeType": null, "givenName": given,
        "jobTitle": null, "mail": user.mail, "mobilePhone": null, "officeLocation": null,
        "onPremisesImmutableId": null, "onPremisesSamAccountName": user.sam_account_name,
        "onPremisesSyncEnabled": null, "onPremisesUserPrincipalName": null, "otherMails": [], "postalCode": null,
        "preferredLanguage": null, "proxyAddresses": [format!("SMTP:{}", user.mail)], "state": null,
        "streetAddress": null, "surname": family, "usageLocation": "NL",
        "userPrincipalName": user.user_principal_name, "userType": "Member",
    })
}

pub(super) fn narrowed(row: Value, selected: Option<&[String]>) -> Value {
    let Value::Object(mut properties) = row else { return row };
    let default = || DEFAULT_PROPERTIES.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let names = selected.map_or_else(default, <[String]>::to_vec);
    names.iter().filter_map(|name| properties.remove_entry(name)).collect::<Map<_, _>>().into()
}
