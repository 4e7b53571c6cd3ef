//! The command line of `tidewire tap`.

use std::path::PathBuf;

use clap::Args;

use super::DialArgs;
use super::values::{origin, size};
use crate::bind::Place;
use crate::record::Recorder;
use crate::tap::{After, Delay, Only, probability};

const TAP_EXAMPLES: &str = "\
Clients connect to LISTEN instead of URL. Every byte is passed on as it came: text and binary, frames,
Pings, subprotocols, compression, paths and headers; only Host, and an Origin that names LISTEN, are
those of URL, and headers given here are added. Each message is shown (→ to the server, ← from it). If
URL has a path, that one is asked for; otherwise the client's. A Host that is no name of this machine is
refused where only this machine can connect: a page of another site could have made it lead here.

Faults, for both directions unless --only says one: --delay, --drop, --dup, --fragment, --close-after.
With --drop and --dup compression is not offered, since a message less would spoil those that follow.

Examples:
  tidewire tap 9000 wss://api.example.com         connect to ws://localhost:9000/… instead
  tidewire tap 9000 :3000 --record session.har
  tidewire tap 9000 :3000 --delay 200ms±50ms --drop 0.05 --seed 7
  tidewire tap 9000 :3000 --close-after 30s --only in
  tidewire tap 9000 :3000 --json | jq -r 'select(.op==\"text\").data'";

/// Options of `tidewire tap`.
#[derive(Debug, Args)]
#[command(after_help = TAP_EXAMPLES)]
pub(crate) struct TapArgs {
    /// Where to listen: PORT (of this machine only), HOST:PORT or unix:/PATH
    #[arg(value_name = "LISTEN", value_parser = Place::parse)]
    pub(crate) listen: Place,
    /// The server behind, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Let the pages of this origin use what -H, --auth, --cookie, --cert or --origin give (may be
    /// repeated); any: of everybody [default: pages of this machine]
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,
    /// Show each event as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Record to FILE.ndjson (appended) or FILE.har (replaced)
    #[arg(long, value_name = "FILE", value_parser = Recorder::judge)]
    pub(crate) record: Option<PathBuf>,
    /// Record passwords, cookies and tokens of the handshake too
    #[arg(long, requires = "record")]
    pub(crate) record_secrets: bool,
    /// Hold back each message: 200ms, 1.5, 200ms±50ms (or 200ms+-50ms)
    #[arg(long, value_name = "TIME[±JITTER]", help_heading = "Faults", value_parser = Delay::parse)]
    pub(crate) delay: Option<Delay>,
    /// Lose messages with this probability: 0.1 or 10%
    #[arg(long, value_name = "P", help_heading = "Faults", default_value = "0", hide_default_value = true, value_parser = probability)]
    pub(crate) drop: f64,
    /// Send messages twice with this probability
    #[arg(long, value_name = "P", help_heading = "Faults", default_value = "0", hide_default_value = true, value_parser = probability)]
    pub(crate) dup: f64,
    /// Cut frames into fragments of so many bytes
    #[arg(long, value_name = "SIZE", help_heading = "Faults", value_parser = size)]
    pub(crate) fragment: Option<usize>,
    /// Cut each connection, without a Close frame, after so many messages (10) or so long (30s, 500ms)
    #[arg(long, value_name = "N|TIME", help_heading = "Faults", value_parser = After::parse)]
    pub(crate) close_after: Option<After>,
    /// The same faults at the same messages again
    #[arg(long, value_name = "NUMBER", help_heading = "Faults")]
    pub(crate) seed: Option<u64>,
    /// Faults one way only: in (from the server) or out (to it)
    #[arg(long, value_name = "WAY", help_heading = "Faults")]
    pub(crate) only: Option<Only>,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
