//! Refused sign-ins: each cause told apart, and what is remembered of a person's.

use std::thread;

use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::microsoft::{RefreshTokens, TokenForm};
use rstest::rstest;

use crate::support::{authorize, secret, token_requests, with_certificate, with_person, world};

#[rstest]
#[case(70008, "the sign-in has expired")]
#[case(700_082, "not used for 90 days")]
#[case(50173, "the sign-in was revoked")]
#[case(70043, "sign-in frequency")]
#[case(50076, "multi-factor authentication")]
#[case(53003, "Conditional Access blocks")]
#[case(65001, "consent was withdrawn")]
#[case(50057, "account is disabled")]
#[case(424_242, "AADSTS424242")]
fn a_refused_refresh_token_is_remembered_until_a_person_signs_in_again(
    #[case] code: u32,
    #[case] said: &str,
) {
    let world = with_person();
    authorize(&world).0.must_exit(0);
    world.import().must_exit(0);
    world.microsoft.options().refuse_refresh = Some(code);
    let run = world.import().must_exit(4);
    let error = run.document["error"].as_str().unwrap();
    assert!(error.contains(said) && error.contains(&format!("AADSTS{code}")), "{error}");
    let hint = run.document["hint"].as_str().unwrap();
    assert!(hint.contains("`halo-integrator authorize contoso`"), "{hint}");
    assert_eq!(token_requests(&world), 1, "it was asked again");
    let show = format!("runs show {}", run.summary()["run"].as_str().unwrap());

    // From now on nobody is asked, even if Entra would say yes.
    world.microsoft.options().refuse_refresh = None;
    for words in ["import contoso", "plan contoso", "check --online"] {
        let run = world.words(words).must_exit(4);
        assert!(run.stdout.contains(said), "{words}: {}", run.stdout);
        assert_eq!(world.microsoft.log().entries().len(), 0, "{words}");
    }
    let check = world.words("check").must_exit(0);
    assert!(check.stdout.contains(said), "{}", check.stdout);
    for words in ["runs list", show.as_str()] {
        let runs = world.say(words).must_exit(0);
        assert!(
            format!("{}{}", runs.stdout, runs.stderr).contains(said),
            "{words}: {}{}",
            runs.stdout,
            runs.stderr
        );
    }
    assert!(world.writes().is_empty());

    authorize(&world).0.must_exit(0);
    world.import().must_exit(0);
    assert!(!world.words("check").must_exit(0).stdout.contains(said));
}

#[test]
fn a_connection_that_nobody_signed_in_for_says_so_and_asks_nobody() {
    let world = with_person();
    let run = world.import().must_exit(4);
    let error = run.document["error"].as_str().unwrap();
    assert!(error.contains("nobody has signed in for this connection yet"), "{error}");
    assert_eq!(world.microsoft.log().entries().len(), 0);
    assert!(world.words("check").must_exit(0).stdout.contains("nobody has signed in"));
}

#[test]
fn a_sign_in_for_another_application_is_of_no_use() {
    let mut world = with_person();
    authorize(&world).0.must_exit(0);
    world.change_settings("", "[microsoft]\nclient_id = \"99999999-2222-3333-4444-555555555555\"");
    let run = world.import().must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("another application"), "{}", run.stdout);
    assert_eq!(world.microsoft.log().entries().len(), 0);
}

#[test]
fn consent_that_is_withdrawn_between_runs_ends_with_the_reason() {
    let world = with_person();
    authorize(&world).0.must_exit(0);
    world.import().must_exit(0);
    world.microsoft.options().delegated.clear();
    let run = world.import().must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("consent was withdrawn"), "{}", run.stdout);
    assert!(world.writes().is_empty());

    // The application's own sign-in notices by the token that lacks the permission.
    let world = crate::support::world("", "");
    world.import().must_exit(0);
    world.microsoft.options().roles.clear();
    let run = world.import().must_exit(4);
    assert!(
        run.document["error"].as_str().unwrap().contains("lacks the application permission"),
        "{}",
        run.stdout
    );
    assert!(world.writes().is_empty());
}

#[test]
fn what_is_wrong_with_the_application_is_not_held_against_the_person() {
    let mut world = with_person();
    authorize(&world).0.must_exit(0);
    world.set_variable("MICROSOFT_SECRET", "not-the-secret");
    let run = world.import().must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("client secret is wrong"), "{}", run.stdout);
    world.set_variable("MICROSOFT_SECRET", &secret());
    world.import().must_exit(0);
}

#[test]
fn trouble_of_entra_passes_and_is_not_held_against_the_person() {
    let world = with_person();
    authorize(&world).0.must_exit(0);
    world.microsoft.faults().add(Fault::new("/oauth2/", Effect::status(503)).times(2));
    world.import().must_exit(0);
    world.microsoft.faults().add(Fault::new("/oauth2/", Effect::status(503)).forever());
    let run = world.import().must_exit(5);
    assert_eq!(token_requests(&world), 3, "{}", run.said());
    world.microsoft.faults().clear();
    world.import().must_exit(0);
}

#[test]
fn refresh_tokens_that_end_with_their_use_are_followed() {
    let world = with_person();
    world.microsoft.options().refresh_tokens = RefreshTokens::EndWithUse;
    authorize(&world).0.must_exit(0);
    for _ in 0..3 {
        world.import().must_exit(0);
        assert_eq!(world.microsoft.refresh_tokens(), 1);
    }
}

#[test]
fn several_processes_never_redeem_one_refresh_token_twice() {
    let world = with_person();
    world.microsoft.options().refresh_tokens = RefreshTokens::EndWithUse;
    authorize(&world).0.must_exit(0);
    world
        .microsoft
        .faults()
        .add(Fault::new("/oauth2/v2.0/token", Effect::Slow { milliseconds: 200 }).forever());
    let codes: Vec<Option<i32>> = thread::scope(|scope| {
        let started: Vec<_> =
            (0..4).map(|_| scope.spawn(|| world.command(&["check", "--online"]).output().unwrap())).collect();
        started.into_iter().map(|one| one.join().unwrap().status.code()).collect()
    });
    assert_eq!(codes, [Some(0); 4]);
    assert_eq!(world.microsoft.refresh_tokens(), 1);
}

#[test]
fn a_sign_in_without_a_refresh_token_is_refused_with_the_way_out() {
    let world = with_person();
    world.microsoft.options().refresh_tokens = RefreshTokens::Never;
    let run = authorize(&world).0.must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("no refresh token"), "{}", run.stdout);
}

#[test]
fn a_token_that_cannot_be_read_blocks_nobody() {
    let world = with_person();
    world.microsoft.options().token_form = TokenForm::Opaque;
    let run = authorize(&world).0.must_exit(0);
    assert_eq!(run.document["account"], serde_json::Value::Null);
    world.import().must_exit(0);
}

#[test]
fn a_certificate_that_is_not_registered_is_told_apart() {
    let world = with_certificate(365);
    world.microsoft.options().certificates.clear();
    for words in ["import contoso", "authorize contoso"] {
        let run = world.words(words).must_exit(4);
        assert!(run.stdout.contains("AADSTS700027"), "{}", run.stdout);
        assert_eq!(token_requests(&world), 1, "{words}");
    }
}

#[test]
fn a_redirect_address_that_is_not_registered_is_told_to_the_person_and_the_wait_ends() {
    let world = with_person();
    world.microsoft.options().redirect_addresses.clear();
    let authorizing = crate::support::Authorizing::start(&world, &["--timeout", "1"]);
    let (status, page) = crate::support::browse(&authorizing.address);
    assert_eq!((status, page.contains("AADSTS50011")), (400, true), "{page}");
    authorizing.end().must_exit(4);
}

#[test]
fn every_known_refusal_of_an_import_ends_with_4_or_5_and_its_own_words() {
    let world = world("", "");
    for (code, status, error, exit) in [
        (700_024, 401, "invalid_client", 4),
        (700_021, 401, "invalid_client", 4),
        (50012, 401, "invalid_client", 4),
        (7_000_112, 400, "unauthorized_client", 4),
        (90038, 400, "invalid_request", 4),
        (50196, 400, "invalid_grant", 4),
        (90033, 503, "temporarily_unavailable", 5),
        (90024, 400, "temporarily_unavailable", 5),
        (90055, 429, "invalid_request", 5),
    ] {
        let body = format!(
            "{{\"error\":\"{error}\",\"error_description\":\"AADSTS{code}: Words. Trace ID: 1\",\"error_codes\":[{code}]}}"
        );
        world.microsoft.faults().clear();
        world.microsoft.faults().add(
            Fault::new("/oauth2/", Effect::Status { status, body, content_type: None, retry_after: None })
                .forever(),
        );
        let run = world.import().must_exit(exit);
        assert!(run.stdout.contains(&format!("AADSTS{code}")), "{code}: {}", run.stdout);
        let tries = if exit == 5 { 3 } else { 1 };
        assert_eq!(token_requests(&world), tries, "{code}");
    }
}

#[test]
fn an_answer_that_is_lost_costs_nobody_the_sign_in() {
    let world = with_person();
    authorize(&world).0.must_exit(0);
    // Entra has given a successor that never arrived; the one before is still kept, and still good.
    world.microsoft.faults().add(Fault::new("/oauth2/v2.0/token", Effect::AnswerLost));
    world.import().must_exit(0);
    assert_eq!(token_requests(&world), 2);
    world.import().must_exit(0);
}

#[test]
fn a_kill_at_any_moment_of_a_renewal_costs_nobody_the_sign_in() {
    let world = with_person();
    authorize(&world).0.must_exit(0);
    for milliseconds in [0, 20, 40, 60, 80, 120, 200] {
        let mut import = world.start_import();
        let until = std::time::Instant::now() + std::time::Duration::from_millis(milliseconds);
        while std::time::Instant::now() < until {
            thread::yield_now();
        }
        import.kill().unwrap();
        import.wait().unwrap();
        assert!(!world.words("check").must_exit(0).stdout.contains("has to sign in"), "{milliseconds} ms");
    }
    world.import().must_exit(0);
}

#[test]
fn a_place_to_listen_that_is_taken_is_told_before_anybody_is_asked() {
    let world = with_person();
    let first = crate::support::Authorizing::start(&world, &[]);
    let run = world.words("authorize contoso --no-browser").must_exit(2);
    assert!(
        run.document["error"].as_str().unwrap().contains("could not listen at 127.0.0.1:"),
        "{}",
        run.stdout
    );
    assert!(run.document["hint"].as_str().unwrap().contains("console.listen"), "{}", run.stdout);
    assert_eq!(crate::support::browse(&first.address).0, 200);
    first.end().must_exit(0);
}
