//! Clients that a connection creates for its tenants, and tells Halo the tenants of: whatever becomes of a request or
//! of the program, each tenant ends with one client, and one more run writes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;
use std::time::{Duration, Instant};

use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::{Fleet, complete};
use integrator_simulators::halo::{ClientSeed, HaloOptions, ReplyForm, ReplyMembers, TenantLinks};
use integrator_simulators::microsoft::MicrosoftOptions;
use rstest::rstest;
use serde_json::{Value, json};

/// An import may fail this often before it must be through.
const MOST_RUNS: usize = 5;
/// Tenants besides the connection's own.
const TENANTS: u64 = 3;

fn device(number: u64) -> Value {
    complete(json!({
        "id": format!("d0000000-0000-4000-8000-{number:012}"), "deviceName": format!("PC-{number:04}"),
        "serialNumber": format!("SN-{number:05}"), "model": "OptiPlex",
    }))
}

fn tenant(number: u64) -> String {
    format!("a0000000-0000-4000-8000-{number:012}")
}

/// The connection's own tenant has a client that Halo lacks the tenant of; the others have none.
fn world(reply: ReplyForm, members: ReplyMembers, links: TenantLinks) -> World {
    let rows: Vec<String> = (1..=TENANTS)
        .map(|number| format!("[[organisations.tenants]]\ntenant = \"{}\"\n", tenant(number)))
        .collect();
    let settings = format!("[organisations]\ncreate = true\n{}", rows.concat());
    let world = World::start(WorldOptions {
        fleet: Some(Fleet::of((0..3).map(device).collect())),
        halo: HaloOptions {
            reply,
            reply_members: members,
            tenant_links: links,
            clients: vec![ClientSeed {
                name: "Contoso Ltd".to_owned(),
                sites: vec!["Head Office".to_owned()],
                ..ClientSeed::default()
            }],
            ..HaloOptions::default()
        },
        settings: integrator_scenarios::settings::Overrides::connection(&settings),
        ..WorldOptions::default()
    });
    for number in 1..=TENANTS {
        let options = MicrosoftOptions {
            tenant: tenant(number),
            tenant_domain: format!("tenant{number}.example"),
            tenant_name: format!("Tenant {number}"),
            ..MicrosoftOptions::default()
        };
        world.microsoft.add_tenant(Fleet::of(vec![device(number * 100), device(number * 100 + 1)]), options);
    }
    world
}

/// Imports until it succeeds, then once more.
fn ends_well(world: &World, name: &str) {
    let mut codes = Vec::new();
    let mut said = String::new();
    while codes.last() != Some(&Some(0)) {
        assert!(codes.len() < MOST_RUNS, "{name}: never done, exit codes {codes:?}\n{said}");
        let run = world.import();
        said = run.said();
        codes.push(run.code);
        assert!(matches!(run.code, Some(0 | 1 | 4 | 5)), "{name}: exit codes {codes:?}\n{said}");
    }
    {
        let state = world.halo.state();
        let names: Vec<&str> = state.clients().map(|client| client.name.as_str()).collect();
        assert_eq!(names.len() as u64, TENANTS + 2, "{name}: exit codes {codes:?}, clients {names:?}");
        assert_eq!(state.asset_count() as u64, 3 + 2 * TENANTS, "{name}: exit codes {codes:?}\n{said}");
        assert!(state.check_duplicates().is_empty(), "{name}: {:?}", state.check_duplicates());
        for number in 1..=TENANTS {
            let client = state.client(&format!("Tenant {number}")).unwrap();
            let own = state.assets_by_intune_id(&format!("d0000000-0000-4000-8000-{:012}", number * 100));
            let site =
                own.first().and_then(|asset| state.sites().find(|site| site.id == asset.site_id)).unwrap();
            assert_eq!(site.client_id, client.id, "{name}: the client of tenant {number}'s asset");
            let told: Vec<&str> = client.azure_tenants.iter().map(|one| one.id.as_str()).collect();
            assert_eq!(told, [tenant(number)], "{name}: the tenants of client {number}");
        }
    }
    let again = world.import();
    assert_eq!(again.code, Some(0), "{name}: the last run\n{}", again.said());
    let writes: Vec<_> = world.writes().iter().map(|write| write.path_and_query.clone()).collect();
    assert!(writes.is_empty(), "{name}: exit codes {codes:?}, the last run wrote {writes:?}");
}

fn effects() -> Vec<Effect> {
    vec![
        Effect::throttled("1"),
        Effect::status(500),
        Effect::status(503),
        Effect::status(504),
        Effect::status(401),
        Effect::status(403),
        Effect::status(400),
        Effect::Reset,
        Effect::AnswerLost,
        Effect::Truncate { keep: 90 },
        Effect::CutJson { keep: 20 },
        Effect::Html,
    ]
}

/// Plays each in a world of its own, a few at a time.
fn play_all(jobs: Vec<(ReplyForm, ReplyMembers, Fault)>) {
    let jobs = std::sync::Mutex::new(jobs.into_iter());
    let problems = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((reply, members, fault)) = jobs.lock().unwrap().next() else { return };
                    let name = format!("{reply:?} {members:?} {fault:?}");
                    let played = thread::spawn(move || {
                        let world = world(reply, members, TenantLinks::Replace);
                        world.halo.faults().add(fault);
                        ends_well(&world, &name);
                        assert!(world.halo.faults().struck() > 0, "{name}: the fault never struck");
                    });
                    if let Err(panic) = played.join() {
                        let text =
                            panic.downcast::<String>().map_or_else(|_| "a panic".to_owned(), |text| *text);
                        problems.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} worlds ended badly:\n\n{}", problems.len(), problems.join("\n\n"));
}

/// The first write tells Halo the tenant of a client, the others create one each.
#[rstest]
fn writes_of_clients_that_are_disturbed_end_with_one_client_a_tenant(
    #[values(
        (ReplyForm::List, ReplyMembers::Detailed),
        (ReplyForm::LastObject, ReplyMembers::OnlyId)
    )]
    form: (ReplyForm, ReplyMembers),
    #[values(0, 2)] skip: u64,
) {
    let fault = |effect: Effect| Fault::new("/client", effect).method("POST").skip(skip);
    play_all(effects().into_iter().map(|effect| (form.0, form.1, fault(effect))).collect());
}

#[test]
fn lists_of_clients_that_are_disturbed_end_with_one_client_a_tenant() {
    let fault = |effect: Effect| Fault::new("/client?", effect).method("GET");
    play_all(
        effects()
            .into_iter()
            .map(|effect| (ReplyForm::List, ReplyMembers::Detailed, fault(effect)))
            .collect(),
    );
}

/// A list of clients that ends early must not make a second client of one that stands further down.
#[test]
fn clients_behind_the_first_page_are_found() {
    let world = world(ReplyForm::List, ReplyMembers::Detailed, TenantLinks::Replace);
    {
        let mut state = world.halo.state();
        for number in 0..230 {
            state.add_client(&format!("Aaa {number:03}"), "Main");
        }
        for number in 1..=TENANTS {
            state.add_client(&format!("Tenant {number}"), "Main");
        }
    }
    world.import().must_exit(0);
    let state = world.halo.state();
    for number in 1..=TENANTS {
        let of_name = format!("Tenant {number}");
        assert_eq!(state.clients().filter(|client| client.name == of_name).count(), 1);
    }
    assert_eq!(state.clients().count() as u64, 2 + 230 + TENANTS);
}

/// The program is killed as soon as Halo has a new client, mostly before it knows so.
#[rstest]
fn a_kill_while_clients_are_created_leaves_one_client_a_tenant(#[values(1, 2, 3)] clients: usize) {
    let world = world(ReplyForm::List, ReplyMembers::Detailed, TenantLinks::Replace);
    let before = world.halo.state().clients().count();
    world
        .halo
        .faults()
        .add(Fault::new("/client", Effect::Slow { milliseconds: 20 }).method("POST").forever());
    let mut import = world.start_import();
    let start = Instant::now();
    while world.halo.state().clients().count() < before + clients {
        assert!(start.elapsed() < Duration::from_mins(1), "no client was created");
        thread::yield_now();
    }
    let _ = import.kill();
    import.wait().unwrap();
    world.halo.faults().clear();
    ends_well(&world, &format!("killed at client {clients}"));
}

/// Clients are listed once a run, and Graph is asked for nothing besides devices once Halo knows every tenant.
#[test]
fn an_unchanged_import_of_several_tenants_is_frugal() {
    let world = world(ReplyForm::List, ReplyMembers::Detailed, TenantLinks::Replace);
    world.import().must_exit(0);
    world.import().must_exit(0);
    world.import().must_exit(0);
    let to_halo = world.halo.log().total();
    assert!(to_halo <= 10, "{to_halo} requests to Halo");
    let to_microsoft = world.microsoft.log().total();
    assert_eq!(to_microsoft, 2 * (TENANTS + 1), "one sign-in and one page a tenant");
}
