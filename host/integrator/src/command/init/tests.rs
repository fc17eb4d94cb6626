//! The interview with scripted answers, against simulators.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::super::arguments::{Arguments, Command};
use super::super::context::Context;
use super::super::failure::Failure;
use super::super::output::{Chatter, Form, Output};
use super::prompter::Prompter;
use super::{SecretKeeper, carry_out};
use crate::sync::ExitClass;
use clap::Parser;
use integrator_core::ports::Secrets;
use integrator_core::settings::{self, SecretSource};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{Halo, HaloOptions};
use integrator_simulators::microsoft::{Microsoft, MicrosoftOptions};
use integrator_simulators::server::ServeOptions;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;

const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

/// Answers in order, each with a part of the question that it is for.
struct Script {
    answers: VecDeque<(&'static str, String)>,
    said: Vec<String>,
}

impl Script {
    fn of(answers: &[(&'static str, &str)]) -> Self {
        let answers = answers.iter().map(|(question, answer)| (*question, (*answer).to_owned())).collect();
        Self { answers, said: Vec::new() }
    }

    fn next(&mut self, question: &str) -> String {
        let Some((part, answer)) = self.answers.pop_front() else {
            panic!("nobody expected: {question}; said: {:#?}", self.said)
        };
        assert!(question.contains(part), "asked {question:?} instead of {part:?}; said: {:#?}", self.said);
        answer
    }
}

impl Prompter for Script {
    fn say(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }

    fn text(&mut self, question: &str, usual: Option<&str>) -> Result<String, Failure> {
        let answer = self.next(question);
        Ok(if answer.is_empty() { usual.unwrap().to_owned() } else { answer })
    }

    fn secret(&mut self, question: &str) -> Result<SecretString, Failure> {
        Ok(SecretString::from(self.next(question)))
    }

    fn choose(&mut self, question: &str, options: &[String], usual: usize) -> Result<usize, Failure> {
        let answer = self.next(question);
        if answer.is_empty() {
            return Ok(usual);
        }
        Ok(options.iter().position(|one| one.contains(&answer)).unwrap_or_else(|| panic!("{options:?}")))
    }

    fn agree(&mut self, question: &str, _usual: bool) -> Result<bool, Failure> {
        Ok(self.next(question) == "yes")
    }
}

struct Sides {
    microsoft: Microsoft,
    halo: Halo,
    folder: tempfile::TempDir,
}

impl Sides {
    async fn start() -> Self {
        let fleet = Fleet::of(Vec::new());
        let options = MicrosoftOptions { secret: "graph-secret".to_owned(), ..MicrosoftOptions::default() };
        Self {
            microsoft: Microsoft::start(fleet, options, ServeOptions::default()).await.unwrap(),
            halo: Halo::start(HaloOptions::default(), ServeOptions::default()).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs `init` in the folder with these further arguments and this script.
    async fn init(&self, more: &[&str], script: &mut Script) -> Result<ExitClass, Failure> {
        let folder = self.folder.path().display().to_string();
        let microsoft = self.microsoft.address();
        let mut arguments = vec!["halo-integrator", "--json", "--quiet", "--config", &folder, "init"];
        arguments.extend(["--authority", &microsoft, "--graph", &microsoft]);
        arguments.extend(more);
        let parsed = Arguments::try_parse_from(arguments).unwrap();
        let context = Context::new(parsed.globals, Output::new(Form::Json, Chatter::Quiet));
        let Command::Init(asked) = parsed.command else { panic!("init") };
        carry_out(&context, *asked, Some(script)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_is_tried_and_can_be_corrected() {
    let sides = Sides::start().await;
    let address = sides.halo.address();
    let mut script = Script::of(&[
        ("Short name", "../away"),
        ("Short name", ""),
        ("Halo's address", "http://127.0.0.1:1 2"),
        ("What now", "Correct"),
        ("Halo's address", &address),
        ("Client ID of the API application", "halo-client"),
        ("client secret", "wrong"),
        ("What now", "Correct"),
        ("Halo's address", ""),
        ("Client ID of the API application", ""),
        ("client secret", "halo-secret"),
        ("Halo client", "Contoso Ltd"),
        ("site for new assets", "Warehouse"),
        ("Asset type", "Desktop"),
        ("Asset group", "Devices"),
        ("Status of new assets", "Stock"),
        ("gone from Intune", "Retired"),
        ("came back", "none"),
        ("Directory (tenant) ID", TENANT),
        ("Application (client) ID", CLIENT),
        ("client secret", "wrong"),
        ("What now", "Correct"),
        ("Directory (tenant) ID", ""),
        ("Application (client) ID", ""),
        ("client secret", "graph-secret"),
    ]);
    let class = sides.init(&[], &mut script).await.unwrap();
    assert!(class == ExitClass::Done && script.answers.is_empty(), "{:?}", script.answers);
    let said = script.said.join("\n");
    for part in ["Signed in to Halo as", "DeviceManagementManagedDevices.Read.All", "found every name"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("halo-secret") && !said.contains("graph-secret"), "{said}");
    let settings = settings::load(sides.folder.path()).unwrap();
    let connection = &settings.connections[0];
    assert_eq!(
        (connection.id.as_str(), connection.organisations.client.as_deref().unwrap_or_default()),
        ("contoso", "Contoso Ltd")
    );
    assert_eq!(connection.asset_types.default.as_deref(), Some("Desktop"));
    assert_eq!(connection.statuses.new.as_deref(), Some("Stock"));
    assert_eq!(connection.statuses.recovered, None);
    let keeper = SecretKeeper::new(&settings.integrator.data);
    for (name, expected) in [("halo", "halo-secret"), ("contoso", "graph-secret")] {
        let kept = keeper.secret(&SecretSource::Stored(name.to_owned())).unwrap();
        assert_eq!(kept.expose_secret(), expected);
    }
    for file in ["integrator.toml", "connections/contoso.toml"] {
        let text = std::fs::read_to_string(sides.folder.path().join(file)).unwrap();
        assert!(!text.contains("-secret\""), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_leave_nothing_to_ask_and_what_is_there_stays() {
    let sides = Sides::start().await;
    let address = sides.halo.address();
    let flags = [
        "--name",
        "north",
        "--halo-url",
        &address,
        "--halo-client-id",
        "halo-client",
        "--tenant",
        TENANT,
        "--client-id",
        CLIENT,
        "--client",
        "Contoso Ltd",
        "--site",
        "Head Office",
        "--default-type",
        "Laptop",
        "--group",
        "Devices",
        "--status-new",
        "Active",
        "--status-deleted",
        "Retired",
        "--status-recovered",
        "Active",
    ];
    let secrets = [("client secret", "halo-secret"), ("client secret", "graph-secret")];
    sides.init(&flags, &mut Script::of(&secrets)).await.unwrap();
    let file = sides.folder.path().join("connections/north.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let refused = sides.init(&flags, &mut Script::of(&[("exists already", "no")])).await.unwrap_err();
    assert_eq!(refused.class, ExitClass::Settings);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let agreed = [&[("exists already", "yes")], &secrets[..], &[("exists already", "yes")]].concat();
    sides.init(&flags, &mut Script::of(&agreed)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_go_on_without_halo_or_stop() {
    let sides = Sides::start().await;
    let begin = [("Short name", ""), ("Halo's address", "http://127.0.0.1:9 9"), ("What now", "Stop")];
    let stopped = sides.init(&[], &mut Script::of(&begin)).await.unwrap_err();
    assert_eq!(stopped.class, ExitClass::Settings, "{}", stopped.message);
    assert!(!sides.folder.path().join("integrator.toml").exists());
    let address = sides.halo.address();
    let rest = [
        ("Short name", ""),
        ("Halo's address", address.as_str()),
        ("Client ID", "nobody"),
        ("client secret", "wrong"),
        ("What now", "Keep"),
        ("Halo client", "Contoso Ltd"),
        ("site for new assets", ""),
        ("Asset type", ""),
        ("Directory", TENANT),
        ("Application", CLIENT),
        ("client secret", "graph-secret"),
        ("What now", "Keep"),
    ];
    sides.init(&[], &mut Script::of(&rest)).await.unwrap();
    assert!(sides.folder.path().join("connections/contoso.toml").exists());
}
