//! `[imports]` and `[users]`: which devices become assets, which asset is whose, where it stands, who uses it.

use super::asset_types::TriedPlugin;
use super::life::Overwrite;
use super::plugins::PluginUse;
use crate::model::Property;
use std::time::Duration;

/// The tab "Imports".
#[derive(Clone, Debug)]
pub struct Imports {
    /// `site`: how an asset's site is chosen.
    pub site: SiteMode,
    /// `site_plugin`, where it counts
    pub site_plugin: Option<PluginUse>,
    /// `site_plugin`, where it is tried or about to go.
    pub tried_site_plugin: Option<TriedPlugin>,
    /// `site_write`
    pub site_write: Overwrite,
    /// `default_site`
    pub default_site: Option<DefaultSite>,
    /// `match_by`: tiers in order, each the index of the one mapping that the property fills.
    pub match_by: Vec<MatchTier>,
    /// `ignore_values`, folded and without spaces and dots; the built-in placeholders are added by `resolve`.
    pub ignore_values: Vec<String>,
    /// `create`
    pub create: Creation,
    /// `match_across_clients`
    pub match_reach: MatchReach,
    /// `shared_serial`
    pub shared_serial: SharedSerial,
    /// `type_disagreement`
    pub type_disagreement: TypeDisagreement,
    /// Days after which what only single reads tell is read anew; default 7, at least 1.
    pub details_refresh_days: u32,
    /// `exclude_sense_managed`
    pub sense_managed: SenseManaged,
    /// `software` and what counts with it; `None`: installed software is not imported.
    pub software: Option<Software>,
}

/// How installed software is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Software {
    /// `software_wait_seconds`: how long one export job may take.
    pub wait: Duration,
    /// `match_software_by`; `None`: as Halo's version does, see [`SoftwareMatch::of_version`].
    pub match_by: Option<SoftwareMatch>,
    /// `match_licences_by_name`
    pub match_texts: MatchTexts,
}

/// `match_software_by`: by what a title's licence is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftwareMatch {
    /// By its name.
    Name,
    /// By the key that Intune's export gives it.
    Id,
}

impl SoftwareMatch {
    /// What Halo itself does: by name from 2.214 on, by Intune's id before. By name where no version is known.
    pub fn of_version(version: Option<(u32, u32)>) -> Self {
        if version.is_some_and(|version| version < (2, 214)) { Self::Id } else { Self::Name }
    }
}

/// `match_licences_by_name`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchTexts {
    /// A licence is also found by the texts that it lists for software.
    Used,
    /// It is not.
    Ignored,
}

/// One tier of matching.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchTier {
    /// The Intune property.
    pub property: &'static Property,
    /// The index (in [`super::Connection::fields`]) of the one mapping that it fills.
    pub mapping: usize,
}

/// How an asset's site is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteMode {
    /// `default`: the default site on creation, never moved.
    Default,
    /// `user-on-create`: the matched user's site on creation, else the default; never moved.
    UserOnCreate,
    /// `user-then-default`: the same, and the asset follows its matched user in every run.
    UserThenDefault,
    /// `plugin`: the plugin of `site_plugin` decides, in every run.
    Plugin,
}

/// `default_site`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultSite {
    /// The client, by name or number.
    pub client: String,
    /// The site, by name or number.
    pub site: String,
}

/// `create`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// A device without an asset gets one.
    Create,
    /// Only assets that exist are updated.
    UpdateOnly,
}

/// `match_across_clients`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchReach {
    /// Only assets of the connection's clients are candidates.
    ConnectionClients,
    /// Assets of any client are.
    AllClients,
}

/// `type_disagreement`: a matched asset of another asset group than the decided type's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeDisagreement {
    /// The device is held.
    Hold,
    /// The asset is taken.
    Accept,
}

/// `shared_serial`: two live devices with one serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedSerial {
    /// The one that synchronised last counts, the other is superseded.
    Newest,
    /// Both are held.
    Hold,
}

/// `exclude_sense_managed`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenseManaged {
    /// Devices that only Microsoft Defender manages are left out.
    Exclude,
    /// They are imported like all others.
    Include,
}

/// The tab "Users".
#[derive(Clone, Debug)]
pub struct Users {
    /// `source`: where a device's user comes from.
    pub source: UserSource,
    /// Which value pairs an Intune user with a Halo user.
    pub identifier: UserIdentifier,
    /// The member or custom field of Halo's user that holds it, where the identifier has no fixed one.
    pub halo_field: Option<String>,
    /// `unlink_unmatched`
    pub unlink_unmatched: UnlinkUnmatched,
    /// `write`
    pub write: Overwrite,
}

/// `source`: where a device's user comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSource {
    /// `intune`: the primary user, which stands on the device's own row.
    Intune,
    /// `entra`: the registered owner of the device's Entra record; without one the device has no user.
    Entra,
}

impl UserSource {
    /// What such a user is called in reasons.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Intune => "primary user",
            Self::Entra => "registered owner",
        }
    }
}

/// Which value pairs an Intune user with a Halo user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdentifier {
    /// Entra object id with Halo's azure id.
    AzureObjectId,
    /// User principal name with Halo's login.
    UserPrincipalName,
    /// E-mail address with Halo's e-mail address.
    Email,
    /// User principal name with `halo_field`, which defaults to `login`.
    Login,
    /// On-premises account name with `halo_field`, which defaults to `samaccountname`.
    SamAccountName,
    /// Employee id with `halo_field`.
    EmployeeId,
}

impl UserIdentifier {
    /// Whether the value stands where a device's user does (the device's own row, the owner's row), or must be read
    /// from Entra's users.
    pub fn is_on_the_device(self) -> bool {
        matches!(self, Self::AzureObjectId | Self::UserPrincipalName | Self::Email | Self::Login)
    }
}

/// `unlink_unmatched`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkUnmatched {
    /// A device without a matched user leaves its asset's users alone.
    Keep,
    /// It ends without a user, whoever linked one.
    Unlink,
}
