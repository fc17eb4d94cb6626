//! Whole imports on a clock that the test turns: what days and hours decide.

use chrono::{DateTime, TimeDelta, Utc};
use halo_integrator::sync::{ExitClass, ImportOptions, PlanOptions, RunOutcome, Silent, World, import, plan};
use integrator_core::model::Counts;
use integrator_core::ports::{Clock, PersonSignIn, SecretError, Secrets, TokenKeeper};
use integrator_core::settings::{SecretSource, SourceFile, read};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::{Fleet, complete};
use integrator_simulators::halo::{Halo, HaloOptions};
use integrator_simulators::microsoft::{Microsoft, MicrosoftOptions};
use integrator_simulators::server::ServeOptions;
use secrecy::{SecretSlice, SecretString};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};

struct Turned(Mutex<DateTime<Utc>>);

impl Clock for Turned {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Known;

impl Secrets for Known {
    fn secret(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        let text = match source {
            SecretSource::Environment(name) if name == "HALO_SECRET" => HaloOptions::default().client_secret,
            _ => MicrosoftOptions::default().secret,
        };
        Ok(text.into())
    }

    fn whole(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        self.secret(source)
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, SecretError> {
        Err(nothing(&path.display().to_string()))
    }
}

/// Nobody signs in here.
impl TokenKeeper for Known {
    fn lock(&self, _: &str) -> Result<Box<dyn std::any::Any + Send>, SecretError> {
        Ok(Box::new(()))
    }

    fn load(&self, _: &str) -> Result<Option<PersonSignIn>, SecretError> {
        Ok(None)
    }

    fn save(&self, connection: &str, _: &PersonSignIn, _: DateTime<Utc>) -> Result<(), SecretError> {
        Err(nothing(connection))
    }
}

fn nothing(place: &str) -> SecretError {
    SecretError { place: place.to_owned(), problem: "is not here".to_owned(), hint: String::new() }
}

struct Scene {
    microsoft: Microsoft,
    halo: Halo,
    clock: Arc<Turned>,
    folder: tempfile::TempDir,
    statuses: String,
}

fn id(number: u32) -> String {
    format!("d0000000-0000-4000-8000-{number:012}")
}

impl Scene {
    /// Three devices, and these settings of statuses.
    async fn of(statuses: &str) -> Self {
        let device = |number: u32| {
            complete(json!({
                "id": id(number), "deviceName": format!("PC-{number}"), "serialNumber": format!("S-{number}"),
                "notes": format!("note {number}"),
            }))
        };
        let fleet = Fleet::of((1..=3).map(device).collect());
        let options = MicrosoftOptions::default();
        Self {
            microsoft: Microsoft::start(fleet, options, ServeOptions::default()).await.unwrap(),
            halo: Halo::start(HaloOptions::default(), ServeOptions::default()).await.unwrap(),
            clock: Arc::new(Turned(Mutex::new("2026-09-01T08:00:00Z".parse().unwrap()))),
            folder: tempfile::tempdir().unwrap(),
            statuses: statuses.to_owned(),
        }
    }

    fn turn(&self, by: TimeDelta) {
        *self.clock.0.lock().unwrap() += by;
    }

    fn world(&self) -> World {
        let tenant = MicrosoftOptions::default().tenant;
        let integrator = format!(
            "[halo]\nurl = \"{}\"\nclient_id = \"halo-client\"\nsecret = {{ env = \"HALO_SECRET\" }}\n\
             requests_per_5_minutes = 1000000\n[data]\npath = \"{}\"\n[http]\nlongest_wait_seconds = 1\n",
            self.halo.address(),
            self.folder.path().join("data").display()
        );
        let connection = format!(
            "[microsoft]\ncloud = {{ authority = \"{0}\", graph = \"{0}\" }}\ntenant = \"{tenant}\"\n\
             client_id = \"{1}\"\ncredential = {{ secret = {{ env = \"MICROSOFT_SECRET\" }} }}\n\
             [organisations]\nclient = \"Contoso Ltd\"\n[asset_types]\ndetermine = \"same\"\ndefault = \"Workstation\"\n\
             [[fields]]\nfrom = \"serialNumber\"\nto = \"Serial Number\"\n[[fields]]\nfrom = \"notes\"\nto = \"Model\"\n\
             [guards]\ndeactivate = {{ percent = 100 }}\n[statuses]\nnew = \"Active\"\n{2}\n",
            self.microsoft.address(),
            MicrosoftOptions::default().client_id,
            self.statuses
        );
        let files = [
            SourceFile { path: "integrator.toml".into(), text: integrator },
            SourceFile { path: "connections/contoso.toml".into(), text: connection },
        ];
        let settings = read(&files, Path::new("/settings")).unwrap_or_else(|error| panic!("{error}"));
        let (_, stop) = tokio::sync::watch::channel(false);
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        World::new(Arc::new(settings), clock, Arc::new(Known), Arc::new(Known), Arc::new(Silent), stop)
    }

    async fn import(&self) -> RunOutcome {
        let outcome = import(&self.world(), "contoso", &ImportOptions::default()).await;
        assert_eq!(outcome.class, ExitClass::Done, "{:?}", outcome.record);
        outcome
    }

    async fn counts(&self) -> Counts {
        self.import().await.record.counts
    }

    fn status_of(&self, number: u32) -> String {
        let state = self.halo.state();
        let asset = state.assets().find(|asset| asset.intune_id.as_deref() == Some(&id(number))).unwrap();
        state.describe(asset)["status"].as_str().unwrap_or_default().to_owned()
    }

    fn single_reads(&self) -> usize {
        let entries = self.microsoft.log().entries();
        let parts = |body: &[u8]| {
            let batch: serde_json::Value = serde_json::from_slice(body).unwrap();
            batch["requests"].as_array().unwrap().len()
        };
        entries
            .iter()
            .filter(|entry| entry.path_and_query.ends_with("/$batch"))
            .map(|entry| parts(&entry.body))
            .sum()
    }
}

#[tokio::test]
async fn an_absent_device_is_inactive_once_imports_have_not_seen_it_for_long() {
    let statuses = "deleted_after_runs = 1000\n\
                    inactive = { after_days = 10, status = \"Inactive\", clock = \"last-import\" }";
    let scene = Scene::of(statuses).await;
    scene.import().await;
    // Seen by the import of the fourth day, and not after it.
    scene.turn(TimeDelta::days(4));
    scene.import().await;
    scene.microsoft.fleet().remove(&id(2));
    scene.turn(TimeDelta::days(9));
    let counts = scene.counts().await;
    assert_eq!((counts.devices_missing, counts.assets_deactivated), (1, 0));
    // A plan is no import; it foretells.
    scene.turn(TimeDelta::days(1));
    let foretold = plan(&scene.world(), "contoso", &PlanOptions::default()).await;
    assert_eq!(foretold.record.counts.assets_deactivated, 1);
    assert_eq!(scene.status_of(2), "Active");
    assert_eq!(scene.counts().await.assets_deactivated, 1);
    assert_eq!(scene.status_of(2), "Inactive");
    scene.turn(TimeDelta::days(1));
    let counts = scene.counts().await;
    assert_eq!((counts.assets_updated, counts.assets_deactivated, counts.devices_missing), (0, 0, 1));
    scene.microsoft.fleet().restore(&id(2));
    assert_eq!(scene.counts().await.assets_recovered, 1);
    assert_eq!(scene.status_of(2), "Active");
    assert_eq!(scene.counts().await.assets_updated, 0);
}

#[tokio::test]
async fn absence_from_a_list_alone_makes_no_device_inactive() {
    let statuses = "deleted_after_runs = 1000\n\
                    inactive = { after_days = 10, status = \"Inactive\", clock = \"last-import\" }";
    let scene = Scene::of(statuses).await;
    scene.import().await;
    // Two fail to appear in the list: one can be read directly, the other cannot be asked about.
    scene.microsoft.fleet().hide(&id(2));
    scene.microsoft.fleet().remove(&id(3));
    let refused = Effect::Status { status: 400, body: String::new(), content_type: None, retry_after: None };
    scene.microsoft.faults().add(Fault::new(format!("managedDevices/{}", id(3)), refused).forever());
    scene.import().await;
    scene.turn(TimeDelta::days(11));
    let outcome = import(&scene.world(), "contoso", &ImportOptions::default()).await;
    assert_eq!(outcome.class, ExitClass::Partial, "{:?}", outcome.record);
    let told = outcome.record.notices.join("\n");
    assert!(told.contains("PC-2") && told.contains("a direct read finds it: nothing is concluded"), "{told}");
    assert!(told.contains("PC-3") && told.contains("could not be read directly"), "{told}");
    assert_eq!(outcome.record.counts.assets_deactivated, 0);
    assert_eq!((scene.status_of(2), scene.status_of(3)), ("Active".into(), "Active".into()));
    // The one that was seen has its days anew; the other is concluded once Intune answers.
    scene.microsoft.faults().clear();
    scene.turn(TimeDelta::days(1));
    assert_eq!(scene.counts().await.assets_deactivated, 1);
    assert_eq!((scene.status_of(2), scene.status_of(3)), ("Active".into(), "Inactive".into()));
}

#[tokio::test]
async fn a_device_becomes_inactive_by_the_passing_of_time_alone() {
    let scene = Scene::of("inactive = { after_days = 30, status = \"Inactive\" }").await;
    scene.microsoft.fleet().set_property(&id(1), "lastSyncDateTime", json!("2026-08-31T08:00:00Z"));
    scene.import().await;
    scene.turn(TimeDelta::days(19));
    assert_eq!(scene.counts().await.assets_deactivated, 2);
    assert_eq!((scene.status_of(1), scene.status_of(2)), ("Active".into(), "Inactive".into()));
    scene.turn(TimeDelta::days(9));
    assert_eq!(scene.counts().await.assets_updated, 0);
    scene.turn(TimeDelta::days(1));
    assert_eq!(scene.counts().await.assets_deactivated, 1);
    assert_eq!(scene.status_of(1), "Inactive");
}

#[tokio::test]
async fn a_deletion_waits_for_its_hours() {
    let scene = Scene::of("deleted = \"Retired\"\ndeleted_after_runs = 2\ndeleted_after_hours = 24").await;
    scene.import().await;
    scene.microsoft.fleet().remove(&id(2));
    scene.turn(TimeDelta::days(5));
    for _ in 0..3 {
        scene.turn(TimeDelta::hours(7));
        assert_eq!(scene.counts().await.devices_missing, 1);
    }
    assert_eq!(scene.status_of(2), "Active");
    // 24 hours after the first of these runs.
    scene.turn(TimeDelta::hours(10));
    assert_eq!(scene.counts().await.assets_deactivated, 1);
    assert_eq!(scene.status_of(2), "Retired");
}

#[tokio::test]
async fn single_reads_are_made_anew_when_their_days_are_over() {
    let scene = Scene::of("").await;
    scene.import().await;
    assert_eq!(scene.single_reads(), 3);
    scene.microsoft.log().reset();
    scene.turn(TimeDelta::hours(11));
    scene.import().await;
    assert_eq!(scene.single_reads(), 0);
    for number in 1..=3 {
        scene.microsoft.fleet().set_property(&id(number), "notes", json!("new"));
    }
    // A read that fails keeps what was there, also when its turn has come.
    scene.microsoft.faults().add(
        Fault::new(
            format!("managedDevices/{}", id(1)),
            Effect::Status { status: 400, body: String::new(), content_type: None, retry_after: None },
        )
        .forever(),
    );
    for _ in 0..15 {
        scene.turn(TimeDelta::hours(12));
        import(&scene.world(), "contoso", &ImportOptions::default()).await;
    }
    let state = scene.halo.state();
    let model = state.field_id("Model").unwrap();
    let notes: Vec<String> =
        state.assets().map(|asset| asset.field(model).unwrap_or_default().to_owned()).collect();
    assert_eq!(notes, ["note 1", "new", "new"]);
}
