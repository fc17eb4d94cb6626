//! A person signs in: authorization code with PKCE, and what comes back.

use integrator_simulators::microsoft::PersonAnswer;
use rstest::rstest;

use crate::support::{
    Authorizing, DEVICES, authorize, browse, held, parameter, token_requests, with_person, with_person_and,
};

#[test]
fn a_person_signs_in_and_imports_go_on_without_them() {
    let world = with_person();
    let authorizing = Authorizing::start(&world, &[]);
    let address = authorizing.address.clone();
    assert_eq!(parameter(&address, "response_type").as_deref(), Some("code"));
    assert_eq!(parameter(&address, "response_mode").as_deref(), Some("query"));
    assert_eq!(parameter(&address, "code_challenge_method").as_deref(), Some("S256"));
    let redirect = parameter(&address, "redirect_uri").unwrap();
    assert!(redirect.starts_with("http://localhost:") && redirect.ends_with("/authcallback"), "{redirect}");
    let scope = format!("offline_access {}/{DEVICES}", world.microsoft.address());
    assert_eq!(parameter(&address, "scope"), Some(scope));
    assert!(authorizing.printed.contains(&redirect), "{}", authorizing.printed);
    for id in ["314874da-47d6-4978-88dc-cf0d37f0bb82", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"] {
        assert!(authorizing.printed.contains(id), "{}", authorizing.printed);
    }
    let (status, page) = browse(&address);
    let run = authorizing.end().must_exit(0);
    assert_eq!((status, page.contains("AdeleV@contoso.onmicrosoft.com is signed in")), (200, true), "{page}");
    assert_eq!(run.document["account"], "AdeleV@contoso.onmicrosoft.com");
    assert_eq!(run.document["redirect_address"].as_str(), Some(redirect.as_str()));
    assert_eq!(held(&run)[0].2, true);

    let run = world.import().must_exit(0);
    assert_eq!((run.count("assets_created"), token_requests(&world)), (2, 1));
    world.import().must_exit(0);
    world.words("check --online").must_exit(0);
    // The code's one, and a successor each for two imports and a check.
    assert_eq!(world.microsoft.refresh_tokens(), 4);
}

#[test]
fn nothing_secret_is_left_in_the_data_folder_or_shown() {
    let world = with_person();
    let (run, _, page) = authorize(&world);
    let import = world.import().must_exit(0);
    let stored = std::fs::read_to_string(world.data().join("secrets.json")).unwrap();
    assert!(stored.contains("\"sign-in:contoso\""), "{stored}");
    // Refresh tokens of the simulator begin so.
    for text in [stored, page, run.stdout, run.stderr, import.stdout, import.stderr] {
        assert!(!text.contains("1.AXkA."), "{text}");
    }
    let verbose = world.say("-vv import contoso").must_exit(0);
    assert!(!verbose.stderr.contains("1.AXkA."), "{}", verbose.stderr);
}

#[test]
fn a_person_signs_in_through_an_application_with_a_certificate() {
    let world = with_person_and(crate::support::CERTIFICATE, "");
    let (pem, der) = crate::support::certificate(365);
    std::fs::write(world.folder().join("contoso.pem"), pem).unwrap();
    std::fs::write(world.folder().join("contoso.key"), crate::support::fixture("application.key.pem"))
        .unwrap();
    world.microsoft.options().certificates = vec![der];
    authorize(&world).0.must_exit(0);
    world.import().must_exit(0);
    world.import().must_exit(0);
}

#[rstest]
#[case("", "/authcallback")]
#[case("[halo]\nversion = \"2.200\"", "/authcallback")]
#[case("[halo]\nversion = \"2.214.3\"", "/authcallback")]
#[case("[halo]\nversion = \"2.199\"", "/azure/auth")]
#[case("[halo]\nversion = \"2.186.1\"", "/azure/auth")]
fn the_redirect_address_is_that_of_halos_version_and_both_are_served(
    #[case] version: &str,
    #[case] expected: &str,
) {
    let world = with_person_and("", version);
    let authorizing = Authorizing::start(&world, &[]);
    let redirect = parameter(&authorizing.address, "redirect_uri").unwrap();
    assert!(redirect.ends_with(expected), "{redirect}");
    // Other pages are none, and somebody who only looks ends nothing.
    let place = redirect.trim_end_matches(expected);
    for (path, status) in
        [("/", 404), ("/authcallback", 404), ("/azure/auth", 404), ("/favicon.ico?code=1&state=2", 404)]
    {
        assert_eq!(browse(&format!("{place}{path}")).0, status, "{path}");
    }
    assert_eq!(browse(&authorizing.address).0, 200);
    authorizing.end().must_exit(0);
    world.import().must_exit(0);
}

#[test]
fn behind_a_proxy_the_redirect_address_is_the_public_one() {
    let mut world = with_person();
    world.change_settings("[console]\npublic_url = \"https://integrator.example.com/intune/\"", "");
    let authorizing = Authorizing::start(&world, &["--timeout", "1"]);
    let redirect = parameter(&authorizing.address, "redirect_uri").unwrap();
    assert_eq!(redirect, "https://integrator.example.com/intune/authcallback");
    let run = authorizing.end().must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("nobody signed in within 1 seconds"));
}

#[test]
fn an_answer_that_says_no_signs_nobody_in_and_redeems_nothing() {
    let world = with_person();
    for (answer, said) in [
        (PersonAnswer::Declines, "the person declined to consent (AADSTS65004)"),
        (PersonAnswer::Refused(53003), "Conditional Access blocks the sign-in (AADSTS53003)"),
        (PersonAnswer::AnotherState, "does not belong to this sign-in"),
    ] {
        world.microsoft.options().person_answer = answer.clone();
        let (run, status, page) = authorize(&world);
        let run = run.must_exit(4);
        assert!(run.document["error"].as_str().unwrap().contains(said), "{answer:?}: {}", run.stdout);
        assert_eq!((status, page.contains("Nobody was signed in")), (400, true), "{page}");
        assert_eq!(token_requests(&world), 0, "{answer:?}");
    }
    world.import().must_exit(4);
}

#[test]
fn an_answer_with_another_state_ends_the_sign_in() {
    let world = with_person();
    for query in ["code=stolen&state=guessed", "code=stolen", "error=access_denied&state=guessed"] {
        let authorizing = Authorizing::start(&world, &[]);
        let redirect = parameter(&authorizing.address, "redirect_uri").unwrap();
        assert_eq!(browse(&format!("{redirect}?{query}")).0, 400, "{query}");
        let run = authorizing.end().must_exit(4);
        assert!(run.document["error"].as_str().unwrap().contains("its state is another"), "{}", run.stdout);
        assert_eq!(token_requests(&world), 0, "{query}");
    }
}

#[test]
fn what_an_answer_says_is_escaped_in_the_page() {
    let world = with_person();
    let authorizing = Authorizing::start(&world, &[]);
    let redirect = parameter(&authorizing.address, "redirect_uri").unwrap();
    let state = parameter(&authorizing.address, "state").unwrap();
    let (_, page) = browse(&format!(
        "{redirect}?error=%3Cb%3Ebad&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state={state}"
    ));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>"), "{page}");
    authorizing.end().must_exit(4);
}

#[test]
fn delegated_permissions_that_are_missing_are_named_by_name_and_id() {
    let world = with_person_and("", "");
    authorize(&world).0.must_exit(0);
    // What the settings need grows, and the person's consent does not.
    world.microsoft.options().delegated = vec![DEVICES.to_owned()];
    let mut world = world;
    world.change_settings("", "[users]\nidentifier = \"employee-id\"\nhalo_field = \"other1\"");
    let (run, _, _) = authorize(&world);
    let run = run.must_exit(4);
    let permissions = held(&run);
    assert_eq!(permissions[1].0, "User.Read.All");
    assert_eq!(permissions[1].1, "a154be20-db9c-4678-8ab7-66f6cc099a59");
    assert!(
        run.document["error"].as_str().unwrap().contains("an administrator has to consent"),
        "{}",
        run.stdout
    );
}
