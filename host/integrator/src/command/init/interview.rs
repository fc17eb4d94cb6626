//! The questions of `init` on a terminal: each answer is tried at once on its side, and can be corrected without
//! starting over.

use super::super::context::Context;
use super::super::failure::Failure;
use super::super::files;
use super::super::output::aside;
use super::answers::{Answers, Asked, Given, Known};
use super::prompter::Prompter;
use crate::secrets::SecretKeeper;
use crate::sync::{self, Choices, ExitClass, World};
use integrator_core::ports::SystemClock;
use integrator_core::settings::SecretSource;
use std::sync::Arc;

/// What a Halo installation needs; shown before its application is asked for.
const IN_HALO: &str = "
In Halo: Configuration > Integrations > Halo API > View Applications > New,
    authentication method \"Client ID and Secret (Services)\", login type Agent,
    permissions: edit:assets, read:customers and admin (or simply: all).
    The agent may edit assets and read clients, sites and users. The secret is shown once.
";

/// What has to be done at Microsoft; shown before its application is asked for.
pub(super) const AT_MICROSOFT: &str = "
At Microsoft (Entra admin center > App registrations):
    1. Register an application for accounts in this directory only (single tenant). It needs no redirect address.
    2. API permissions > Microsoft Graph > Application permissions:
       DeviceManagementManagedDevices.Read.All  2f51be20-0bb4-4fed-bf7b-db946066c75e
       User.Read.All                            df021288-bdef-4463-88db-98f22de89214
       Then grant admin consent.
    3. Certificates & secrets > New client secret. Its value is shown once.
";

/// What a person can do about answers that do not work.
const WAYS: [&str; 3] = ["Correct the answers", "Keep them and go on", "Stop"];

/// Asks for everything that was not given.
pub(super) async fn hold(
    context: &Context,
    asked: Asked,
    prompter: &mut dyn Prompter,
) -> Result<(Answers, Given), Failure> {
    let mut interview = Interview { context, prompter, asked, given: Given::default() };
    interview.name()?;
    let choices = interview.halo().await?;
    interview.choose(choices.as_ref()).await?;
    interview.microsoft().await?;
    let Interview { asked, given, .. } = interview;
    Ok((Answers::complete(&asked)?, given))
}

struct Interview<'a> {
    context: &'a Context,
    prompter: &'a mut dyn Prompter,
    asked: Asked,
    given: Given,
}

impl Interview<'_> {
    fn name(&mut self) -> Result<(), Failure> {
        while self.asked.name.is_none() {
            let name = self.prompter.text("Short name of the connection", Some("contoso"))?;
            match files::check_name(&name) {
                Ok(()) => self.asked.name = Some(name),
                Err(failure) => self.tell(&failure),
            }
        }
        Ok(())
    }

    /// Finds Halo, signs in, and reads what there is to choose from; nothing when a person goes on without.
    async fn halo(&mut self) -> Result<Option<Choices>, Failure> {
        let mut again = false;
        loop {
            let text = |asked: &Option<String>| asked.clone().filter(|text| !text.trim().is_empty());
            let known = text(&self.asked.halo_url);
            if again || known.is_none() {
                self.asked.halo_url =
                    Some(self.prompter.text("Halo's address (https://…)", known.as_deref())?);
            }
            if let Err(failure) = self.found().await {
                match self.way_out(&failure)? {
                    Way::Correct => {
                        again = true;
                        continue;
                    }
                    Way::GoOn => {}
                }
            }
            let known = text(&self.asked.halo_client_id);
            if again || known.is_none() {
                self.prompter.say(IN_HALO);
                let question = "Client ID of the API application in Halo";
                self.asked.halo_client_id = Some(self.prompter.text(question, known.as_deref())?);
            }
            if (again || self.given.halo.is_none()) && self.asked.halo_secret() == stored("halo") {
                self.given.halo = Some(self.prompter.secret("Its client secret")?);
            }
            let world = self.world()?;
            match Choices::read(&world).await {
                Ok(choices) => {
                    self.prompter.say(&format!("Signed in to Halo as \"{}\".", choices.agent));
                    return Ok(Some(choices));
                }
                Err(error) => match self.way_out(&error.into())? {
                    Way::Correct => again = true,
                    Way::GoOn => return Ok(None),
                },
            }
        }
    }

    async fn found(&mut self) -> Result<(), Failure> {
        let world = self.world()?;
        let auth = sync::find_halo(&world).await?;
        self.prompter.say(&format!("Halo answers; it signs in at {auth}."));
        Ok(())
    }

    /// Client, site, types and statuses, from Halo's lists where they could be read.
    async fn choose(&mut self, choices: Option<&Choices>) -> Result<(), Failure> {
        let Some(choices) = choices else { return self.choose_unseen() };
        let names: Vec<String> = choices.clients.iter().map(|client| client.name.clone()).collect();
        let client = self.one_of("Halo client of the devices", self.asked.client.clone(), &names, None)?;
        let found = choices.clients.iter().find(|known| Some(&known.name) == client.as_ref());
        self.asked.client = client;
        let sites = match found {
            Some(client) => choices.sites(client.id).await?,
            None => Vec::new(),
        };
        let main = found.and_then(|client| sites.iter().find(|site| Some(site.id) == client.main_site));
        let usual = main.map(|site| site.name.clone());
        let names: Vec<String> = sites.into_iter().map(|site| site.name).collect();
        self.asked.site =
            self.one_of("Its site for new assets", self.asked.site.clone(), &names, usual.as_deref())?;
        let names: Vec<String> = choices.types.iter().map(|kind| kind.name.clone()).collect();
        self.asked.known = Some(Known { types: names.clone(), fields: choices.fields.clone() });
        let question = "Asset type of devices that no rule names";
        let usual = Some("Workstation");
        self.asked.default_type = self.one_of(question, self.asked.default_type.clone(), &names, usual)?;
        let names: Vec<String> = choices.groups.iter().map(|group| group.name.clone()).collect();
        if self.asked.group.is_none() && !names.is_empty() {
            self.asked.group =
                self.or_none("Asset group of new types", &names, "none: no types are created")?;
        }
        let names: Vec<String> = choices.statuses.iter().map(|status| status.name.clone()).collect();
        let questions = [
            ("Status of new assets", self.asked.status_new.is_none()),
            ("Status of assets whose device is gone from Intune", self.asked.status_deleted.is_none()),
            ("Status of assets whose device came back", self.asked.status_recovered.is_none()),
        ];
        for (index, (question, open)) in questions.into_iter().enumerate() {
            if !open || names.is_empty() {
                continue;
            }
            let answer = self.or_none(question, &names, "none: the status is left alone")?;
            match index {
                0 => self.asked.status_new = answer,
                1 => self.asked.status_deleted = answer,
                _ => self.asked.status_recovered = answer,
            }
        }
        Ok(())
    }

    /// The same by typing, where Halo could not be read.
    fn choose_unseen(&mut self) -> Result<(), Failure> {
        if self.asked.client.is_none() {
            self.asked.client = Some(self.prompter.text("Halo client of the devices", None)?);
        }
        if self.asked.site.is_none() {
            self.asked.site = Some(self.prompter.text("Its site for new assets", Some("Main"))?);
        }
        if self.asked.default_type.is_none() {
            let question = "Asset type of devices that no rule names";
            self.asked.default_type = Some(self.prompter.text(question, Some("Workstation"))?);
        }
        Ok(())
    }

    /// The given name if Halo has it, else one that is chosen.
    fn one_of(
        &mut self,
        question: &str,
        given: Option<String>,
        names: &[String],
        usual: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        if let Some(given) = given {
            if names.contains(&given) || names.is_empty() {
                return Ok(Some(given));
            }
            self.prompter.say(&format!("Halo has no \"{given}\"."));
        }
        if names.is_empty() {
            return Ok(Some(self.prompter.text(question, usual)?));
        }
        let usual = names.iter().position(|name| Some(name.as_str()) == usual).unwrap_or(0);
        let chosen = self.prompter.choose(question, names, usual)?;
        Ok(names.get(chosen).cloned())
    }

    fn or_none(&mut self, question: &str, names: &[String], none: &str) -> Result<Option<String>, Failure> {
        let mut all = names.to_vec();
        all.push(none.to_owned());
        let chosen = self.prompter.choose(question, &all, 0)?;
        Ok(names.get(chosen).cloned())
    }

    async fn microsoft(&mut self) -> Result<(), Failure> {
        let mut again = false;
        if self.asked.tenant.is_none() || self.asked.client_id.is_none() {
            self.prompter.say(AT_MICROSOFT);
        }
        loop {
            let known = self.asked.tenant.clone();
            if again || known.is_none() {
                let question = "Directory (tenant) ID at Microsoft";
                self.asked.tenant = Some(self.prompter.text(question, known.as_deref())?);
            }
            let known = self.asked.client_id.clone();
            if again || known.is_none() {
                let question = "Application (client) ID at Microsoft";
                self.asked.client_id = Some(self.prompter.text(question, known.as_deref())?);
            }
            if (again || self.given.microsoft.is_none()) && self.asked.microsoft_secret().is_none() {
                self.given.microsoft = Some(self.prompter.secret("Its client secret")?);
            }
            match self.checked().await {
                Ok(texts) => {
                    for text in texts {
                        self.prompter.say(&text);
                    }
                    return Ok(());
                }
                Err(failure) => match self.way_out(&failure)? {
                    Way::Correct => again = true,
                    Way::GoOn => return Ok(()),
                },
            }
        }
    }

    /// Signs in to Microsoft, looks for the permissions, reads a page of devices; and looks for every name in Halo.
    async fn checked(&self) -> Result<Vec<String>, Failure> {
        let world = self.world()?;
        let name = self.asked.name.clone().unwrap_or_default();
        let report = sync::check(&world, &name).await;
        match report.items.iter().find(|item| !item.ok) {
            Some(wrong) => Err(Failure {
                hint: wrong.hint.clone(),
                ..Failure::new(report.class, format!("{}: {}", wrong.what, wrong.text))
            }),
            None => {
                Ok(report.items.into_iter().map(|item| format!("{}: {}", item.what, item.text)).collect())
            }
        }
    }

    /// A world of the answers so far; what is not answered yet is filled in, as nothing asks for it.
    fn world(&self) -> Result<World, Failure> {
        let settings = Answers::provisional(&self.asked).settings(&self.context.folder())?;
        let progress = Arc::clone(self.context.progress()) as Arc<dyn sync::Progress>;
        let secrets = Arc::new(self.given.keeper(&settings.integrator.data, &self.asked));
        let tokens = Arc::new(SecretKeeper::new(&settings.integrator.data));
        let stop = self.context.stop();
        Ok(World::new(Arc::new(settings), Arc::new(SystemClock), secrets, tokens, progress, stop))
    }

    fn tell(&mut self, failure: &Failure) {
        for diagnostic in &failure.diagnostics {
            aside(&diagnostic.one_line());
        }
        self.prompter.say(&format!("That does not work: {}", failure.message));
        if let Some(hint) = &failure.hint {
            self.prompter.say(&format!("  -> {hint}"));
        }
    }

    fn way_out(&mut self, failure: &Failure) -> Result<Way, Failure> {
        self.context.progress().clear();
        self.tell(failure);
        let ways = WAYS.map(str::to_owned);
        match self.prompter.choose("What now?", &ways, 0)? {
            0 => Ok(Way::Correct),
            1 => Ok(Way::GoOn),
            _ => Err(Failure::new(ExitClass::worst([failure.class]), failure.message.clone())
                .hint("nothing was written")),
        }
    }
}

enum Way {
    Correct,
    GoOn,
}

fn stored(name: &str) -> SecretSource {
    SecretSource::Stored(name.to_owned())
}
