//! The flags that say how a terminal looks and what its keys mean.

use clap::{Args, ValueEnum};

/// How to talk and to show on a terminal.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "On a terminal")]
pub(crate) struct TerminalArgs {
    /// Take lines that begin with / as commands (they are unless --no-slash; //x sends /x)
    #[arg(long, overrides_with = "no_slash", hide_short_help = true)]
    pub(crate) slash: bool,
    /// Send every line as it is typed
    #[arg(long, overrides_with = "slash", hide_short_help = true)]
    pub(crate) no_slash: bool,
    /// Show all JSON over several lines, not only what is wider than the terminal
    #[arg(long, overrides_with = "no_pretty", hide_short_help = true)]
    pub(crate) pretty: bool,
    /// Show JSON as it came
    #[arg(long, overrides_with = "pretty", hide_short_help = true)]
    pub(crate) no_pretty: bool,
    /// The time at each message: of day in UTC (abs), since the start (rel), since the one before
    #[arg(
        long,
        value_enum,
        value_name = "off|abs|rel|delta",
        default_value = "delta",
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub(crate) time: Time,
    /// Keep no history of what is typed for later runs
    #[arg(long, hide_short_help = true)]
    pub(crate) no_history: bool,
}

impl TerminalArgs {
    /// What the two flags for JSON mean together.
    pub(crate) fn pretty(&self) -> Pretty {
        match (self.pretty, self.no_pretty) {
            (true, _) => Pretty::On,
            (_, true) => Pretty::Off,
            _ => Pretty::Auto,
        }
    }
}

/// Which time is shown at a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Time {
    /// None.
    #[value(alias = "none")]
    Off,
    /// The time of day, in UTC.
    #[value(alias = "clock")]
    Abs,
    /// Since the connection was opened.
    Rel,
    /// Since the message before, whichever way that went.
    Delta,
}

/// When JSON is shown over several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pretty {
    /// Always.
    On,
    /// Never.
    Off,
    /// When it is wider than the terminal.
    Auto,
}
