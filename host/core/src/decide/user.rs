//! Which Halo user a device's user is.

mod packed;

use crate::model::device::Slot;
use crate::model::value::fold;
use crate::model::{ClientId, Device, DeviceKey, EntraUser, HaloUser, SiteId, UserId};
use crate::settings::{UserIdentifier, UserSource, Users};
use rustc_hash::FxHashMap;

/// A Halo user, as far as a decision needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// Halo's number.
    pub id: UserId,
    /// The user's site.
    pub site: Option<SiteId>,
    /// The user's client.
    pub client: Option<ClientId>,
}

/// Active Halo users by the identifier that the settings chose, folded.
#[derive(Debug, Default)]
pub struct UserIndex {
    by_identifier: FxHashMap<DeviceKey, Entry>,
    /// Sites with their clients: a few thousand, which many users share.
    places: Vec<(Option<SiteId>, Option<ClientId>)>,
    place_numbers: FxHashMap<(Option<SiteId>, Option<ClientId>), u32>,
    /// Pairs of users that share an identifier.
    several: FxHashMap<DeviceKey, UserId>,
    /// What Entra's users are found by: the key of the identifier, by object id.
    entra: FxHashMap<DeviceKey, DeviceKey>,
    /// The key of the registered owner's identifier, by the id of the device's Entra record.
    owners: FxHashMap<DeviceKey, DeviceKey>,
}

/// The first user with an identifier. Small, because there may be a million.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: UserId,
    place: u32,
    shared: Shared,
}

/// Whether several users have the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    No,
    Yes,
}

impl UserIndex {
    /// Takes a Halo user in. Inactive users and those without the identifier are left out.
    pub fn add(&mut self, user: &HaloUser, settings: &Users) {
        if user.inactive {
            return;
        }
        let Some(value) = halo_value(user, settings) else { return };
        let folded = fold(value);
        if folded.is_empty() || is_zero_guid(&folded) {
            return;
        }
        let key = DeviceKey::of(&folded);
        let place = self.place_number((user.site, user.client));
        let several = &mut self.several;
        self.by_identifier
            .entry(key)
            .and_modify(|entry| {
                if entry.id != user.id && entry.shared == Shared::No {
                    entry.shared = Shared::Yes;
                    several.insert(key, user.id);
                }
            })
            .or_insert(Entry { id: user.id, place, shared: Shared::No });
    }

    /// Makes room for so many users at once, which takes less memory than growing step by step.
    pub fn reserve(&mut self, users: usize) {
        self.by_identifier.reserve(users);
    }

    fn place_number(&mut self, place: (Option<SiteId>, Option<ClientId>)) -> u32 {
        let places = &mut self.places;
        *self.place_numbers.entry(place).or_insert_with(|| {
            places.push(place);
            u32::try_from(places.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Takes in what Entra says of a user, for identifiers that the device's own row lacks.
    pub fn add_entra(&mut self, user: &EntraUser, identifier: UserIdentifier) {
        if let Some(key) = entra_value(user, identifier).and_then(key_of) {
            self.entra.insert(DeviceKey::of(&user.id), key);
        }
    }

    /// Takes in the registered owner of the Entra record with this device id. Entra's users come first.
    pub fn add_owner(&mut self, entra_device: &str, owner: &EntraUser, identifier: UserIdentifier) {
        let key = if identifier.is_on_the_device() {
            entra_value(owner, identifier).and_then(key_of)
        } else {
            self.entra.get(&DeviceKey::of(&owner.id)).copied()
        };
        if let Some(key) = key {
            self.owners.insert(DeviceKey::of(entra_device), key);
        }
    }

    /// The key of the identifier of a device's user; none where the device has no user, or none that has it.
    pub fn key(&self, device: &Device, settings: &Users) -> Option<DeviceKey> {
        match settings.source {
            UserSource::Intune => self.primary_user(device, settings.identifier),
            UserSource::Entra => {
                device.text(Slot::ENTRA_DEVICE_ID).and_then(|id| self.owners.get(&DeviceKey::of(id))).copied()
            }
        }
    }

    /// What is known of registered owners: the key of the identifier, by that of the device's Entra record.
    pub fn owners(&self) -> impl Iterator<Item = (DeviceKey, DeviceKey)> + '_ {
        self.owners.iter().map(|(device, key)| (*device, *key))
    }

    /// Takes in a registered owner as [`UserIndex::owners`] told it.
    pub fn put_owner(&mut self, device: DeviceKey, key: DeviceKey) {
        self.owners.insert(device, key);
    }

    /// Finds the Halo user of a device's user.
    pub fn find(&self, device: &Device, settings: &Users) -> UserDecision {
        let Some(key) = self.key(device, settings) else { return UserDecision::NoUser };
        let Some(entry) = self.by_identifier.get(&key) else { return UserDecision::Unmatched };
        match (entry.shared, self.several.get(&key)) {
            (Shared::Yes, other) => UserDecision::Ambiguous(entry.id, other.copied().unwrap_or(entry.id)),
            (Shared::No, _) => {
                let (site, client) = self.places.get(entry.place as usize).copied().unwrap_or_default();
                UserDecision::Matched(UserRef { id: entry.id, site, client })
            }
        }
    }

    /// The key of the identifier of a device's primary user.
    fn primary_user(&self, device: &Device, identifier: UserIdentifier) -> Option<DeviceKey> {
        if !identifier.is_on_the_device() {
            let id = device.text(Slot::USER_ID)?;
            return self.entra.get(&DeviceKey::of(id)).copied();
        }
        Self::identifying(device, None, identifier).and_then(key_of)
    }

    /// What a device's primary user is found by: on the device's own row, or what Entra says of that user.
    pub fn identifying<'a>(
        device: &'a Device,
        entra: Option<&'a EntraUser>,
        identifier: UserIdentifier,
    ) -> Option<&'a str> {
        match identifier {
            UserIdentifier::AzureObjectId => device.text(Slot::USER_ID),
            UserIdentifier::UserPrincipalName | UserIdentifier::Login => {
                device.text(Slot::USER_PRINCIPAL_NAME)
            }
            UserIdentifier::Email => device.text(Slot::EMAIL_ADDRESS),
            UserIdentifier::SamAccountName | UserIdentifier::EmployeeId => entra_value(entra?, identifier),
        }
    }
}

/// What Entra's users are paired by.
fn entra_value(user: &EntraUser, identifier: UserIdentifier) -> Option<&str> {
    match identifier {
        UserIdentifier::AzureObjectId => Some(&user.id),
        UserIdentifier::UserPrincipalName | UserIdentifier::Login => user.principal_name.as_deref(),
        UserIdentifier::Email => user.mail.as_deref(),
        UserIdentifier::SamAccountName => user.sam_account_name.as_deref(),
        UserIdentifier::EmployeeId => user.employee_id.as_deref(),
    }
}

/// The key that an identifier is compared by: trimmed, without regard to case; empty is nobody's.
fn key_of(value: &str) -> Option<DeviceKey> {
    let folded = fold(value);
    (!folded.is_empty()).then(|| DeviceKey::of(&folded))
}
fn halo_value<'a>(user: &'a HaloUser, settings: &Users) -> Option<&'a str> {
    let member = match settings.identifier {
        UserIdentifier::AzureObjectId => return user.azure_id.as_deref(),
        UserIdentifier::UserPrincipalName => return user.login.as_deref(),
        UserIdentifier::Email => return user.email.as_deref(),
        UserIdentifier::Login => settings.halo_field.as_deref().unwrap_or("login"),
        UserIdentifier::SamAccountName => settings.halo_field.as_deref().unwrap_or("samaccountname"),
        UserIdentifier::EmployeeId => settings.halo_field.as_deref()?,
    };
    match member.to_ascii_lowercase().as_str() {
        "login" => user.login.as_deref(),
        "emailaddress" => user.email.as_deref(),
        "azure_id" | "azureoid" => user.azure_id.as_deref(),
        "name" => Some(&user.name),
        _ => user
            .other
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(member))
            .map(|(_, value)| value.as_str()),
    }
}

fn is_zero_guid(text: &str) -> bool {
    text.chars().all(|c| c == '0' || c == '-')
}

/// What became of a device's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserDecision {
    /// Exactly one active Halo user has the identifier.
    Matched(UserRef),
    /// The device has a user, but no active Halo user has that identifier.
    Unmatched,
    /// Two Halo users share the identifier: nobody is linked.
    Ambiguous(UserId, UserId),
    /// The device has no user, or its user has no such identifier.
    NoUser,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceId, Value};
    use crate::settings::{Overwrite, UnlinkUnmatched};

    fn user(id: i64, login: &str) -> HaloUser {
        HaloUser {
            id: UserId(id),
            name: "A".into(),
            site: None,
            client: None,
            inactive: false,
            azure_id: None,
            email: None,
            login: Some(login.into()),
            other: Vec::new(),
            modified: None,
        }
    }

    fn device(upn: Option<&str>) -> Device {
        let mut values = vec![None; 11];
        values[8] = upn.map(|upn| Value::Text(upn.into()));
        Device { id: DeviceId("d".into()), values }
    }

    #[test]
    fn identifiers_compare_trimmed_and_folded_and_empty_matches_nobody() {
        let settings = Users {
            source: UserSource::Intune,
            identifier: UserIdentifier::UserPrincipalName,
            halo_field: None,
            unlink_unmatched: UnlinkUnmatched::Keep,
            write: Overwrite::Always,
        };
        let mut index = UserIndex::default();
        index.add(&user(1, " Ann@Contoso.com "), &settings);
        index.add(&user(2, ""), &settings);
        index.add(&user(3, "bob@contoso.com"), &settings);
        index.add(&user(4, "BOB@contoso.com"), &settings);
        index.add(&HaloUser { inactive: true, ..user(5, "cy@contoso.com") }, &settings);
        let find = |upn| index.find(&device(upn), &settings);
        assert!(
            matches!(find(Some("ann@contoso.COM")), UserDecision::Matched(found) if found.id == UserId(1))
        );
        assert_eq!(find(Some("bob@contoso.com")), UserDecision::Ambiguous(UserId(3), UserId(4)));
        assert_eq!(find(Some("cy@contoso.com")), UserDecision::Unmatched);
        assert_eq!(find(None), UserDecision::NoUser);
    }
}
