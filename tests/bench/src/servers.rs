//! The simulators as a process of their own, and their request logs. Knows nothing of what is measured.

use crate::Failure;
use crate::arguments::Arguments;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// What the simulators say about themselves when they are ready.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) microsoft: MicrosoftReady,
    pub(crate) halo: HaloReady,
}

/// Entra and Graph.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MicrosoftReady {
    pub(crate) address: String,
    pub(crate) control: String,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

/// Halo.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HaloReady {
    pub(crate) address: String,
    pub(crate) control: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) users: u64,
}

/// The requests that one server has seen since its log was last emptied.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Requests {
    pub(crate) total: u64,
    /// Keys are "METHOD /path" with `{id}` for identifiers.
    pub(crate) routes: BTreeMap<String, u64>,
}

impl Requests {
    /// Requests that may change something; signing in is none.
    pub(crate) fn writes(&self) -> u64 {
        let writes = |route: &str| !route.starts_with("GET ") && !route.ends_with("/token");
        self.routes.iter().filter(|(route, _)| writes(route)).map(|(_, count)| count).sum()
    }

    /// The routes with their counts on one line.
    pub(crate) fn line(&self) -> String {
        let routes: Vec<String> =
            self.routes.iter().map(|(route, count)| format!("{route}: {count}")).collect();
        routes.join(", ")
    }
}

/// Both servers, running. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    process: Child,
    input: Option<ChildStdin>,
    client: reqwest::Client,
    pub(crate) ready: Ready,
}

impl Servers {
    /// Starts both servers and waits until every page of devices is rendered.
    pub(crate) fn start(
        binary: &Path,
        devices: u64,
        arguments: &Arguments,
        client: reqwest::Client,
    ) -> Result<Self, Failure> {
        let mut process = Command::new(binary)
            .args(["--devices", &devices.to_string(), "--seed", &arguments.seed.to_string()])
            .args(["--prerender", "--halo-reply", arguments.halo_reply.word(), "--until-stdin-closes"])
            .args(["--software", &arguments.software.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let input = process.stdin.take();
        let mut line = String::new();
        let output = process.stdout.take().ok_or("the simulators have no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).map_err(|error| format!("simulators: {error}: {line:?}"))?;
        Ok(Self { process, input, client, ready })
    }

    /// Empties both logs.
    pub(crate) async fn forget_requests(&self) -> Result<(), Failure> {
        for control in [&self.ready.microsoft.control, &self.ready.halo.control] {
            self.client.post(format!("{control}/requests/reset")).send().await?.error_for_status()?;
        }
        Ok(())
    }

    /// What Microsoft and Halo have seen.
    pub(crate) async fn requests(&self) -> Result<(Requests, Requests), Failure> {
        let microsoft = self.get(&format!("{}/requests", self.ready.microsoft.control)).await?;
        let halo = self.get(&format!("{}/requests", self.ready.halo.control)).await?;
        Ok((serde_json::from_value(microsoft)?, serde_json::from_value(halo)?))
    }

    /// Intune ids that several assets have.
    pub(crate) async fn duplicates(&self) -> Result<usize, Failure> {
        let found = self.get(&format!("{}/duplicates", self.ready.halo.control)).await?;
        let rows = found.as_array().ok_or("the list of duplicates is no list")?;
        Ok(rows.iter().filter(|row| row["member"] == "intune_id").count())
    }

    /// Changes the system's version on a share of the devices.
    pub(crate) async fn change_share(&self, percent: f64, round: u64) -> Result<(), Failure> {
        self.touch(&json!({ "percent": percent, "round": round })).await
    }

    /// Lets every device synchronise once more.
    pub(crate) async fn synchronise_all(&self) -> Result<(), Failure> {
        self.touch(&json!({ "sync": "all" })).await
    }

    async fn touch(&self, body: &Value) -> Result<(), Failure> {
        let address = format!("{}/fleet/touch", self.ready.microsoft.control);
        self.client.post(address).json(body).send().await?.error_for_status()?;
        Ok(())
    }

    async fn get(&self, address: &str) -> Result<Value, Failure> {
        Ok(self.client.get(address).send().await?.error_for_status()?.json().await?)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
