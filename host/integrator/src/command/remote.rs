//! Commands while a service runs: the store has one owner, so the service carries them out, and what they print is
//! shown here, with the same exit code. Without a service they work alone.

use super::arguments::{Arguments, Command};
use super::carry_out_here;
use super::context::{Context, InService};
use super::failure::Failure;
use super::output::{self, ELSEWHERE, Output};
use crate::serve::{Asked, Carrier, Frame, client};
use crate::sync::{ExitClass, Progress, World};
use clap::Parser;
use integrator_core::settings;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Whether a service is looked for before the command is carried out.
pub(super) fn is_for_the_service(command: &Command) -> bool {
    match command {
        Command::Plan(_)
        | Command::Apply(_)
        | Command::Import(_)
        | Command::Explain(_)
        | Command::Match(_)
        | Command::Runs(_) => true,
        Command::Demo(_)
        | Command::Init(_)
        | Command::Check(_)
        | Command::Authorize(_)
        | Command::Secret(_)
        | Command::Plugin(_)
        | Command::Serve(_)
        | Command::Service(_)
        | Command::Settings(_)
        | Command::Completions(_) => false,
    }
}

/// Has the running service carry out what was typed; `None` where none runs.
pub(super) async fn hand_over(context: &Context) -> Result<Option<ExitClass>, Failure> {
    // What is wrong with the settings is told by the command itself.
    let Ok(data) = settings::data_folder(&context.folder()) else { return Ok(None) };
    let Some(service) = client::find(&data).await else { return Ok(None) };
    let args =
        std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect::<Result<Vec<_>, _>>();
    let args =
        args.map_err(|_| Failure::usage("an argument is not Unicode, which a service cannot be told"))?;
    let asked =
        Asked { args, folder: std::env::current_dir().unwrap_or_default(), program: context.program() };
    let bars = context.progress();
    let ended = service
        .carry_out(&asked, context.stop(), |frame| match frame {
            Frame::Data(text) => {
                let _ = bars.beside(|| output::raw(text.as_bytes()));
            }
            Frame::Aside(text) => bars.beside(|| output::aside(&text)),
            Frame::Progress(event) => bars.event(event),
            Frame::Clear => bars.clear(),
            Frame::Job(_) | Frame::Exit(_) => {}
        })
        .await;
    bars.clear();
    match ended {
        Ok(code) => Ok(Some(ExitClass::of_code(code))),
        Err(error) => {
            Err(Failure::new(ExitClass::Interrupted, format!("the service did not end it: {error}"))
                .hint("look at the service's log, and at `runs list` for what became of it"))
        }
    }
}

/// Carries out commands inside the service.
#[derive(Clone, Copy, Debug)]
pub(super) struct InProcess;

impl Carrier for InProcess {
    fn carry_out(&self, runtime: &Handle, asked: Asked, world: World, frames: mpsc::Sender<Frame>) -> u8 {
        let typed = std::iter::once("halo-integrator".to_owned()).chain(asked.args);
        let printing = frames.clone();
        let class = ELSEWHERE.scope(printing, async move {
            let arguments = match Arguments::try_parse_from(typed) {
                Ok(arguments) => arguments,
                Err(error) => {
                    output::aside(&error.render().to_string());
                    return ExitClass::Settings;
                }
            };
            if !is_for_the_service(&arguments.command) {
                output::aside("error: a service carries out no such command");
                return ExitClass::Settings;
            }
            let output = Output::new(arguments.globals.form(), arguments.globals.chatter());
            let service = InService { world, program: asked.program, folder: asked.folder };
            let context = Context::in_service(arguments.globals, output, service, frames);
            let ended = carry_out_here(&context, arguments.command).await;
            context.progress().clear();
            ended.unwrap_or_else(|failure| {
                output.failure(&failure);
                failure.class
            })
        });
        runtime.block_on(class).code()
    }
}
