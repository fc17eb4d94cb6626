//! The properties of Graph's `managedDevice` (v1.0) that settings may name, with their types.
//!
//! Names and types are those of Graph's published v1.0 schema; where a property is not filled in list rows, the
//! schema's own description says so.

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, open enumerations included: Graph adds members at any time.
    Text,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
    /// A moment; years 1 and 9999 stand for "none".
    Time,
    /// Several things, each shown as a text: a remote action as its name and state.
    List,
}

/// Where a property's real value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In the rows of the list.
    List,
    /// Only in a single read that selects it; the list holds a default instead.
    SingleRead,
}

/// One property of a managed device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Graph's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where its real value is found.
    pub availability: Availability,
}

const fn list(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, availability: Availability::List }
}

const fn single(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, availability: Availability::SingleRead }
}

/// Every property, in the order of its name but for the eleven that every run reads, which come first.
pub static PROPERTIES: &[Property] = &[
    list("id", Kind::Text),
    list("deviceName", Kind::Text),
    list("serialNumber", Kind::Text),
    list("enrolledDateTime", Kind::Time),
    list("lastSyncDateTime", Kind::Time),
    list("managementAgent", Kind::Text),
    list("azureADDeviceId", Kind::Text),
    list("userId", Kind::Text),
    list("userPrincipalName", Kind::Text),
    list("emailAddress", Kind::Text),
    list("managementState", Kind::Text),
    single("activationLockBypassCode", Kind::Text),
    list("androidSecurityPatchLevel", Kind::Text),
    list("azureADRegistered", Kind::Flag),
    list("complianceGracePeriodExpirationDateTime", Kind::Time),
    list("complianceState", Kind::Text),
    list("configurationManagerClientEnabledFeatures.compliancePolicy", Kind::Flag),
    list("configurationManagerClientEnabledFeatures.deviceConfiguration", Kind::Flag),
    list("configurationManagerClientEnabledFeatures.inventory", Kind::Flag),
    list("configurationManagerClientEnabledFeatures.modernApps", Kind::Flag),
    list("configurationManagerClientEnabledFeatures.resourceAccess", Kind::Flag),
    list("configurationManagerClientEnabledFeatures.windowsUpdateForBusiness", Kind::Flag),
    list("deviceActionResults", Kind::List),
    list("deviceCategoryDisplayName", Kind::Text),
    list("deviceEnrollmentType", Kind::Text),
    list("deviceHealthAttestationState.attestationIdentityKey", Kind::Text),
    list("deviceHealthAttestationState.bitLockerStatus", Kind::Text),
    list("deviceHealthAttestationState.bootAppSecurityVersion", Kind::Text),
    list("deviceHealthAttestationState.bootDebugging", Kind::Text),
    list("deviceHealthAttestationState.bootManagerSecurityVersion", Kind::Text),
    list("deviceHealthAttestationState.bootManagerVersion", Kind::Text),
    list("deviceHealthAttestationState.bootRevisionListInfo", Kind::Text),
    list("deviceHealthAttestationState.codeIntegrity", Kind::Text),
    list("deviceHealthAttestationState.codeIntegrityCheckVersion", Kind::Text),
    list("deviceHealthAttestationState.codeIntegrityPolicy", Kind::Text),
    list("deviceHealthAttestationState.contentNamespaceUrl", Kind::Text),
    list("deviceHealthAttestationState.contentVersion", Kind::Text),
    list("deviceHealthAttestationState.dataExcutionPolicy", Kind::Text),
    list("deviceHealthAttestationState.deviceHealthAttestationStatus", Kind::Text),
    list("deviceHealthAttestationState.earlyLaunchAntiMalwareDriverProtection", Kind::Text),
    list("deviceHealthAttestationState.healthAttestationSupportedStatus", Kind::Text),
    list("deviceHealthAttestationState.healthStatusMismatchInfo", Kind::Text),
    list("deviceHealthAttestationState.issuedDateTime", Kind::Time),
    list("deviceHealthAttestationState.lastUpdateDateTime", Kind::Text),
    list("deviceHealthAttestationState.operatingSystemKernelDebugging", Kind::Text),
    list("deviceHealthAttestationState.operatingSystemRevListInfo", Kind::Text),
    list("deviceHealthAttestationState.pcr0", Kind::Text),
    list("deviceHealthAttestationState.pcrHashAlgorithm", Kind::Text),
    list("deviceHealthAttestationState.resetCount", Kind::Whole),
    list("deviceHealthAttestationState.restartCount", Kind::Whole),
    list("deviceHealthAttestationState.safeMode", Kind::Text),
    list("deviceHealthAttestationState.secureBoot", Kind::Text),
    list("deviceHealthAttestationState.secureBootConfigurationPolicyFingerPrint", Kind::Text),
    list("deviceHealthAttestationState.testSigning", Kind::Text),
    list("deviceHealthAttestationState.tpmVersion", Kind::Text),
    list("deviceHealthAttestationState.virtualSecureMode", Kind::Text),
    list("deviceHealthAttestationState.windowsPE", Kind::Text),
    list("deviceRegistrationState", Kind::Text),
    list("easActivated", Kind::Flag),
    list("easActivationDateTime", Kind::Time),
    list("easDeviceId", Kind::Text),
    single("enrollmentProfileName", Kind::Text),
    single("ethernetMacAddress", Kind::Text),
    list("exchangeAccessState", Kind::Text),
    list("exchangeAccessStateReason", Kind::Text),
    list("exchangeLastSuccessfulSyncDateTime", Kind::Time),
    list("freeStorageSpaceInBytes", Kind::Whole),
    single("iccid", Kind::Text),
    list("imei", Kind::Text),
    list("isEncrypted", Kind::Flag),
    list("isSupervised", Kind::Flag),
    list("jailBroken", Kind::Text),
    list("managedDeviceName", Kind::Text),
    list("managedDeviceOwnerType", Kind::Text),
    list("managementCertificateExpirationDate", Kind::Time),
    list("manufacturer", Kind::Text),
    list("meid", Kind::Text),
    list("model", Kind::Text),
    single("notes", Kind::Text),
    list("operatingSystem", Kind::Text),
    list("osVersion", Kind::Text),
    list("partnerReportedThreatState", Kind::Text),
    list("phoneNumber", Kind::Text),
    single("physicalMemoryInBytes", Kind::Whole),
    list("remoteAssistanceSessionErrorDetails", Kind::Text),
    single("remoteAssistanceSessionUrl", Kind::Text),
    list("requireUserEnrollmentApproval", Kind::Flag),
    list("subscriberCarrier", Kind::Text),
    list("totalStorageSpaceInBytes", Kind::Whole),
    single("udid", Kind::Text),
    list("userDisplayName", Kind::Text),
    list("wiFiMacAddress", Kind::Text),
];

/// How many of [`PROPERTIES`], from the front, every run reads.
pub const ALWAYS_READ: usize = 11;

/// Properties that change with every synchronisation and say nothing of the device itself.
const PASSING: &[&str] = &[
    "lastSyncDateTime",
    "exchangeLastSuccessfulSyncDateTime",
    "freeStorageSpaceInBytes",
    "deviceActionResults",
];

/// The properties of list rows whose change tells that a device itself may have changed, in a fixed order: all but
/// the times of synchronisation, what changes with them (free storage, the state of remote actions), and what is
/// nested.
pub fn telling() -> impl Iterator<Item = &'static Property> {
    PROPERTIES.iter().filter(|property| {
        property.availability == Availability::List
            && !property.name.contains('.')
            && !PASSING.contains(&property.name)
    })
}

/// The property of that name, compared without regard to case.
pub fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = PROPERTIES.iter().map(|property| property.name.to_lowercase()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), PROPERTIES.len());
    }

    #[test]
    fn the_management_agent_is_always_read() {
        assert!(PROPERTIES.iter().take(ALWAYS_READ).any(|property| property.name == "managementAgent"));
    }
}
