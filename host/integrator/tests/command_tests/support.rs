//! Runs the binary in a folder of its own, with an environment of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that commands run in; removed with the value.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a command printed and how it ended.
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With sound settings that lead nowhere: port 9 of this computer answers nobody.
    pub(crate) fn with_settings() -> Self {
        let place = Self::new();
        let ended = place.run(&[
            "--config",
            "settings",
            "init",
            "--name",
            "contoso",
            "--halo-url",
            "http://127.0.0.1:9",
            "--halo-client-id",
            "halo-client",
            "--tenant",
            "8f1f2b6e-0000-4000-8000-000000000001",
            "--client-id",
            "11111111-2222-3333-4444-555555555555",
            "--client",
            "Contoso Ltd",
        ]);
        assert_eq!(ended.exit, 0, "{}", ended.err);
        place
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn replace(&self, below: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(below)).unwrap();
        assert!(text.contains(from), "{below} lacks {from}");
        self.write(below, &text.replace(from, to));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs with this on standard input, which is never a terminal here.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.ended(&child.wait_with_output().unwrap())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halo-integrator"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        // The caller's own settings, keys and proxies have no say.
        command.env("HOME", self.folder.path()).env("ProgramData", self.folder.path());
        for name in [
            "HALO_INTEGRATOR_CONFIG",
            "HALO_INTEGRATOR_KEY",
            "RUST_LOG",
            "XDG_CONFIG_HOME",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn ended(&self, output: &Output) -> Ended {
        Ended {
            exit: output.status.code().unwrap_or(-1),
            out: self.filtered(&output.stdout),
            err: self.filtered(&output.stderr),
        }
    }

    /// Without what differs from one computer and one moment to the next.
    fn filtered(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        let real = fs::canonicalize(self.folder.path()).unwrap();
        for folder in [real.as_path(), self.folder.path()] {
            text = text.replace(&folder.display().to_string(), "FOLDER");
        }
        let program = Path::new(env!("CARGO_BIN_EXE_halo-integrator"));
        text = text.replace(&program.display().to_string(), "halo-integrator");
        text.replace("halo-integrator.exe", "halo-integrator")
    }
}

impl Ended {
    /// For snapshots: the exit code and both streams.
    pub(crate) fn shown(&self) -> String {
        let part = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {name}\n{}\n", text.trim_end()) }
        };
        format!(
            "exit {}\n{}{}",
            self.exit,
            part("standard output", &self.out),
            part("standard error", &self.err)
        )
    }
}
