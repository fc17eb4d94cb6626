//! A component at work on one page of devices. It is started by the first question, and again by the one after a
//! fault: what a fault left behind is never asked again.

use super::fault::fault;
use super::plugin::WasmPlugin;
use super::state::{LINE_CHARACTERS, shown};
use super::v1::Live;
use integrator_core::plugin::{
    Fault, FaultKind, Instance, LogLine, Plugin, PluginKind, Question, Reply, View,
};
use std::sync::Arc;

pub(super) struct WasmInstance {
    plugin: Arc<WasmPlugin>,
    live: Option<Live>,
    /// What instances that are gone had logged.
    lines: Vec<LogLine>,
}

impl WasmInstance {
    pub(super) fn new(plugin: Arc<WasmPlugin>) -> Self {
        Self { plugin, live: None, lines: Vec::new() }
    }

    fn started(&mut self) -> wasmtime::Result<&mut Live> {
        let live = match self.live.take() {
            Some(live) => live,
            None => self.plugin.linked().start(self.plugin.shared())?,
        };
        Ok(self.live.insert(live))
    }

    fn answer(&mut self, device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        let about = self.plugin.about();
        if !fits(about.kind, question) {
            return Err(Fault {
                kind: FaultKind::Broken,
                message: format!("the plugin `{}` is an {}, and cannot answer this", about.name, about.kind),
            });
        }
        let answer = self.started().and_then(|live| live.ask(device, question));
        let shared = self.plugin.shared();
        match answer {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(refusal)) => Err(Fault {
                kind: FaultKind::Refused,
                message: match shown(&refusal, LINE_CHARACTERS).as_str() {
                    "" => format!("the plugin `{}` refused, without saying why", shared.name),
                    why => format!("the plugin `{}` refused: {why}", shared.name),
                },
            }),
            Err(error) => Err(fault(&shared.name, &shared.limits, &error)),
        }
    }
}

impl Instance for WasmInstance {
    fn ask(&mut self, device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        let answer = self.answer(device, question);
        if answer.is_err()
            && let Some(mut spent) = self.live.take()
        {
            self.lines.append(&mut spent.take_log());
        }
        answer
    }

    fn take_log(&mut self) -> Vec<LogLine> {
        let mut lines = std::mem::take(&mut self.lines);
        if let Some(live) = &mut self.live {
            lines.append(&mut live.take_log());
        }
        lines
    }
}

fn fits(kind: PluginKind, question: Question<'_>) -> bool {
    matches!(
        (kind, question),
        (PluginKind::AssetTypeRule, Question::AssetType)
            | (PluginKind::FieldTransform, Question::Transform { .. })
            | (PluginKind::SitePolicy, Question::Site { .. })
    )
}
