//! The command line: what can be asked for, and the help that teaches it.

mod bench;
mod bridge;
mod conform;
mod connect;
mod dial;
pub(crate) mod dial_values;
mod doctor;
mod echo;
mod help;
mod hub_client;
mod listen;
mod replay;
mod serve;
mod tap;
mod terminal;
mod tls;
mod translate;
mod values;

pub(crate) use self::bench::{BenchArgs, BenchMode};
pub(crate) use self::bridge::BridgeArgs;
pub(crate) use self::conform::ConformArgs;
pub(crate) use self::connect::ConnectArgs;
pub(crate) use self::dial::DialArgs;
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::echo::EchoArgs;
pub(crate) use self::help::{CompletionsArgs, HelpArgs, ManArgs};
pub(crate) use self::hub_client::{
    DEFAULT_HUB, FormArgs, GuestArgs, HubArgs, PubArgs, SendArgs, SubArgs,
};
pub(crate) use self::listen::ListenArgs;
pub(crate) use self::replay::ReplayArgs;
pub(crate) use self::serve::{CheckConfigArgs, ServeArgs};
pub(crate) use self::tap::TapArgs;
pub(crate) use self::terminal::{Pretty, TerminalArgs, Time};
pub(crate) use self::tls::TlsArgs;
pub(crate) use self::translate::{Tool, TranslateArgs};
pub(crate) use self::values::{Wait, seconds};

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  tidewire serve                         chat and channels on http://127.0.0.1:4000/
  tidewire echo                          an echo server on ws://127.0.0.1:4000/
  tidewire localhost:4000                talk to a server, line by line
  echo hi | tidewire localhost:4000      in a pipe: one line, one message
  tidewire bench ws://localhost:4000     how fast is it?

More: `tidewire connect -h`, `tidewire help COMMAND`, `tidewire help exit-codes`.";

/// Leaves the options of a connection to `tidewire connect -h`: the commands fill the screen.
fn only_the_first(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        "url" | "listen" | "execute" | "help" => arg,
        _ => arg.hide_short_help(true),
    }
}

/// WebSocket in a terminal: a hub of channels, an echo server, a client, a load generator.
#[derive(Debug, Parser)]
#[command(
    name = "tidewire",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    arg_required_else_help = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    mut_args(only_the_first),
    after_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Show the most used options; all of them: `tidewire help COMMAND`
    #[arg(short = 'h', long = "help", global = true, display_order = 1000, action = clap::ArgAction::HelpShort)]
    help: Option<bool>,
    /// When to use colour
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        hide_short_help = true,
        display_order = 1000
    )]
    pub(crate) color: ColourChoice,
    /// The same as --color=never
    #[arg(long, global = true, hide_short_help = true, display_order = 1000)]
    pub(crate) no_color: bool,
    // Last: its headings go on to what is behind it.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// When output has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Even into a pipe.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub: channels, chat, presence, history
    Serve(ServeArgs),
    /// Say what a configuration of the hub means, or every mistake in it
    CheckConfig(CheckConfigArgs),
    /// Run a server that sends every message back
    Echo(EchoArgs),
    /// Be a server: what is typed goes to all who connect (what `tidewire -l` does)
    Listen(ListenArgs),
    /// Talk to a server (what `tidewire URL` does)
    Connect(ConnectArgs),
    /// Follow channels of a hub, one JSON object a line
    Sub(SubArgs),
    /// Publish lines of the input in a channel of a hub
    Pub(PubArgs),
    /// Send a message to one session of a hub
    Send(SendArgs),
    /// Send again what a recording sent, and compare what comes back
    Replay(ReplayArgs),
    /// Stand between a client and a server: show, record, make faults
    Tap(TapArgs),
    /// Join two ends: WebSocket, TCP, unix socket, command, stdin
    Bridge(BridgeArgs),
    /// Find out what is wrong with a server, step by step
    Doctor(DoctorArgs),
    /// Hold a server that echoes to the rules of the protocol
    Conform(ConformArgs),
    /// Measure a server
    Bench(BenchArgs),
    /// Teach a command with all its options, or a topic
    Help(HelpArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write all pages into a folder
    Man(ManArgs),
}

impl Cli {
    /// The options of a connection by hand, if that is what is asked for.
    fn by_hand(&self) -> Option<&ConnectArgs> {
        match &self.command {
            None => Some(&self.connect),
            Some(Command::Connect(args)) => Some(args),
            Some(_) => None,
        }
    }

    /// What `--from-curl` was given.
    pub(crate) fn curl_command(&self) -> Option<&str> {
        self.by_hand()?.translate.from_curl.as_deref()
    }

    /// The flags on the way to the server, of commands that have a profile.
    pub(crate) fn way(&self) -> Option<&DialArgs> {
        match &self.command {
            None => Some(&self.connect.dial),
            Some(Command::Connect(args)) => Some(&args.dial),
            Some(Command::Bench(args)) => Some(&args.dial),
            Some(Command::Doctor(args)) => Some(&args.dial),
            Some(Command::Conform(args)) => Some(&args.dial),
            Some(Command::Replay(args)) => Some(&args.dial),
            Some(Command::Tap(args)) => Some(&args.dial),
            Some(_) => None,
        }
    }

    /// The server that is to be connected to, as typed.
    pub(crate) fn target(&self) -> Option<&str> {
        match &self.command {
            None | Some(Command::Connect(_)) => {
                let args = self.by_hand()?;
                args.url.as_deref().or(args.connect.as_deref())
            }
            Some(Command::Bench(args)) => Some(&args.url),
            Some(Command::Doctor(args)) => Some(&args.url),
            Some(Command::Conform(args)) => args.url.as_deref(),
            Some(Command::Replay(args)) => Some(&args.url),
            Some(Command::Tap(args)) => Some(&args.url),
            Some(_) => None,
        }
    }

    /// Puts another server in its place.
    pub(crate) fn set_target(&mut self, url: String) {
        match &mut self.command {
            None => self.connect.url = Some(url),
            Some(Command::Connect(args)) => args.url = Some(url),
            Some(Command::Bench(args)) => args.url = url,
            Some(Command::Doctor(args)) => args.url = url,
            Some(Command::Conform(args)) => args.url = Some(url),
            Some(Command::Replay(args)) => args.url = url,
            Some(Command::Tap(args)) => args.url = url,
            Some(_) => {}
        }
    }

    /// The name of the command, as typed.
    pub(crate) fn name(&self) -> Option<&'static str> {
        Some(match self.command.as_ref()? {
            Command::Connect(_) => "connect",
            Command::Bench(_) => "bench",
            Command::Doctor(_) => "doctor",
            Command::Conform(_) => "conform",
            Command::Replay(_) => "replay",
            Command::Tap(_) => "tap",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::dial_values::HeaderArg;
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"tidewire").chain(line))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_three_ways_to_connect_are_one() {
        for line in [
            &["connect", "localhost:1/x", "-x", "-1", "-w", "-1"][..],
            &["localhost:1/x", "-x", "-1", "-w", "-1"],
            &["-x", "-1", "-w", "-1", "localhost:1/x"],
            &["-c", "localhost:1/x", "-w", "-1", "-x", "-1"],
        ] {
            let cli = parse(line).unwrap();
            let connect = match cli.command {
                Some(Command::Connect(args)) => args,
                None => cli.connect,
                other => panic!("{line:?} is {other:?}"),
            };
            assert_eq!(
                connect.url.or(connect.connect).as_deref(),
                Some("localhost:1/x")
            );
            assert_eq!(connect.execute, ["-1"]);
            assert_eq!(connect.wait, Some(Wait::ForEver));
        }
    }

    #[test]
    fn headers_keep_their_order_and_their_duplicates() {
        let cli = parse(&["h:1", "-H", "X-A: 1", "-H", "x-a:2:3", "-s", "a", "-s", "b"]).unwrap();
        let line = |name: &str, value: &str| HeaderArg::Line(name.into(), value.into());
        let expected = [line("X-A", "1"), line("x-a", "2:3")];
        assert_eq!(cli.connect.dial.headers, expected);
        assert_eq!(cli.connect.dial.subprotocol, ["a", "b"]);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            &["echo", "notaport:x"][..],
            &["echo", "--threads", "0"],
            &["echo", "--max-message", "0"],
            &["echo", "--max-message", "12Q"],
            &["echo", "--subprotocol", "a b"],
            &["echo", "--tls-cert", "a.pem"],
            &["echo", "--tls-key", "a.pem"],
            &["echo", "--tls-dev", "--tls-cert", "a", "--tls-key", "b"],
            &["h:1", "-H", "no colon"],
            &["h:1", "-H", "A: b\r\nC: d"],
            &["h:1", "-w", "-2"],
            &["h:1", "-w", "NaN"],
            &["h:1", "-c", "h:2"],
            &["-l", "notaport"],
            &["-l", "/tmp/x"],
            &["-l", "70000"],
            &["-l", "3000", "-x", "hi"],
            &["-l", "3000", "--json"],
            &["-l", "3000", "--proxy", "h:1"],
            &["listen", "notaport"],
            &["listen"],
            &["bench", "h:1", "-c", "0"],
            &["bench", "h:1", "--rate", "0"],
            &["bench", "h:1", "--fail-if", "p98>1ms"],
            &["bench", "h:1", "--report", "a.pdf"],
            &["bench", "h:1", "--mode", "other"],
            &["serve", "--tls-dev", "--tls-cert", "a", "--tls-key", "b"],
            &["serve", "127.0.0.1:4000"],
            &["check-config"],
            &["check-config", "a.toml", "--sample"],
            &[],
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
    }
}
