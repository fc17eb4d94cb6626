//! Entra's refusals by their AADSTS numbers: what each is about, what it means, and the way out. Numbers and classes
//! are those of Microsoft's reference of error codes.

use crate::http::RefusalOf;

/// One refusal.
pub(super) struct Known {
    pub(super) number: u64,
    pub(super) of: RefusalOf,
    pub(super) meaning: &'static str,
    /// For a refused person: what has to be done before they sign in again, where something has.
    pub(super) hint: &'static str,
}

const fn application(number: u64, meaning: &'static str, hint: &'static str) -> Known {
    Known { number, of: RefusalOf::Application, meaning, hint }
}

const fn person(number: u64, meaning: &'static str, hint: &'static str) -> Known {
    Known { number, of: RefusalOf::Person, meaning, hint }
}

const fn moment(number: u64, meaning: &'static str) -> Known {
    Known { number, of: RefusalOf::Moment, meaning, hint: "try again later" }
}

const CONSENT: &str = "let an administrator grant consent in the app registration under API permissions";
const POLICY: &str = "let an administrator except it from the policy";
const ACCOUNT: &str = "let an administrator put the account right, or have another person sign in";
const BUG: &str = "report this, with what `--verbose` shows";

/// All that are known, by what they are about.
pub(super) const KNOWN: &[Known] = &[
    // The application's credential.
    application(
        7_000_215,
        "the client secret is wrong",
        "store the secret's value, not its id; it is shown once, when it is made in the app registration",
    ),
    application(
        7_000_222,
        "the client secret has expired",
        "make a new client secret in the app registration and store its value",
    ),
    application(
        7_000_218,
        "Entra got no client secret",
        "check where microsoft.credential takes the secret from",
    ),
    application(
        700_025,
        "the application is a public client and must not send a secret",
        "register the redirect address with the type Web, and switch \"Allow public client flows\" off",
    ),
    application(
        700_027,
        "the certificate is not registered, or has expired",
        "upload the certificate to the app registration under Certificates & secrets; a new one takes some minutes to be known",
    ),
    application(
        700_024,
        "the certificate's signed statement is not valid at this time",
        "check this computer's clock: Entra's is right",
    ),
    application(
        700_021,
        "the certificate's signed statement names another application",
        "check microsoft.client_id",
    ),
    application(
        50_012,
        "the certificate's signature does not hold",
        "check that certificate and key belong together, and that this certificate is uploaded to the app registration",
    ),
    application(
        70_002,
        "the client id and its credential do not fit together",
        "check microsoft.client_id and its credential",
    ),
    // The application itself.
    application(
        700_016,
        "the application is not known in this tenant",
        "check microsoft.client_id and microsoft.tenant, and that an administrator has consented there",
    ),
    application(
        7_000_112,
        "the application is disabled in this tenant",
        "enable it in Entra under Enterprise applications, Properties",
    ),
    application(
        70_001,
        "the application is disabled or unknown",
        "check microsoft.client_id, and that the application is enabled in Entra",
    ),
    application(
        650_056,
        "the application has no permissions",
        "add the permissions of Microsoft Graph, and grant consent",
    ),
    application(
        650_052,
        "the tenant has no subscription for the service",
        "check the tenant's Intune licences",
    ),
    // The tenant and the cloud.
    application(
        90_002,
        "the tenant is not known",
        "check microsoft.tenant, and that microsoft.cloud is the tenant's cloud",
    ),
    application(900_023, "the tenant is neither a directory id nor a domain", "check microsoft.tenant"),
    application(90_038, "the tenant belongs to another cloud", "set microsoft.cloud to the tenant's cloud"),
    application(
        50_194,
        "the application belongs to one tenant, but no tenant was named",
        "set microsoft.tenant to the directory id",
    ),
    application(
        500_011,
        "Microsoft Graph is not known at this address in the tenant",
        "check that microsoft.cloud is the tenant's cloud",
    ),
    // The request.
    application(
        90_013,
        "Entra cannot read a part of the request",
        "check microsoft.tenant and microsoft.client_id",
    ),
    application(90_014, "a part of the request is missing", BUG),
    application(900_144, "a part of the request is missing", BUG),
    application(9_002_313, "the request is malformed", BUG),
    application(
        70_011,
        "what was asked for is not a permission of this cloud's Microsoft Graph",
        "check that microsoft.cloud is the tenant's cloud",
    ),
    application(
        1_002_012,
        "what was asked for is not Microsoft Graph's default",
        "check that microsoft.cloud is the tenant's cloud",
    ),
    application(
        50_011,
        "the redirect address is not registered for the application",
        "register exactly the address that `halo-integrator authorize` prints, with the type Web",
    ),
    application(
        9_002_327,
        "the redirect address is registered for a single-page application",
        "register it with the type Web instead",
    ),
    // The code of a person's sign-in.
    application(54_005, "the code of the sign-in was redeemed before", "sign in once more"),
    application(501_481, "the code of the sign-in was asked for by somebody else", "sign in once more"),
    application(
        700_005,
        "the code of the sign-in was given for another tenant",
        "check microsoft.tenant, and sign in with an account of that tenant",
    ),
    // Consent.
    person(
        65_001,
        "nobody has consented to the application's permissions, or consent was withdrawn",
        CONSENT,
    ),
    person(90_094, "an administrator has to consent", CONSENT),
    person(90_093, "the person may not consent", CONSENT),
    person(65_004, "the person declined to consent", ""),
    // The person's sign-in ended.
    person(70_008, "the sign-in has expired", ""),
    person(700_082, "the sign-in was not used for 90 days and has expired", ""),
    person(
        700_084,
        "the sign-in of a single-page application ends after a day",
        "register the redirect address with the type Web instead",
    ),
    person(
        70_043,
        "the tenant's sign-in frequency has ended the sign-in",
        "let an administrator except this application from that policy, or it ends again",
    ),
    person(50_173, "the sign-in was revoked, for example by a reset of the password", ""),
    person(50_013, "the person's assertion is not accepted", ""),
    person(50_089, "the sign-in took too long", ""),
    person(70_000, "the sign-in is not accepted for this application", ""),
    // More is asked of the person.
    person(50_076, "the tenant asks for multi-factor authentication", ""),
    person(50_079, "the tenant asks the person to set up multi-factor authentication", ""),
    person(50_074, "the tenant asks for a strong sign-in", ""),
    person(50_078, "the multi-factor authentication is too long ago", ""),
    person(50_158, "the tenant asks for another confirmation outside Entra", ""),
    // The tenant's policies.
    person(53_003, "Conditional Access blocks the sign-in", POLICY),
    person(53_000, "Conditional Access asks for a compliant device", POLICY),
    person(530_032, "a security policy of the tenant blocks it", POLICY),
    person(50_131, "Conditional Access blocks the sign-in at this place or time", POLICY),
    // The person's account.
    person(
        50_105,
        "the person is not assigned to the application",
        "assign them in Entra under Enterprise applications, Users and groups",
    ),
    person(
        50_020,
        "the person's account belongs to another directory",
        "have an account of this tenant sign in",
    ),
    person(
        90_072,
        "the person's account is not known in this tenant",
        "let an administrator invite it there, or have an account of this tenant sign in",
    ),
    person(50_034, "the person's account does not exist", "have another person sign in"),
    person(50_053, "the person's account is locked", ACCOUNT),
    person(50_055, "the person's password has expired", "let them set a new one"),
    person(50_057, "the person's account is disabled", ACCOUNT),
    person(50_126, "the person's name or password is wrong", ""),
    // Entra itself.
    moment(90_033, "Entra is in trouble for a moment"),
    moment(90_024, "Entra is overloaded"),
    moment(90_006, "a service behind Entra is in trouble for a moment"),
    moment(50_033, "Entra is in trouble for a moment"),
    moment(50_087, "Entra cannot sign tokens for a moment"),
    moment(90_055, "Entra is overloaded by requests of this tenant"),
    application(50_196, "Entra sees too many equal requests in a loop", "wait an hour before the next try"),
];
