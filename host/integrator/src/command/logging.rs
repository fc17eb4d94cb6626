//! Logs on standard error: as the settings say, more with `-v`, in detail with `RUST_LOG`.

use super::bars::Bars;
use integrator_core::settings::LogFormat;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Begins logging. A second call changes nothing.
pub(super) fn begin(format: LogFormat, verbose: u8, bars: &Arc<Bars>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(match verbose {
            0 => "warn",
            1 => "warn,halo_integrator=info,integrator_core=info",
            _ => "info,halo_integrator=debug,integrator_core=debug",
        })
    });
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(BesideBars(Arc::clone(bars)));
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// Writes lines so that progress bars stay below them.
struct BesideBars(Arc<Bars>);

struct Line {
    bars: Arc<Bars>,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { bars: Arc::clone(&self.0), bytes: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        self.bars.beside(|| io::stderr().lock().write_all(&bytes))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // There is nowhere left to say that standard error does not work.
        let _ = self.flush();
    }
}
