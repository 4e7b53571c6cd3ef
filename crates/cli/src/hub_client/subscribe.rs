//! `tidewire sub`: prints what comes in channels, over lost connections and restarts of the hub.

use std::future::ready;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::Duration;

use tidewire::WebSocket;
use tidewire_hub_proto::native::{Op, ServerMessage};
use tidewire_hub_proto::{Channel, Payload, PayloadKind, Pos};
use tokio::time::{sleep, timeout};

use super::denied::{self, Wish};
use super::follow::{Follow, Step};
use super::line::{self, Heard, Hub, Lost};
use crate::args::SubArgs;
use crate::exit::{self, Exit, error};
use crate::term;

/// How long a refused subscription waits when the hub does not say.
const LATER: Duration = Duration::from_millis(500);

/// How long the hub may take to answer our Close.
const HURRY: Duration = Duration::from_secs(1);

/// The longest line shown on a terminal, in characters.
const SHOWN: usize = 64 * 1024;

/// Why it is over.
enum End {
    Lost(Lost),
    Done(Exit),
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        End::Lost(lost)
    }
}

impl From<io::Error> for End {
    fn from(failed: io::Error) -> Self {
        End::Done(match failed.kind() {
            // `tidewire sub … | head -1` has what it wanted.
            io::ErrorKind::BrokenPipe => Exit::Clean,
            _ => error(Exit::Local, &format!("cannot write: {failed}")),
        })
    }
}

pub(super) async fn run(args: &SubArgs) -> Exit {
    match follow(args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn follow(args: &SubArgs) -> Result<Exit, Exit> {
    let mut session = Session {
        follows: follows(args)?,
        asked: 0,
        left: args.count,
        out: Out::new(args.raw),
    };
    let mut hub = Hub::prepare(&args.hub, &args.guest, &args.dial)?;
    let mut ws = hub.open().await?;
    loop {
        match session.attend(&mut ws, &hub).await {
            End::Done(exit) => {
                // The hub need not hear why.
                _ = timeout(HURRY, ws.close(1000, "")).await;
                return Ok(exit);
            }
            End::Lost(lost) => {
                if let Err(End::Done(exit)) = session.out.flush().map_err(End::from) {
                    return Ok(exit);
                }
                ws = hub.reopen(lost).await?;
            }
        }
    }
}

/// The channels that are named, each once.
fn follows(args: &SubArgs) -> Result<Vec<Follow>, Exit> {
    let usage = |sentence: &str| error(Exit::Usage, sentence);
    let since = args.since.as_deref().map(str::parse::<Pos>).transpose();
    let since = since.map_err(|wrong| usage(&format!("--since: {wrong}")))?;
    if since.is_some() && args.channels.len() > 1 {
        return Err(usage(
            "--since is a place in one channel: start one `tidewire sub` for each",
        ));
    }
    let mut follows: Vec<Follow> = Vec::new();
    for named in &args.channels {
        let channel = channel(named)?;
        if follows.iter().all(|follow| follow.channel != channel) {
            let history = args.history.unwrap_or(0);
            follows.push(Follow::new(channel, since, history, args.presence));
        }
    }
    Ok(follows)
}

/// The full name of a channel as typed.
pub(super) fn channel(named: &str) -> Result<String, Exit> {
    let channel = Channel::parse(named);
    let channel = channel.map(|channel| channel.to_string());
    channel.map_err(|wrong| {
        let named = term::line(named, 300);
        error(Exit::Usage, &format!("{named:?} is no channel: {wrong}"))
    })
}

struct Session {
    follows: Vec<Follow>,
    /// The id of the last command.
    asked: u64,
    /// How many messages are still wanted.
    left: Option<u64>,
    out: Out,
}

impl Session {
    /// Subscribes, and prints until the session or the work is over.
    async fn attend(&mut self, ws: &mut WebSocket, hub: &Hub) -> End {
        match self.listen(ws, hub).await {
            Ok(exit) => End::Done(exit),
            Err(end) => end,
        }
    }

    async fn listen(&mut self, ws: &mut WebSocket, hub: &Hub) -> Result<Exit, End> {
        for follow in &mut self.follows {
            self.asked += 1;
            line::say(ws, follow.ask(self.asked)).await?;
        }
        loop {
            let heard = tokio::select! {
                biased;
                heard = line::next(ws) => heard?,
                () = ready(()), if self.out.is_unseen => {
                    self.out.flush()?;
                    continue;
                }
            };
            let Some((at, step)) = self.judge(&heard.message) else {
                continue;
            };
            match step {
                Step::Nothing => {}
                Step::Show => {
                    hub.goes_well();
                    if self.show(&heard)? {
                        self.out.flush()?;
                        return Ok(Exit::Clean);
                    }
                }
                Step::Gap(words) => {
                    self.out.flush()?;
                    exit::say(&words.to_string());
                }
                Step::GapAndAsk(words) => {
                    self.out.flush()?;
                    exit::say(&words.to_string());
                    self.ask_anew(ws, at).await?;
                }
                Step::Later => {
                    let code = denied::code(&heard.message);
                    hub.tell(&format!("the hub is busy ({code}), trying again"));
                    sleep(line::wait(&heard.message).max(LATER)).await;
                    self.ask(ws, at).await?;
                }
                Step::Refused => {
                    self.out.flush()?;
                    let channel = &self.follows[at].channel;
                    let what = format!("to subscribe {channel}");
                    return Ok(denied::tell(
                        &heard.message,
                        channel,
                        Wish::Subscribe,
                        &what,
                    ));
                }
            }
        }
    }

    /// Which channel it is about, and what to do with it.
    fn judge(&mut self, message: &ServerMessage) -> Option<(usize, Step)> {
        if message.op == Op::Direct {
            return Some((0, Step::Show));
        }
        let mut follows = self.follows.iter_mut().enumerate();
        if matches!(message.op, Op::Ok | Op::Error) {
            let (at, follow) = follows.find(|(_, follow)| follow.is_answered_by(message))?;
            return Some((at, follow.answered(message)));
        }
        let channel = message.channel.as_deref()?;
        let (at, follow) = follows.find(|(_, follow)| follow.channel == channel)?;
        Some((at, follow.pushed(message)))
    }

    async fn ask(&mut self, ws: &WebSocket, at: usize) -> Result<(), Lost> {
        self.asked += 1;
        line::say(ws, self.follows[at].ask(self.asked)).await
    }

    async fn ask_anew(&mut self, ws: &WebSocket, at: usize) -> Result<(), Lost> {
        line::say(ws, self.follows[at].leave()).await?;
        self.ask(ws, at).await
    }

    /// Prints it. True: it was the last that is wanted.
    fn show(&mut self, heard: &Heard) -> io::Result<bool> {
        self.out.show(heard)?;
        if heard.message.op != Op::Message {
            return Ok(false);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(self.left == Some(0))
    }
}

/// stdout: each thing one line of JSON, or payloads alone.
struct Out<W: Write = Stdout> {
    to: BufWriter<W>,
    is_raw: bool,
    is_terminal: bool,
    /// Whether something was written that waits to be seen.
    is_unseen: bool,
}

impl Out {
    fn new(is_raw: bool) -> Self {
        Self {
            to: BufWriter::with_capacity(64 * 1024, io::stdout()),
            is_raw,
            is_terminal: io::stdout().is_terminal(),
            is_unseen: false,
        }
    }
}

impl<W: Write> Out<W> {
    fn flush(&mut self) -> io::Result<()> {
        self.is_unseen = false;
        self.to.flush()
    }

    fn show(&mut self, heard: &Heard) -> io::Result<()> {
        self.is_unseen = true;
        if self.is_raw {
            let payload = heard.message.payload.as_ref();
            return payload.map_or(Ok(()), |payload| self.payload(payload));
        }
        self.line(&heard.text)
    }

    /// Line breaks between the tokens of JSON are white space; inside of strings there are none.
    fn line(&mut self, json: &str) -> io::Result<()> {
        let flat = json.replace(['\n', '\r'], " ");
        match self.is_terminal {
            true => writeln!(self.to, "{}", term::line(&flat, SHOWN)),
            false => writeln!(self.to, "{flat}"),
        }
    }

    fn payload(&mut self, payload: &Payload) -> io::Result<()> {
        match (payload.kind(), payload.as_str()) {
            (PayloadKind::Json, Some(json)) => self.line(json),
            (PayloadKind::Text, Some(text)) if self.is_terminal => {
                writeln!(self.to, "{}", term::block(text, SHOWN))
            }
            (PayloadKind::Text, Some(text)) => writeln!(self.to, "{text}"),
            _ if self.is_terminal => {
                let bytes = payload.bytes();
                writeln!(
                    self.to,
                    "[binary {} B] {}",
                    bytes.len(),
                    term::hex(bytes, 256)
                )
            }
            _ => self.to.write_all(payload.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str, is_raw: bool, is_terminal: bool) -> Vec<u8> {
        let mut out = Out {
            to: BufWriter::new(Vec::new()),
            is_raw,
            is_terminal,
            is_unseen: false,
        };
        let message = ServerMessage::parse(text).unwrap();
        let text = text.to_owned();
        out.show(&Heard { text, message }).unwrap();
        out.to.into_inner().unwrap()
    }

    #[test]
    fn json_is_one_line_and_as_exact_as_it_came() {
        let text = "{\"op\":\"message\",\"data\":{\n \"a\":\r\n 1.0e5}}";
        assert_eq!(
            shown(text, false, false),
            b"{\"op\":\"message\",\"data\":{  \"a\":   1.0e5}}\n"
        );
        assert_eq!(shown(text, true, false), b"{  \"a\":   1.0e5}\n");
    }

    #[test]
    fn raw_is_the_payload_alone() {
        assert_eq!(
            shown(r#"{"op":"message","text":"a\nb"}"#, true, false),
            b"a\nb\n"
        );
        assert_eq!(
            shown(r#"{"op":"message","base64":"AAH/"}"#, true, false),
            [0, 1, 255]
        );
        assert_eq!(
            shown(r#"{"op":"message","redacted":true}"#, true, false),
            b""
        );
    }

    #[test]
    fn a_terminal_is_not_driven_by_what_others_say() {
        let text = "{\"op\":\"message\",\"text\":\"\\u001b[2J\u{9b}2J\u{202e}\"}";
        for is_raw in [false, true] {
            let shown = String::from_utf8(shown(text, is_raw, true)).unwrap();
            assert!(
                !shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
                "{shown:?}"
            );
        }
        assert_eq!(
            shown(r#"{"op":"message","base64":"AAH/"}"#, true, true),
            b"[binary 3 B] 00 01 ff\n"
        );
    }
}
