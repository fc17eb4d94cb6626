//! Certificates in every form, what is wrong with them, and their end.

use std::fs;

use rstest::rstest;

use crate::support::{
    CERTIFICATE, DEVICES, certificate, fixture, held, token_requests, with_certificate, world,
};

#[rstest]
#[case::pem_with_key_beside("application.pem", &["application.key.pem"], "")]
#[case::pem_with_old_key_beside("application.pem", &["application.pkcs1.pem"], "")]
#[case::der_with_key_beside("application.der", &["application.key.pem"], "")]
#[case::key_in_a_variable("application.pem", &["variable", "application.key.pem"], "")]
#[case::pfx("application.pfx", &["password"], "the-password")]
#[case::old_pfx("application-legacy.pfx", &["password"], "the-password")]
#[case::open_pfx("application-open.pfx", &[], "")]
fn a_certificate_signs_in_in_each_of_its_forms(
    #[case] file: &str,
    #[case] key: &[&str],
    #[case] password: &str,
) {
    let named = match key {
        [] => "",
        ["password"] => ", key = { env = \"PFX_PASSWORD\" }",
        ["variable", _] => ", key = { env = \"KEY_TEXT\" }",
        _ => ", key = { file = \"contoso.key\" }",
    };
    let mut world = world(
        &format!("credential = {{ secret = \"{{absent}}\", certificate = \"contoso.file\"{named} }}"),
        "",
    );
    fs::write(world.folder().join("contoso.file"), fixture(file)).unwrap();
    if let [.., name] = key
        && *name != "password"
    {
        let text = fixture(name);
        world.set_variable("KEY_TEXT", &String::from_utf8(text.clone()).unwrap());
        fs::write(world.folder().join("contoso.key"), text).unwrap();
    }
    world.set_variable("PFX_PASSWORD", password);
    world.microsoft.options().certificates = vec![fixture("application.der")];
    let run = world.import().must_exit(0);
    assert_eq!(run.count("assets_created"), 2);
    assert!(
        !run.stdout.contains("the-password") && !run.stderr.contains("PRIVATE KEY"),
        "a secret was shown"
    );
}

#[test]
fn a_certificate_and_its_key_may_stand_in_one_file() {
    let world = world("credential = { secret = \"{absent}\", certificate = \"both.pem\" }", "");
    let both = [fixture("application.key.pem"), fixture("another.pem"), fixture("application.pem")].concat();
    fs::write(world.folder().join("both.pem"), both).unwrap();
    world.microsoft.options().certificates = vec![fixture("application.der")];
    world.import().must_exit(0);
}

#[rstest]
#[case("is neither PEM nor PFX", Some(b"no certificate".to_vec()), "application.key.pem")]
#[case("is empty", Some(Vec::new()), "application.key.pem")]
#[case("cannot be read", None, "application.key.pem")]
#[case("does not belong to the private key", Some(fixture("another.pem")), "application.key.pem")]
#[case("no RSA key of 2048 bits or more", Some(fixture("elliptic.pem")), "elliptic.key.pem")]
#[case("encrypted itself", Some(fixture("application.pem")), "application.encrypted.pem")]
#[case("is not opened by its password", Some(fixture("application.pfx")), "README.md")]
#[case("holds no certificate", Some(fixture("application.key.pem")), "application.key.pem")]
fn a_certificate_that_cannot_be_used_is_named_before_anything_is_asked(
    #[case] problem: &str,
    #[case] content: Option<Vec<u8>>,
    #[case] key: &str,
) {
    let world = world(CERTIFICATE, "");
    if let Some(content) = content {
        fs::write(world.folder().join("contoso.pem"), content).unwrap();
    }
    fs::write(world.folder().join("contoso.key"), fixture(key)).unwrap();
    for words in ["import contoso", "authorize contoso", "check --online"] {
        let run = world.words(words).must_exit(2);
        assert!(run.stdout.contains(problem), "{words}: {}", run.stdout);
        assert_eq!(token_requests(&world), 0, "{words}");
    }
}

#[test]
fn an_expired_certificate_is_an_error_before_any_request() {
    let world = with_certificate(-1);
    for words in ["import contoso", "plan contoso", "authorize contoso", "check --online"] {
        let run = world.words(words).must_exit(4);
        assert!(run.stdout.contains("contoso.pem expired on "), "{words}: {}", run.stdout);
        assert_eq!(world.microsoft.log().entries().len(), 0, "{words}");
    }
}

#[test]
fn an_expiring_certificate_is_announced_from_30_days_before() {
    let announced = "expires on ";
    let world = with_certificate(30);
    let run = world.import().must_exit(0);
    assert!(run.notices().iter().any(|notice| notice.contains(announced)), "{:?}", run.notices());
    for words in ["plan contoso", "authorize contoso", "check", "check --online"] {
        let run = world.words(words).must_exit(0);
        assert!(run.stdout.contains(announced), "{words}: {}", run.stdout);
    }
    let (pem, der) = certificate(32);
    fs::write(world.folder().join("contoso.pem"), pem).unwrap();
    world.microsoft.options().certificates = vec![der];
    for words in ["import contoso", "plan contoso", "authorize contoso", "check", "check --online"] {
        let run = world.words(words).must_exit(0);
        assert!(!run.stdout.contains(announced), "{words}: {}", run.stdout);
    }
}

#[test]
fn an_expiring_secret_is_announced_where_the_settings_name_its_day() {
    let world = |day: &str| {
        world(
            &format!("credential = {{ secret = {{ env = \"MICROSOFT_SECRET\" }}, expires = \"{day}\" }}"),
            "",
        )
    };
    for (day, said) in [("2001-01-31", Some("expired on 2001-01-31")), ("2999-01-31", None)] {
        let world = world(day);
        for words in ["import contoso", "plan contoso", "authorize contoso", "check", "check --online"] {
            // The day is only what a person wrote down: Entra has the last word.
            let run = world.words(words).must_exit(0);
            match said {
                Some(said) => assert!(run.stdout.contains(said), "{words}: {}", run.stdout),
                None => assert!(!run.stdout.contains("expire"), "{words}: {}", run.stdout),
            }
        }
    }
}

#[test]
fn authorize_validates_the_application_without_a_person() {
    let world = with_certificate(365);
    let run = world.words("authorize contoso").must_exit(0);
    let expected = (DEVICES.to_owned(), "2f51be20-0bb4-4fed-bf7b-db946066c75e".to_owned(), true.into());
    assert_eq!(held(&run), [expected]);
    assert_eq!(run.document["permissions"][0]["kind"], "application");
    assert_eq!(run.document["credential"], "certificate");
    assert_eq!(token_requests(&world), 1);
    let shown = world.say("authorize contoso").must_exit(0);
    assert!(shown.stdout.contains("signed in to tenant"), "{}", shown.stdout);
    assert!(shown.stdout.contains("2f51be20-0bb4-4fed-bf7b-db946066c75e  held"), "{}", shown.stdout);
}

#[test]
fn authorize_names_missing_application_permissions_by_name_and_id() {
    let world = world("", "");
    world.microsoft.options().roles = vec!["User.Read.All".to_owned()];
    let run = world.words("authorize contoso").must_exit(4);
    assert_eq!(held(&run)[0].2, false);
    let error = run.document["error"].as_str().unwrap();
    assert!(
        error.contains("lacks the application permission DeviceManagementManagedDevices.Read.All (2f51be20-"),
        "{error}"
    );
    let hint = run.document["hint"].as_str().unwrap();
    assert!(hint.contains("Application permissions"), "{hint}");
}
