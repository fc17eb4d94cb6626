//! The answers of `init`: from flags or questions, into the texts of the settings files.

use super::super::failure::Failure;
use super::super::files;
use crate::secrets::SecretKeeper;
use clap::Args;
use integrator_core::ports::{SecretError, Secrets};
use integrator_core::settings::{
    self, Cloud, ExampleConnection, ExampleIntegrator, ExampleRule, ExampleStatuses, SecretSource, Settings,
    SourceFile, example_connection, example_integrator,
};
use secrecy::{SecretSlice, SecretString};
use std::path::{Path, PathBuf};

/// The arguments of `init`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "What is not given is asked for on a terminal, and each answer is tried at once.")]
pub(in crate::command) struct Asked {
    /// The name that commands call the connection by; also the name of its file
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Halo's address, as people open it
    #[arg(long, value_name = "URL")]
    pub(super) halo_url: Option<String>,
    /// Client ID of the API application in Halo
    #[arg(long, value_name = "ID")]
    pub(super) halo_client_id: Option<String>,
    /// The environment variable that holds its secret; without it: stored, encrypted
    #[arg(long, value_name = "VARIABLE")]
    pub(super) halo_secret_env: Option<String>,
    /// Halo's tenant, on hosted Halo only
    #[arg(long, value_name = "NAME")]
    pub(super) halo_tenant: Option<String>,
    /// Directory (tenant) ID at Microsoft
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<String>,
    /// Application (client) ID of the app registration at Microsoft
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// The environment variable that holds its secret; without it: stored, encrypted
    #[arg(long, value_name = "VARIABLE")]
    pub(super) secret_env: Option<String>,
    /// Microsoft's sign-in address, where it is not that of the worldwide cloud
    #[arg(long, value_name = "URL", requires = "graph")]
    pub(super) authority: Option<String>,
    /// Graph's address to it
    #[arg(long, value_name = "URL", requires = "authority")]
    pub(super) graph: Option<String>,
    /// The Halo client that the devices belong to
    #[arg(long, value_name = "CLIENT")]
    pub(super) client: Option<String>,
    /// Its site for new assets
    #[arg(long, value_name = "SITE")]
    pub(super) site: Option<String>,
    /// The asset type of devices that no rule names
    #[arg(long, value_name = "TYPE")]
    pub(super) default_type: Option<String>,
    /// The asset group that new types are created under
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// The status of new assets
    #[arg(long, value_name = "STATUS")]
    pub(super) status_new: Option<String>,
    /// The status of assets whose device is gone
    #[arg(long, value_name = "STATUS")]
    pub(super) status_deleted: Option<String>,
    /// The status of assets whose device came back
    #[arg(long, value_name = "STATUS")]
    pub(super) status_recovered: Option<String>,
    /// Ask nothing: what is missing is an error
    #[arg(long)]
    pub(super) no_input: bool,
    /// Replace files that are there already
    #[arg(long)]
    pub(super) force: bool,
    /// What Halo has, once it was read: what it lacks is not written.
    #[arg(skip)]
    pub(super) known: Option<Known>,
}

/// Names of Halo's.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) types: Vec<String>,
    pub(super) fields: Vec<String>,
}

impl Asked {
    /// Where Halo's secret is.
    pub(super) fn halo_secret(&self) -> SecretSource {
        match &self.halo_secret_env {
            Some(name) => SecretSource::Environment(name.clone()),
            None => SecretSource::Stored("halo".to_owned()),
        }
    }

    /// Where Microsoft's secret is, when it is not to be stored.
    pub(super) fn microsoft_secret(&self) -> Option<SecretSource> {
        self.secret_env.clone().map(SecretSource::Environment)
    }
}

/// Everything that the files are filled in with.
pub(super) struct Answers {
    pub(super) name: String,
    integrator: ExampleIntegrator,
    connection: ExampleConnection,
}

impl Answers {
    /// The answers, all of them, or an error that names every flag that is missing.
    pub(super) fn complete(asked: &Asked) -> Result<Self, Failure> {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let needed = [
            (&asked.name, "--name"),
            (&asked.halo_url, "--halo-url"),
            (&asked.halo_client_id, "--halo-client-id"),
            (&asked.tenant, "--tenant"),
            (&asked.client_id, "--client-id"),
            (&asked.client, "--client"),
        ];
        let missing: Vec<&str> =
            needed.iter().filter(|(answer, _)| !given(answer)).map(|(_, flag)| *flag).collect();
        if !missing.is_empty() {
            return Err(Failure::usage(format!("missing: {}", missing.join(", ")))
                .hint("give them as arguments, or run `init` on a terminal, where it asks"));
        }
        let answers = Self::provisional(asked);
        files::check_name(&answers.name)?;
        Ok(answers)
    }

    /// The answers so far, with something in each place that has none yet.
    pub(super) fn provisional(asked: &Asked) -> Self {
        let or = |answer: &Option<String>, usual: &str| {
            let answer = answer.as_deref().map(str::trim).filter(|text| !text.is_empty());
            answer.unwrap_or(usual).to_owned()
        };
        let rule = |type_name: &str, property: &str, contains: &str| ExampleRule {
            type_name: type_name.to_owned(),
            property: property.to_owned(),
            contains: contains.to_owned(),
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let name = or(&asked.name, "contoso");
        let mut rules = vec![rule("Laptop", "model", "Book"), rule("Tablet", "model", "iPad")];
        let mut fields = vec![
            pair("serialNumber", "Serial Number"),
            pair("deviceName", "inventory_number"),
            pair("model", "Model"),
        ];
        if let Some(known) = &asked.known {
            rules.retain(|rule| known.types.contains(&rule.type_name));
            fields.retain(|(_, to)| to == "inventory_number" || known.fields.contains(to));
        }
        let statuses = ExampleStatuses {
            new: asked.status_new.clone(),
            deleted: asked.status_deleted.clone(),
            recovered: asked.status_recovered.clone(),
        };
        Self {
            integrator: ExampleIntegrator {
                halo_url: or(&asked.halo_url, "https://localhost"),
                client_id: or(&asked.halo_client_id, "none"),
                secret: asked.halo_secret(),
                tenant: asked.halo_tenant.clone(),
            },
            connection: ExampleConnection {
                cloud: match (&asked.authority, &asked.graph) {
                    (Some(authority), Some(graph)) => {
                        Some(Cloud { authority: authority.clone(), graph: graph.clone() })
                    }
                    _ => None,
                },
                tenant: or(&asked.tenant, "none"),
                client_id: or(&asked.client_id, "none"),
                secret: asked
                    .microsoft_secret()
                    .unwrap_or_else(|| SecretSource::Stored(crate::pull::secret_name(&name))),
                client: or(&asked.client, "none"),
                site: or(&asked.site, "Main"),
                default_type: or(&asked.default_type, "Workstation"),
                group: asked.group.clone(),
                rules,
                fields,
                statuses: Some(statuses)
                    .filter(|all| all.new.is_some() || all.deleted.is_some() || all.recovered.is_some()),
                name: name.clone(),
            },
            name,
        }
    }

    /// Where the connection's file is, relative to the settings folder.
    pub(super) fn path(&self) -> PathBuf {
        files::connection_path(&self.name)
    }

    /// The two files.
    pub(super) fn files(&self) -> [SourceFile; 2] {
        [
            SourceFile {
                path: super::super::folder::INTEGRATOR.into(),
                text: example_integrator(&self.integrator),
            },
            SourceFile { path: self.path(), text: example_connection(&self.connection) },
        ]
    }

    /// The files, checked.
    pub(super) fn settings(&self, folder: &Path) -> Result<Settings, Failure> {
        Ok(settings::read(&self.files(), folder)?)
    }

    /// The secrets that the settings keep stored, by name.
    pub(super) fn stored(&self) -> Vec<&str> {
        let sources = [&self.integrator.secret, &self.connection.secret];
        let names = sources.into_iter().filter_map(|source| match source {
            SecretSource::Stored(name) => Some(name.as_str()),
            SecretSource::Environment(_) | SecretSource::File(_) => None,
        });
        names.collect()
    }
}

/// Secrets that were typed and are stored at the end only.
#[derive(Default)]
pub(super) struct Given {
    pub(super) halo: Option<SecretString>,
    pub(super) microsoft: Option<SecretString>,
}

impl Given {
    /// Answers with what was typed, else with what is kept already.
    pub(super) fn keeper(&self, data: &Path, asked: &Asked) -> Typed {
        let name = asked.name.as_deref().unwrap_or("contoso");
        Typed {
            typed: vec![
                ("halo".to_owned(), self.halo.clone()),
                (crate::pull::secret_name(name), self.microsoft.clone()),
            ],
            kept: SecretKeeper::new(data),
        }
    }
}

/// See [`Given::keeper`].
pub(super) struct Typed {
    typed: Vec<(String, Option<SecretString>)>,
    kept: SecretKeeper,
}

impl Typed {
    /// The typed secrets with their names.
    pub(super) fn into_typed(self) -> impl Iterator<Item = (String, SecretString)> {
        self.typed.into_iter().filter_map(|(name, secret)| Some((name, secret?)))
    }
}

impl Secrets for Typed {
    fn secret(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        if let SecretSource::Stored(name) = source
            && let Some((_, Some(secret))) = self.typed.iter().find(|(known, _)| known == name)
        {
            return Ok(secret.clone());
        }
        self.kept.secret(source)
    }

    fn whole(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        self.kept.whole(source)
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, SecretError> {
        self.kept.file(path)
    }
}
