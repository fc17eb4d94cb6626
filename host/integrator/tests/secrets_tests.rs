//! Secrets from every place, and what is said when they cannot be had.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use chrono::{DateTime, TimeZone, Utc};
use halo_integrator::secrets::{KEY_VARIABLE, SecretKeeper};
use integrator_core::ports::{PersonSignIn, RefusedSignIn, Secrets, TokenKeeper};
use integrator_core::settings::SecretSource;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn keeper(folder: &Path, environment: &[(&str, &str)]) -> SecretKeeper {
    let environment: HashMap<String, OsString> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    SecretKeeper::with_environment(folder, Box::new(move |name| environment.get(name).cloned()))
}

fn stored(name: &str) -> SecretSource {
    SecretSource::Stored(name.to_owned())
}

/// The secret, or place, problem and hint in one line.
fn answer(keeper: &SecretKeeper, source: &SecretSource) -> Result<String, String> {
    keeper
        .secret(source)
        .map(|secret| secret.expose_secret().to_owned())
        .map_err(|error| format!("{error} | {}", error.hint))
}

fn set(keeper: &SecretKeeper, name: &str, secret: &str) -> Result<(), String> {
    keeper.set(name, &SecretString::from(secret), noon()).map_err(|error| format!("{error} | {}", error.hint))
}

#[test]
fn a_variable_of_the_environment_is_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[("FULL", "s3cret \n"), ("EMPTY", " \n")]);
    let check = |name: &str, expected: Result<&str, &str>| {
        let found = answer(&keeper, &SecretSource::Environment(name.to_owned()));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    };
    check("FULL", Ok("s3cret "));
    check("EMPTY", Err("environment variable EMPTY is empty"));
    check("ABSENT", Err("environment variable ABSENT is not set"));
}

#[test]
fn the_first_line_of_a_file_is_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.txt");
    let check = |content: &[u8], expected: Result<&str, &str>| {
        fs::write(&path, content).unwrap();
        let found = answer(&keeper(folder.path(), &[]), &SecretSource::File(path.clone()));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => {
                assert!(found.contains(path.to_str().unwrap()) && found.contains(expected), "{found}");
            }
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    };
    check(b"s3cret", Ok("s3cret"));
    check(b"s3cret\n", Ok("s3cret"));
    check(b"s3cret\r\nsecond line", Ok("s3cret"));
    check("\u{feff}s3cret\n".as_bytes(), Ok("s3cret"));
    check(b"\n\n", Err("is empty"));
    check(b"\xff\xfe", Err("UTF-8"));
    check(&vec![b'x'; 70_000], Err("is longer than 65536 bytes"));
    fs::remove_file(&path).unwrap();
    let missing = answer(&keeper(folder.path(), &[]), &SecretSource::File(path.clone())).unwrap_err();
    assert!(missing.contains("cannot be read") && missing.contains("correct the path"), "{missing}");
}

#[test]
fn a_stored_secret_comes_back_and_its_file_shows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keeper = keeper(&data, &[]);
    assert!(keeper.list().unwrap().is_empty());
    assert!(!data.exists(), "listing makes nothing");
    set(&keeper, "halo", "s3cret-Ü").unwrap();
    set(&keeper, "contoso", "first").unwrap();
    set(&keeper, "contoso", "second").unwrap();
    assert_eq!(answer(&keeper, &stored("halo")).unwrap(), "s3cret-Ü");
    assert_eq!(answer(&keeper, &stored("contoso")).unwrap(), "second");
    let names: Vec<_> =
        keeper.list().unwrap().into_iter().map(|secret| (secret.name, secret.set_at)).collect();
    assert_eq!(names, [("contoso".to_owned(), noon()), ("halo".to_owned(), noon())]);
    let content = fs::read_to_string(data.join("secrets.json")).unwrap();
    assert!(!content.contains("s3cret") && !content.contains("second"), "{content}");
    assert!(!format!("{keeper:?}").contains("s3cret"));

    keeper.remove("halo").unwrap();
    let gone = answer(&keeper, &stored("halo")).unwrap_err();
    assert_eq!(
        gone,
        "stored secret halo does not exist | stored are: contoso; else `halo-integrator secret set halo`"
    );
    assert_eq!(keeper.remove("halo").unwrap_err().to_string(), "stored secret halo does not exist");
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_alone_and_an_open_key_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keeper = keeper(&data, &[]);
    set(&keeper, "halo", "s3cret").unwrap();
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("secrets.key"), mode("secrets.json")), (0o700, 0o600, 0o600));

    let key = data.join("secrets.key");
    for open in [0o640, 0o604, 0o660] {
        fs::set_permissions(&key, fs::Permissions::from_mode(open)).unwrap();
        let refused = answer(&keeper, &stored("halo")).unwrap_err();
        assert!(refused.contains("can be read by others") && refused.contains("chmod 600"), "{refused}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(answer(&keeper, &stored("halo")).unwrap(), "s3cret");
}

#[test]
fn the_environment_can_hold_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let with_key = keeper(folder.path(), &[(KEY_VARIABLE, KEY)]);
    set(&with_key, "halo", "s3cret").unwrap();
    assert!(!folder.path().join("secrets.key").exists());
    assert_eq!(answer(&with_key, &stored("halo")).unwrap(), "s3cret");

    let check = |environment: &[(&str, &str)], expected: &str| {
        let refused = answer(&keeper(folder.path(), environment), &stored("halo")).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
        assert!(!environment.iter().any(|(_, key)| !key.is_empty() && refused.contains(key)), "{refused}");
    };
    check(&[(KEY_VARIABLE, OTHER_KEY)], "was sealed with another key than that of environment variable");
    check(&[(KEY_VARIABLE, "")], "environment variable HALO_INTEGRATOR_KEY is empty");
    check(&[(KEY_VARIABLE, "not base64!")], "is not base64");
    check(&[(KEY_VARIABLE, "c2hvcnQ=")], "does not hold exactly 32 bytes");
    check(&[], "there is no key file");
}

#[test]
fn a_lost_key_file_is_not_replaced_behind_the_secrets_that_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[]);
    set(&keeper, "halo", "s3cret").unwrap();
    fs::remove_file(folder.path().join("secrets.key")).unwrap();
    let refused = set(&keeper, "contoso", "other").unwrap_err();
    assert!(
        refused.contains("is missing") && refused.contains("remove those secrets first: halo"),
        "{refused}"
    );
    set(&keeper, "halo", "again").expect("nothing else needs the old key");
    assert_eq!(answer(&keeper, &stored("halo")).unwrap(), "again");
}

#[test]
fn a_changed_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[(KEY_VARIABLE, KEY)]);
    set(&keeper, "one", "secret-one").unwrap();
    set(&keeper, "two", "secret-two").unwrap();
    let path = folder.path().join("secrets.json");
    let original: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let check = |change: &dyn Fn(&mut serde_json::Value), expected: &str| {
        let mut file = original.clone();
        change(&mut file);
        fs::write(&path, file.to_string()).unwrap();
        let refused = answer(&keeper, &stored("one")).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    };
    check(
        &|file| {
            let two = file["secrets"]["two"].take();
            file["secrets"]["one"] = two;
            file["secrets"]["two"] = original["secrets"]["one"].clone();
        },
        "stored secret one is damaged",
    );
    check(
        &|file| {
            let content = file["secrets"]["one"]["content"].as_str().unwrap();
            let last = if content.contains('B') { content.replacen('B', "C", 1) } else { "A".repeat(80) };
            file["secrets"]["one"]["content"] = last.into();
        },
        "stored secret one is damaged",
    );
    check(&|file| file["secrets"]["one"]["content"] = "c2hvcnQ=".into(), "stored secret one is damaged");
    check(&|file| file["format"] = 2.into(), "has format 2, and this program knows 1");
    check(&|file| *file = serde_json::json!([]), "is damaged at line 1");
    fs::write(&path, "{\"format\":1").unwrap();
    assert!(set(&keeper, "three", "x").unwrap_err().contains("is damaged at line 1"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"format\":1", "nothing is written over it");
}

#[test]
fn names_and_secrets_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[]);
    for name in ["", "a b", "../x", "ü", &"x".repeat(101)] {
        assert!(set(&keeper, name, "s3cret").unwrap_err().contains("has no usable name"), "{name}");
    }
    assert!(set(&keeper, "halo", " ").unwrap_err().contains("would be empty"));
    let none = answer(&keeper, &stored("halo")).unwrap_err();
    assert!(none.contains("none are stored yet: `halo-integrator secret set halo`"), "{none}");
}

fn sign_in(token: &str) -> PersonSignIn {
    PersonSignIn {
        client_id: "app".to_owned(),
        authority: "https://login.example.com".to_owned(),
        account: Some("adele@example.com".to_owned()),
        signed_in: noon(),
        refresh_token: SecretString::from(token),
        refused: BTreeMap::new(),
    }
}

#[test]
fn a_sign_in_is_kept_sealed_and_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[("HALO_INTEGRATOR_KEY", KEY)]);
    assert!(keeper.load("contoso").unwrap().is_none());
    keeper.save("contoso", &sign_in("first-token"), noon()).unwrap();
    let refused = RefusedSignIn {
        code: Some("AADSTS50173".to_owned()),
        message: "revoked".to_owned(),
        hint: None,
        since: noon(),
    };
    let mut second = sign_in("second-token");
    second.refused.insert("tenant".to_owned(), refused.clone());
    keeper.save("contoso", &second, noon()).unwrap();
    keeper.save("fabrikam", &sign_in("third-token"), noon()).unwrap();

    // What a crash in the middle of a replacement leaves behind changes nothing.
    fs::write(folder.path().join("secrets.new"), "{\"format\":1,\"secr").unwrap();
    let kept = keeper.load("contoso").unwrap().unwrap();
    assert_eq!(kept.refresh_token.expose_secret(), "second-token");
    assert_eq!((kept.account.as_deref(), kept.signed_in), (Some("adele@example.com"), noon()));
    assert_eq!(kept.refused.get("tenant"), Some(&refused));
    keeper.save("contoso", &sign_in("fourth-token"), noon()).unwrap();
    assert_eq!(keeper.load("contoso").unwrap().unwrap().refresh_token.expose_secret(), "fourth-token");

    let file = fs::read_to_string(folder.path().join("secrets.json")).unwrap();
    for text in ["-token", "adele", "login.example"] {
        assert!(!file.contains(text), "{file}");
    }
    // It is listed and removed like what a person stored, but no person can store it.
    let names: Vec<String> = keeper.list().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["sign-in:contoso", "sign-in:fabrikam"]);
    assert!(set(&keeper, "sign-in:contoso", "x").unwrap_err().contains("has no usable name"));
    keeper.remove("sign-in:contoso").unwrap();
    assert!(keeper.load("contoso").unwrap().is_none());
}

#[test]
fn a_sign_in_of_one_connection_is_none_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(folder.path(), &[("HALO_INTEGRATOR_KEY", KEY)]);
    keeper.save("contoso", &sign_in("token"), noon()).unwrap();
    let path = folder.path().join("secrets.json");
    let moved = fs::read_to_string(&path).unwrap().replace("sign-in:contoso", "sign-in:fabrikam");
    fs::write(&path, moved).unwrap();
    let error = keeper.load("fabrikam").unwrap_err();
    assert!(error.to_string().contains("the sign-in of connection fabrikam is damaged"), "{error}");
    assert!(error.hint.contains("`halo-integrator authorize fabrikam`"), "{}", error.hint);
}

#[test]
fn whoever_redeems_a_sign_in_keeps_others_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (keeper(folder.path(), &[]), keeper(folder.path(), &[]));
    let held = one.lock("contoso").unwrap();
    drop(other.lock("fabrikam").unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let locked = other.lock("contoso").unwrap();
        sender.send(()).unwrap();
        drop(locked);
    });
    assert!(receiver.try_recv().is_err());
    drop(held);
    receiver.recv().unwrap();
    waiting.join().unwrap();
}

#[test]
fn a_private_key_is_read_whole_and_a_secret_is_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let path = folder.path().join("key.pem");
    fs::write(&path, pem).unwrap();
    let keeper = keeper(folder.path(), &[("PEM", pem), (KEY_VARIABLE, KEY)]);
    set(&keeper, "pem", pem).unwrap();
    for source in [SecretSource::Environment("PEM".to_owned()), SecretSource::File(path), stored("pem")] {
        let whole = keeper.whole(&source).unwrap();
        assert_eq!(whole.expose_secret(), pem, "{source:?}");
    }
    assert_eq!(
        answer(&keeper, &SecretSource::Environment("PEM".to_owned())).unwrap(),
        "-----BEGIN PRIVATE KEY-----"
    );
}
