//! Worlds whose connection signs in as a test wants it, certificates, and a person with a browser.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use integrator_scenarios::browser::Browser;
use integrator_scenarios::case::device;
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{Run, World, WorldOptions};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::microsoft::MicrosoftOptions;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

pub(crate) const DEVICES: &str = "DeviceManagementManagedDevices.Read.All";

/// A fixture of the program's own tests.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../host/integrator/tests/fixtures/certificates");
    fs::read(folder.join(name)).unwrap()
}

fn devices() -> Fleet {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
    ];
    Fleet::of(rows.into_iter().map(|row| device(row.as_object().unwrap().clone())).collect())
}

/// A world whose connection has this `[microsoft]`, beside what every world has.
pub(crate) fn world(microsoft: &str, integrator: &str) -> World {
    let connection = format!("[microsoft]\n{microsoft}\n");
    let settings = Overrides::default().and(integrator, &connection);
    World::start(WorldOptions { fleet: Some(devices()), settings, ..WorldOptions::default() })
}

/// What a world's connection needs to sign in with a certificate.
pub(crate) const CERTIFICATE: &str =
    "credential = { secret = \"{absent}\", certificate = \"contoso.pem\", key = { file = \"contoso.key\" } }";

/// A world that signs in with a certificate that is registered, and valid for so many days.
pub(crate) fn with_certificate(days: i64) -> World {
    let world = world(CERTIFICATE, "");
    let (pem, der) = certificate(days);
    fs::write(world.folder().join("contoso.pem"), pem).unwrap();
    fs::write(world.folder().join("contoso.key"), fixture("application.key.pem")).unwrap();
    world.microsoft.options().certificates = vec![der];
    world
}

/// A certificate of the fixtures' key that ends in so many days: PEM and DER.
pub(crate) fn certificate(days: i64) -> (String, Vec<u8>) {
    let key = String::from_utf8(fixture("application.key.pem")).unwrap();
    let key = KeyPair::from_pem_and_sign_algo(&key, &PKCS_RSA_SHA256).unwrap();
    let mut parameters = CertificateParams::new(vec!["importer".to_owned()]).unwrap();
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_hours(24);
    let span = day * u32::try_from(days.unsigned_abs()).unwrap();
    // Days are counted by the calendar: an hour more would be another day late in the evening.
    let end = if days < 0 { now - span } else { now + span };
    parameters.not_before = (now - day * 400).into();
    parameters.not_after = end.into();
    let made = parameters.self_signed(&key).unwrap();
    (made.pem(), made.der().to_vec())
}

/// The forms that were sent to the token endpoint by the last run are told by the log; here only how many.
pub(crate) fn token_requests(world: &World) -> usize {
    let entries = world.microsoft.log().entries();
    entries.iter().filter(|entry| entry.path_and_query.ends_with("/oauth2/v2.0/token")).count()
}

/// A world whose connection signs in as a person, and whose program listens at a port of its own.
pub(crate) fn with_person() -> World {
    with_person_and("", "")
}

/// The same with changes to `[microsoft]` and to `integrator.toml`.
pub(crate) fn with_person_and(microsoft: &str, integrator: &str) -> World {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let integrator = format!("{integrator}\n[console]\nlisten = \"127.0.0.1:{port}\"\n");
    let world = world(&format!("authentication = \"authorization-code\"\n{microsoft}"), &integrator);
    let addresses = ["authcallback", "azure/auth"].map(|path| format!("http://localhost:{port}/{path}"));
    world.microsoft.options().redirect_addresses = addresses.to_vec();
    world.microsoft.options().roles = Vec::new();
    world
}

/// `authorize` under way, and what it printed of where to go.
pub(crate) struct Authorizing {
    child: Child,
    /// The address to open.
    pub(crate) address: String,
    /// What was printed before.
    pub(crate) printed: String,
    rest: BufReader<std::process::ChildStderr>,
}

impl Authorizing {
    /// Starts `authorize` and waits for the address.
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        world.microsoft.log().reset();
        let all: Vec<&str> = ["--json", "authorize", "contoso", "--no-browser"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let mut command = world.command(&all);
        // Waited for in `end`; a test that fails before leaves it to its timeout.
        #[allow(clippy::zombie_processes)]
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut rest = BufReader::new(child.stderr.take().unwrap());
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(rest.read_line(&mut line).unwrap() > 0, "no address was printed:\n{printed}");
            printed.push_str(&line);
            if line.trim_start().starts_with("http") && line.contains("/oauth2/v2.0/authorize?") {
                return Self { child, address: line.trim().to_owned(), printed, rest };
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        let mut stderr = String::new();
        self.rest.read_to_string(&mut stderr).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = format!("{}{stderr}", self.printed).into_bytes();
        Run::of(&output)
    }
}

/// What a browser shows at the end of all redirects: status and page.
pub(crate) fn browse(address: &str) -> (u16, String) {
    let shown = Browser::default().open(address);
    (shown.status, shown.page)
}

/// The person opens the address and answers; the program comes to its end.
pub(crate) fn authorize(world: &World) -> (Run, u16, String) {
    let authorizing = Authorizing::start(world, &[]);
    let (status, page) = browse(&authorizing.address);
    (authorizing.end(), status, page)
}

/// One parameter of an address.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The permissions of a document, by name, with whether they are held.
pub(crate) fn held(run: &Run) -> Vec<(String, String, Value)> {
    let list = run.document["permissions"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            (text("name"), text("id"), one["held"].clone())
        })
        .collect()
}

/// The usual habits of the tenant.
pub(crate) fn secret() -> String {
    MicrosoftOptions::default().secret
}
