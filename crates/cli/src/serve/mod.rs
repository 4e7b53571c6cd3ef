//! `tidewire serve`: configures a hub, starts it, says how to use it, and ends it in order.

mod banner;
pub(crate) mod check;
mod notices;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidewire_hub::config::{Flags, Loaded, Sources};
use tidewire_hub::{Config, Hub, HubEvent};
use tokio::sync::{Notify, mpsc};

use self::banner::Banner;
use self::notices::Notices;
use crate::addr;
use crate::args::ServeArgs;
use crate::exit::{self, Exit};
use crate::signals::Signals;
use crate::term::{self, Style};
use crate::tls::Tls;

/// How long a drain waits for the clients.
const DRAIN: Duration = Duration::from_secs(5);
/// Lines that may wait for the terminal; what is more is not shown.
const LINES: usize = 64;

/// Runs the hub until it is told to stop.
pub(crate) fn run(args: &ServeArgs) -> Exit {
    let outcome = prepare(args).and_then(|(config, hint)| start(config, &hint, args.quiet));
    match outcome {
        Ok(()) => Exit::Clean,
        Err((exit, sentence)) => exit::error(exit, &sentence.to_string()),
    }
}

/// What went wrong, and how the process ends for it.
type Failure = (Exit, String);

fn local(sentence: impl ToString) -> Failure {
    (Exit::Local, sentence.to_string())
}

/// The configuration, and how clients come to trust its certificate.
fn prepare(args: &ServeArgs) -> Result<(Config, String), Failure> {
    let mut sources = sources(args.config.clone());
    let mut flags = Flags::default();
    flags.listen.clone_from(&args.listen);
    flags.data.clone_from(&args.data);
    flags.dir.clone_from(&args.dir);
    flags.hosts.clone_from(&args.host);
    flags.origins.clone_from(&args.origin);
    flags.allow_anonymous = args.allow_anonymous;
    flags.new_term = args.new_term;
    flags.shards.clone_from(&args.shards);
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    flags.tls_cert = args.tls.tls_cert.as_ref().map(path);
    flags.tls_key = args.tls.tls_key.as_ref().map(path);
    flags.tls_dev = args.tls.tls_dev;
    sources.flags = flags;
    let Loaded {
        mut config, notes, ..
    } = Config::load(&sources).map_err(|mistakes| (Exit::Usage, mistakes.to_string()))?;
    if !args.quiet {
        notes
            .iter()
            .for_each(|note| exit::say(&format!("note: {note}")));
    }
    let mut hint = String::new();
    if args.tls.tls_dev {
        let first = config.listen.first().map(|text| addr::listen(text));
        let host = first.and_then(Result::ok).map(|addr| addr.host);
        let tls = Tls::dev(&host.unwrap_or_default()).map_err(local)?;
        config.tls = Some(tls.server);
        hint = tls.hint;
    }
    config.data = std::path::absolute(&config.data).map_err(|error| {
        local(format!(
            "the data folder {} has no absolute path: {error}",
            config.data.display()
        ))
    })?;
    Ok((config, hint))
}

/// The file, or the one that the environment names, and the environment.
fn sources(file: Option<PathBuf>) -> Sources {
    let named = std::env::var_os("TIDEWIRE_CONFIG").filter(|path| !path.is_empty());
    let mut sources = Sources::default();
    sources.file = file.or_else(|| named.map(PathBuf::from));
    sources.environment = std::env::vars_os()
        .map(|(name, value)| {
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .filter(|(name, _)| name.starts_with("TIDEWIRE_"))
        .collect();
    sources
}

fn start(config: Config, hint: &str, quiet: bool) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| local(format!("cannot start an event loop: {error}")))?;
    runtime.block_on(async {
        let mut signals = Signals::watch().map_err(local)?;
        let mut banner = Banner::of(&config);
        let (sender, mut lines) = mpsc::channel(LINES);
        let notices = Notices::new(sender);
        let used = Arc::new(Notify::new());
        let link_used = used.clone();
        // The hub must not wait for a terminal: it hands its lines over.
        let tell = move |event| match event {
            HubEvent::TesterLinkUsed => link_used.notify_one(),
            event => notices.tell(&event),
        };
        let hub = Hub::start(config, tell).await.map_err(local)?;
        banner.addrs = hub.addrs().to_vec();
        banner.tester = hub.tester_link();
        let colour = term::colour_wanted(&std::io::stderr());
        announce(&banner, hint, quiet, colour).map_err(local)?;
        loop {
            tokio::select! {
                () = signals.next() => break,
                Some(line) = lines.recv() => say(quiet, colour, Style::Bad, &line),
                () = used.notified() => if let Some(link) = hub.tester_link() {
                    let words = format!("the tester's link was used; a new one: {link}");
                    say(quiet, colour, Style::Dim, &words);
                },
            }
        }
        say(
            quiet,
            colour,
            Style::Dim,
            "saying goodbye to every client; Ctrl-C again leaves at once",
        );
        let drained = tokio::select! {
            drained = hub.shut_down(DRAIN) => drained,
            () = signals.next() => std::process::exit(Exit::Interrupted as i32),
        };
        if drained.cut > 0 {
            let words = format!("cut {} connections that did not answer", drained.cut);
            say(quiet, colour, Style::Dim, &words);
        }
        Ok(())
    })
}

/// One line an address on stdout, for scripts to wait for; the rest on stderr, for people.
fn announce(banner: &Banner, hint: &str, quiet: bool, colour: bool) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(banner.addresses().as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write to stdout: {error}"))?;
    if !quiet {
        let text = banner.text(colour) + hint;
        // Who closed stderr does not want to know.
        _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
    Ok(())
}

/// One line on stderr, in one write.
fn say(quiet: bool, colour: bool, style: Style, words: &str) {
    if !quiet {
        let line = format!("{}\n", term::paint(colour, style, words));
        _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
