//! Generated devices: everything about a device follows from the seed and its index.
//!
//! Nothing is stored per device. The id carries the index, so that a device is found without a table.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::catalogue::{Model, PLACEHOLDERS, Platform};
use super::people::{self, FleetUser};
use super::random::{Choices, mix};

/// One in so many devices was enrolled again: its successor has the same hardware and a new id.
const REENROLLED_IN: u32 = 97;

/// About one user for 1.2 devices.
const USERS_PER_12_DEVICES: u64 = 10;

mod purpose {
    pub(super) const PLATFORM: u64 = 1;
    pub(super) const MODEL: u64 = 2;
    pub(super) const PLACEHOLDER: u64 = 4;
    pub(super) const USERLESS: u64 = 5;
    pub(super) const NAME: u64 = 6;
    pub(super) const ID: u64 = 7;
    pub(super) const ENTRA_ID: u64 = 8;
    pub(super) const ENROLLED: u64 = 9;
    pub(super) const SYNCED: u64 = 10;
    pub(super) const VERSION: u64 = 11;
    pub(super) const OWNER: u64 = 12;
    pub(super) const COMPLIANCE: u64 = 13;
    pub(super) const ENCRYPTED: u64 = 14;
    pub(super) const WIFI: u64 = 15;
    pub(super) const ETHERNET: u64 = 16;
    pub(super) const STORAGE: u64 = 17;
    pub(super) const FREE: u64 = 18;
    pub(super) const MEMORY: u64 = 19;
    pub(super) const IMEI: u64 = 20;
    pub(super) const PHONE: u64 = 21;
    pub(super) const NOTES: u64 = 22;
    pub(super) const CATEGORY: u64 = 23;
    pub(super) const UDID: u64 = 24;
    pub(super) const LAPTOP: u64 = 25;
}

/// What a generated fleet is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generator {
    pub(super) seed: u64,
    pub(super) devices: u32,
    pub(super) now: DateTime<Utc>,
}

/// A generated device as the service stores it, in the order of properties that the service uses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GeneratedRow {
    id: String,
    user_id: String,
    device_name: String,
    managed_device_owner_type: &'static str,
    enrolled_date_time: String,
    pub(super) last_sync_date_time: String,
    operating_system: &'static str,
    compliance_state: &'static str,
    jail_broken: &'static str,
    management_agent: &'static str,
    pub(super) os_version: String,
    eas_activated: bool,
    eas_device_id: &'static str,
    eas_activation_date_time: &'static str,
    #[serde(rename = "azureADRegistered")]
    azure_ad_registered: Option<bool>,
    device_enrollment_type: &'static str,
    activation_lock_bypass_code: Option<String>,
    email_address: String,
    #[serde(rename = "azureADDeviceId")]
    azure_ad_device_id: String,
    device_registration_state: &'static str,
    device_category_display_name: &'static str,
    is_supervised: bool,
    exchange_last_successful_sync_date_time: &'static str,
    exchange_access_state: &'static str,
    exchange_access_state_reason: &'static str,
    remote_assistance_session_url: Option<String>,
    remote_assistance_session_error_details: Option<String>,
    is_encrypted: bool,
    user_principal_name: String,
    model: &'static str,
    manufacturer: &'static str,
    imei: String,
    compliance_grace_period_expiration_date_time: &'static str,
    serial_number: String,
    phone_number: String,
    android_security_patch_level: &'static str,
    user_display_name: String,
    configuration_manager_client_enabled_features: Option<String>,
    #[serde(rename = "wiFiMacAddress")]
    wifi_mac_address: String,
    device_health_attestation_state: Option<String>,
    subscriber_carrier: &'static str,
    meid: &'static str,
    total_storage_space_in_bytes: i64,
    free_storage_space_in_bytes: i64,
    managed_device_name: String,
    partner_reported_threat_state: &'static str,
    require_user_enrollment_approval: Option<bool>,
    management_certificate_expiration_date: String,
    iccid: Option<String>,
    udid: Option<String>,
    notes: Option<&'static str>,
    ethernet_mac_address: Option<String>,
    physical_memory_in_bytes: i64,
    enrollment_profile_name: Option<&'static str>,
    management_state: &'static str,
    device_action_results: [(); 0],
}

/// Which values a generated row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// What the service stores.
    Stored,
    /// What a list shows: the details are masked already.
    List,
}

const NEVER: &str = "0001-01-01T00:00:00Z";

impl Generator {
    /// How many users the tenant has.
    pub(super) fn users(&self) -> u64 {
        u64::from(self.devices).saturating_mul(USERS_PER_12_DEVICES).div_ceil(12)
    }

    /// The user with this index.
    pub(super) fn user(&self, index: u64, domain: &str) -> FleetUser {
        people::user(self.seed, index, domain)
    }

    /// The id of a device. The last 48 bits are the index under a mask that the other bits determine.
    pub(super) fn id(&self, index: u32) -> Uuid {
        let random = self.choices(index).guid(purpose::ID).as_u128();
        let high = random >> 48 << 48;
        Uuid::from_u128(high | u128::from(u64::from(index) ^ self.mask(high)))
    }

    /// The index of the device with this id.
    pub(super) fn index(&self, id: &str) -> Option<u32> {
        let id = Uuid::try_parse(id).ok()?;
        let high = id.as_u128() >> 48 << 48;
        let low = u64::try_from(id.as_u128() - high).ok()?;
        let index = u32::try_from(low ^ self.mask(high)).ok()?;
        (index < self.devices && self.id(index) == id).then_some(index)
    }

    fn mask(&self, high: u128) -> u64 {
        let folded = u64::try_from((high >> 64) ^ (high & u128::from(u64::MAX))).unwrap_or(0);
        mix(self.seed ^ folded) >> 16
    }

    fn choices(&self, index: u32) -> Choices {
        Choices::new(self.seed, 1, u64::from(index))
    }

    /// The device whose hardware this one is: itself, or the device that was enrolled before.
    fn hardware(index: u32) -> u32 {
        if index % REENROLLED_IN == REENROLLED_IN - 1 { index - 1 } else { index }
    }

    fn is_superseded(&self, index: u32) -> bool {
        index % REENROLLED_IN == REENROLLED_IN - 2 && index + 1 < self.devices
    }

    fn platform(&self, index: u32) -> Platform {
        Platform::of(self.choices(Self::hardware(index)).below(purpose::PLATFORM, 1000))
    }

    fn model(&self, index: u32) -> &'static Model {
        let models = self.platform(index).models();
        let count = u64::try_from(models.len()).unwrap_or(1);
        let pick = self.choices(Self::hardware(index)).below(purpose::MODEL, count);
        &models[usize::try_from(pick).unwrap_or(0)]
    }

    fn serial(&self, index: u32) -> String {
        let (hardware, choices) = (Self::hardware(index), self.choices(Self::hardware(index)));
        let shape = self.model(index).serial;
        let platform = self.platform(index);
        if platform == Platform::Sense {
            return String::new();
        }
        // Only machines that were put together by hand report placeholders.
        if platform == Platform::Windows && choices.below(purpose::PLACEHOLDER, 100) == 0 {
            return choices.pick(purpose::PLACEHOLDER + 100, PLACEHOLDERS).to_owned();
        }
        // The shape leaves few characters for a million devices, so the index is part of the number.
        let alphabet = shape.alphabet;
        let size = u64::try_from(alphabet.len()).unwrap_or(1);
        let space = size.saturating_pow(u32::try_from(shape.length).unwrap_or(0)).max(1);
        let mut number = u64::from(hardware).wrapping_mul(2_654_435_761).wrapping_add(self.seed) % space;
        let mut text = vec![b'0'; shape.length];
        for place in text.iter_mut().rev() {
            *place = alphabet[usize::try_from(number % size).unwrap_or(0)];
            number /= size;
        }
        format!("{}{}", shape.prefix, String::from_utf8_lossy(&text))
    }

    /// The user of a device; some devices have none.
    fn user_index(&self, index: u32) -> Option<u64> {
        let hardware = Self::hardware(index);
        if self.platform(index) == Platform::Sense || self.choices(hardware).below(purpose::USERLESS, 25) == 0
        {
            return None;
        }
        Some(u64::from(hardware) * self.users() / u64::from(self.devices.max(1)))
    }

    /// The name of a device: what a page is sorted by.
    pub(super) fn name(&self, index: u32) -> String {
        let choices = self.choices(Self::hardware(index));
        let style = choices.below(purpose::NAME, 10);
        let random =
            |length| choices.text(purpose::NAME + 100, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", length);
        let owner = self.user_index(index).map(|user| people::given_name(self.seed, user));
        match (self.platform(index), owner) {
            (Platform::Windows, Some(owner)) if style == 0 => format!("{owner}'s PC"),
            (Platform::Windows, _) if style < 4 => format!("DESKTOP-{}", random(7)),
            (Platform::Windows, _) => {
                let kind = if choices.below(purpose::LAPTOP, 3) == 0 { "PC" } else { "LT" };
                format!("{kind}-{:06}", Self::hardware(index))
            }
            (Platform::MacOs, Some(owner)) if style < 7 => format!("{owner}’s {}", self.model(index).name),
            (Platform::MacOs, _) => format!("MAC-{}", random(8)),
            (Platform::Ios, Some(owner)) if self.model(index).name.starts_with("iPad") => {
                format!("{owner}'s iPad")
            }
            (Platform::Ios, Some(owner)) => format!("{owner}'s iPhone"),
            (Platform::Ios, None) => "iPad".to_owned(),
            (Platform::Android, _) => format!("{}_AndroidForWork_{}", random(6).to_lowercase(), random(4)),
            (Platform::Linux, _) => format!("lnx-{}", random(6).to_lowercase()),
            (Platform::Sense, _) => format!("SRV{}", random(6)),
        }
    }

    fn enrolled(&self, index: u32) -> DateTime<Utc> {
        let choices = self.choices(index);
        if Self::hardware(index) != index {
            return self.now - Duration::days(2) - seconds(choices.below(purpose::ENROLLED, 86_400));
        }
        self.now - Duration::days(60) - seconds(choices.below(purpose::ENROLLED, 900 * 86_400))
    }

    fn synced(&self, index: u32) -> DateTime<Utc> {
        let choices = self.choices(index);
        // A device that was enrolled again last synced well before that.
        if self.is_superseded(index) {
            return self.now - Duration::days(5) - seconds(choices.below(purpose::SYNCED, 20 * 86_400));
        }
        let span = match choices.below(purpose::SYNCED + 100, 100) {
            0 => 50 * 86_400,
            _ => 86_400,
        };
        let synced = self.now - seconds(choices.below(purpose::SYNCED, span));
        synced.max(self.enrolled(index))
    }

    /// Everything about a device.
    pub(super) fn row(&self, index: u32, domain: &str, view: View) -> GeneratedRow {
        let choices = self.choices(index);
        let hardware = self.choices(Self::hardware(index));
        let (platform, model) = (self.platform(index), self.model(index));
        let sense = platform == Platform::Sense;
        let enrolled = self.enrolled(index);
        let user = self.user_index(index).map(|user| self.user(user, domain));
        let company = sense || choices.below(purpose::OWNER, 8) > 0;
        let phone = matches!(platform, Platform::Ios | Platform::Android);
        let compliance = match choices.below(purpose::COMPLIANCE, 20) {
            _ if sense => "unknown",
            0..=15 => "compliant",
            16 | 17 => "noncompliant",
            18 => "inGracePeriod",
            _ => "unknown",
        };
        let total = if sense { 0 } else { hardware.pick(purpose::STORAGE, STORAGE) };
        let total_unsigned = u64::try_from(total).unwrap_or(0);
        let free = i64::try_from(choices.below(purpose::FREE, total_unsigned.max(1))).unwrap_or(0);
        let managed_name = match &user {
            _ if sense => String::new(),
            Some(user) => {
                managed_name(user.user_principal_name.split('@').next().unwrap_or(""), platform, enrolled)
            }
            None => managed_name(&choices.guid(purpose::ENTRA_ID).to_string(), platform, enrolled),
        };
        let stored = view == View::Stored;
        GeneratedRow {
            id: self.id(index).to_string(),
            device_name: self.name(index),
            managed_device_owner_type: if sense {
                "unknown"
            } else if company {
                "company"
            } else {
                "personal"
            },
            enrolled_date_time: time(enrolled),
            last_sync_date_time: time(self.synced(index)),
            operating_system: platform.operating_system(),
            compliance_state: compliance,
            jail_broken: if phone { "False" } else { "Unknown" },
            management_agent: if sense { "msSense" } else { "mdm" },
            os_version: choices.pick(purpose::VERSION, platform.versions()).to_owned(),
            eas_activated: false,
            eas_device_id: "",
            eas_activation_date_time: NEVER,
            azure_ad_registered: (!sense).then_some(true),
            device_enrollment_type: platform.enrollment_type(),
            activation_lock_bypass_code: None,
            azure_ad_device_id: choices.guid(purpose::ENTRA_ID).to_string(),
            device_registration_state: if sense { "notRegistered" } else { "registered" },
            device_category_display_name: hardware
                .pick(purpose::CATEGORY, &["Unknown", "Unknown", "Unknown", "Office"]),
            is_supervised: company && platform == Platform::Ios,
            exchange_last_successful_sync_date_time: NEVER,
            exchange_access_state: "none",
            exchange_access_state_reason: "none",
            remote_assistance_session_url: None,
            remote_assistance_session_error_details: None,
            is_encrypted: !sense && choices.below(purpose::ENCRYPTED, 12) > 0,
            model: model.name,
            manufacturer: model.maker,
            imei: if phone { hardware.text(purpose::IMEI, b"0123456789", 15) } else { String::new() },
            compliance_grace_period_expiration_date_time: match compliance {
                "compliant" => "9999-12-31T23:59:59Z",
                "unknown" => NEVER,
                _ => "2025-12-28T22:01:08Z",
            },
            serial_number: self.serial(index),
            phone_number: if phone {
                format!("+44{}", hardware.text(purpose::PHONE, b"0123456789", 10))
            } else {
                String::new()
            },
            android_security_patch_level: if platform == Platform::Android { "2026-07-01" } else { "" },
            configuration_manager_client_enabled_features: None,
            wifi_mac_address: if sense { String::new() } else { mac(hardware, purpose::WIFI, platform) },
            device_health_attestation_state: None,
            subscriber_carrier: if phone { "EE" } else { "" },
            meid: "",
            total_storage_space_in_bytes: total,
            free_storage_space_in_bytes: free,
            managed_device_name: managed_name,
            partner_reported_threat_state: "unknown",
            require_user_enrollment_approval: None,
            management_certificate_expiration_date: if sense {
                NEVER.to_owned()
            } else {
                time(enrolled + Duration::days(1000))
            },
            iccid: (stored && phone)
                .then(|| format!("8944{}", hardware.text(purpose::IMEI, b"0123456789", 15))),
            udid: (stored && platform == Platform::Ios)
                .then(|| format!("00008110-{}", hardware.text(purpose::UDID, b"0123456789ABCDEF", 16))),
            notes: (stored && choices.below(purpose::NOTES, 50) == 0).then_some("Loaner"),
            ethernet_mac_address: (stored && !phone && !sense)
                .then(|| mac(hardware, purpose::ETHERNET, platform)),
            physical_memory_in_bytes: if stored && !phone && !sense {
                hardware.pick(purpose::MEMORY, MEMORY)
            } else {
                0
            },
            enrollment_profile_name: (stored && platform == Platform::Ios).then_some("Company phones"),
            management_state: "managed",
            device_action_results: [],
            user_id: user.as_ref().map(|user| user.id.clone()).unwrap_or_default(),
            user_display_name: user.as_ref().map(|user| user.display_name.clone()).unwrap_or_default(),
            email_address: user.as_ref().map(|user| user.mail.clone()).unwrap_or_default(),
            user_principal_name: user.map(|user| user.user_principal_name).unwrap_or_default(),
        }
    }
}

const STORAGE: &[i64] = &[128_035_676_160, 255_953_207_296, 510_770_802_688, 1_023_341_428_736];
const MEMORY: &[i64] = &[8_589_934_592, 17_179_869_184, 34_359_738_368, 68_719_476_736];

fn seconds(count: u64) -> Duration {
    Duration::seconds(i64::try_from(count).unwrap_or(0))
}

/// A time as lists show it: in whole seconds.
pub(super) fn time(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The service writes addresses without separators: capitals on Windows, small letters on Apple's systems.
fn mac(hardware: Choices, purpose: u64, platform: Platform) -> String {
    let text = format!("02005E{}", hardware.text(purpose, b"0123456789ABCDEF", 6));
    if matches!(platform, Platform::MacOs | Platform::Ios) { text.to_lowercase() } else { text }
}

fn managed_name(who: &str, platform: Platform, enrolled: DateTime<Utc>) -> String {
    format!("{who}_{}_{}", platform.word(), enrolled.format("%-m/%-d/%Y_%-I:%M %p"))
}
