//! Codes and refresh tokens: given at the sign-in page, redeemed at the token endpoint.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::super::{MicrosoftOptions, RefreshTokens, Shared};
use super::refusal::{Refused, of_person, refused};

/// How long a code is good for.
const CODE_LIFE: Duration = Duration::from_mins(10);

/// A code as it was given.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) redirect: String,
    /// The challenge of PKCE.
    pub(super) challenge: Option<String>,
    /// What was asked for.
    pub(super) scopes: BTreeSet<String>,
    given: Instant,
    used: bool,
}

impl Code {
    pub(super) fn new(redirect: &str, challenge: Option<&str>, scopes: BTreeSet<String>) -> Self {
        let (redirect, challenge) = (redirect.to_owned(), challenge.map(str::to_owned));
        Self { redirect, challenge, scopes, given: Instant::now(), used: false }
    }
}

/// What a person signed in for.
#[derive(Clone, Debug)]
pub(super) struct Person {
    scopes: BTreeSet<String>,
}

/// All that was given.
#[derive(Debug, Default)]
pub(in crate::microsoft) struct Grants {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    codes: HashMap<String, Code>,
    refresh_tokens: HashMap<String, Person>,
    /// Ids of signed statements.
    statements: HashSet<String>,
}

impl Grants {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_new_statement(&self, id: &str) -> bool {
        self.state().statements.insert(id.to_owned())
    }

    /// Gives a code.
    pub(super) fn give(&self, code: Code) -> String {
        let text = format!("1.{}", random());
        self.state().codes.insert(text.clone(), code);
        text
    }

    /// Every code that was given and not redeemed is too old from now on.
    pub(in crate::microsoft) fn expire_codes(&self) {
        let long_ago = Instant::now().checked_sub(CODE_LIFE * 2);
        for code in self.state().codes.values_mut() {
            code.given = long_ago.unwrap_or(code.given);
        }
    }

    /// How many refresh tokens are accepted.
    pub(in crate::microsoft) fn refresh_tokens(&self) -> usize {
        self.state().refresh_tokens.len()
    }

    /// Takes a code.
    pub(super) fn redeem(
        &self,
        code: &str,
        redirect: &str,
        verifier: Option<&str>,
    ) -> Result<Person, Refused> {
        let mut state = self.state();
        let Some(given) = state.codes.get_mut(code) else {
            let says = "The provided value for the 'code' parameter is not valid.";
            return Err(refused(70_000, 400, "invalid_grant", says));
        };
        if given.used {
            let says = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an \
                        existing refresh token.";
            return Err(refused(54_005, 400, "invalid_grant", says));
        }
        if given.given.elapsed() > CODE_LIFE {
            return Err(of_person(70_008));
        }
        if given.redirect != redirect {
            let says = format!(
                "The redirect URI '{redirect}' specified in the request does not match the one that the code was \
                 asked for with."
            );
            return Err(refused(50_011, 400, "invalid_request", says));
        }
        let shown = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
        if given.challenge != shown {
            let says =
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
            return Err(refused(501_481, 400, "invalid_grant", says));
        }
        given.used = true;
        Ok(Person { scopes: given.scopes.clone() })
    }

    /// Takes a refresh token; it stays valid unless the options say otherwise.
    pub(super) fn refresh(&self, options: &MicrosoftOptions, token: &str) -> Result<Person, Refused> {
        if let Some(code) = options.refuse_refresh {
            return Err(of_person(code));
        }
        let mut state = self.state();
        let Some(person) = state.refresh_tokens.get(token).cloned() else {
            let says = "Provided grant is invalid or malformed.";
            return Err(refused(70_000, 400, "invalid_grant", says));
        };
        if options.refresh_tokens == RefreshTokens::EndWithUse {
            state.refresh_tokens.remove(token);
        }
        Ok(person)
    }

    fn give_refresh_token(&self, person: Person) -> String {
        let token = format!("1.AXkA.{}{}", random(), random());
        self.state().refresh_tokens.insert(token.clone(), person);
        token
    }
}

fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The answer to a person's grant: for the scopes that are asked for now, else for those of the sign-in.
pub(super) fn answer(
    shared: &Shared,
    options: &MicrosoftOptions,
    root: &str,
    person: Person,
    scope: Option<&str>,
) -> Result<Value, Refused> {
    let asked = match scope {
        Some(scope) => scopes(shared, root, scope)?,
        None => person.scopes.clone(),
    };
    let (permissions, offline) = permissions(&asked);
    let default = permissions.contains(".default");
    let granted: Vec<String> = if default {
        options.delegated.clone()
    } else {
        permissions.into_iter().map(str::to_owned).collect()
    };
    // Consent may have been withdrawn since.
    if granted.is_empty() || granted.iter().any(|name| !options.delegated.contains(name)) {
        return Err(of_person(65_001));
    }
    let full: Vec<String> = granted.iter().map(|name| format!("{root}/{name}")).collect();
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": full.join(" "),
        "expires_in": options.token_seconds,
        "ext_expires_in": options.token_seconds,
        "access_token": shared.tokens.issue_for_person(options, root, &granted),
    });
    // Told only where it was consented to at the sign-in.
    let may_renew = person.scopes.contains("offline_access");
    if may_renew && (offline || scope.is_none()) && options.refresh_tokens != RefreshTokens::Never {
        let token = shared.grants.give_refresh_token(person);
        if let Value::Object(members) = &mut answer {
            members.insert("refresh_token".to_owned(), token.into());
        }
    }
    Ok(answer)
}

/// The scopes of a request, those of Graph without their address.
pub(super) fn scopes(shared: &Shared, root: &str, scope: &str) -> Result<BTreeSet<String>, Refused> {
    let mut found = BTreeSet::new();
    for word in scope.split_whitespace() {
        let own = [root, shared.address.as_str()]
            .iter()
            .find_map(|graph| word.strip_prefix(graph)?.strip_prefix('/'));
        let name = match own {
            Some(name) => name,
            None if matches!(word, "offline_access" | "openid" | "profile" | "email") => word,
            None => {
                let says = format!(
                    "The provided request must include a 'scope' input parameter. The scope {word} is not valid."
                );
                return Err(refused(70_011, 400, "invalid_scope", says));
            }
        };
        found.insert(name.to_owned());
    }
    Ok(found)
}

/// The permissions of Graph among the scopes, and whether tokens are to be renewed.
pub(super) fn permissions(scopes: &BTreeSet<String>) -> (BTreeSet<&str>, bool) {
    let of_protocol = ["offline_access", "openid", "profile", "email"];
    let names = scopes.iter().map(String::as_str).filter(|name| !of_protocol.contains(name));
    (names.collect(), scopes.contains("offline_access"))
}
