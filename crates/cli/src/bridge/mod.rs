//! `tidewire bridge`: joins two ends, for each who comes if one of them listens.

mod end;
mod framing;
mod guard;
mod open;
mod pump;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tidewire::{OriginPolicy, Server};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::end::{End, Guests};
use self::framing::Framing;
use self::open::{Opened, Stream};
use self::pump::{Rules, Verdict};
use crate::args::BridgeArgs;
use crate::bind::{Arrived, Place};
use crate::dial::Dial;
use crate::exit::{self, Exit, error};
use crate::signals::Signals;
use crate::term;
use crate::tls::{self, Tls};

/// How long connections may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(8);
/// Joins the ends until they are done, or it is told to stop.
pub(crate) fn run(args: &BridgeArgs) -> Exit {
    let (guests, bridge) = match prepare(args) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(why) => return error(Exit::Local, &format!("no event loop: {why}")),
    };
    let exit = runtime.block_on(async {
        let signals = match Signals::watch() {
            Ok(signals) => signals,
            Err(sentence) => return error(Exit::Local, &sentence),
        };
        let bridge = Rc::new(bridge);
        match guests {
            None => bridge.once(signals).await,
            Some((guests, place)) => match bridge.serve(guests, &place, args, signals).await {
                Ok(exit) => exit,
                Err(sentence) => error(Exit::Local, &sentence),
            },
        }
    });
    // A thread may still wait for input that nobody will give.
    runtime.shutdown_background();
    exit
}

/// The ends that do not listen, and how they are joined.
struct Bridge {
    /// Where nobody listens: two; else one.
    ends: Vec<(End, Option<Dial>)>,
    rules: Rules,
    quiet: bool,
    /// Whether requests of HTTP, which any page can make, may reach a command.
    http: bool,
}

type Listens = (Guests, Place);

fn prepare(args: &BridgeArgs) -> Result<(Option<Listens>, Bridge), Exit> {
    let wrong = |sentence: &str| error(Exit::Usage, sentence);
    let mut listens = None;
    let mut ends = Vec::new();
    for text in [&args.a, &args.b] {
        match End::parse(text).map_err(|sentence| wrong(&sentence))? {
            End::Listen(..) if listens.is_some() => {
                return Err(wrong("only one end of a bridge may listen"));
            }
            End::Listen(guests, place) => listens = Some((guests, place)),
            End::WebSocket(url) => {
                let dial = Dial::prepare(&url, &args.dial)?;
                ends.push((End::WebSocket(url), Some(dial)));
            }
            end => ends.push((end, None)),
        }
    }
    if ends.iter().filter(|(end, _)| *end == End::Stdio).count() > 1 {
        return Err(wrong(
            "there is one stdin and stdout: the other end must be something else",
        ));
    }
    let http = args.allow_origin == ["any"];
    let to_command = ends.iter().any(|(end, _)| matches!(end, End::Command(_)));
    let raw = matches!(listens, Some((Guests::Bytes, Place::Tcp(_)))) && to_command && http;
    let tls = args.tls != crate::args::TlsArgs::default();
    let for_pages = tls || !args.allow_origin.is_empty() && !raw;
    if for_pages && !matches!(listens, Some((Guests::WebSocket, Place::Tcp(_)))) {
        return Err(wrong(
            "--tls-… and --allow-origin are for ws-l:PORT, and no end is one",
        ));
    }
    let framing = match (args.lines, args.null, args.binary) {
        (true, ..) => Some(Framing::Lines),
        (_, true, _) => Some(Framing::Null),
        (.., true) => Some(Framing::Chunks),
        _ => None,
    };
    let rules = Rules {
        framing,
        max_message: args.max_message(),
        wait: args.wait,
    };
    let bridge = Bridge {
        ends,
        rules,
        quiet: args.quiet,
        http,
    };
    Ok((listens, bridge))
}

impl Bridge {
    /// Both ends are opened, once.
    async fn once(&self, mut signals: Signals) -> Exit {
        let (stop, stopped) = watch::channel(false);
        let joined = async {
            let mut opened = Vec::new();
            for (end, dial) in &self.ends {
                opened.push(open::open(end, dial.as_ref()).await?);
            }
            match (opened.pop(), opened.pop()) {
                (Some(b), Some(a)) => Ok(pump::join(a, b, self.rules, stopped).await),
                _ => Err(error(Exit::Usage, "a bridge has two ends")),
            }
        };
        let mut joined = std::pin::pin!(joined);
        let mut asked = 0;
        loop {
            tokio::select! {
                verdict = &mut joined => return match verdict {
                    Ok(verdict) => self.tell(&verdict),
                    Err(exit) => exit,
                },
                () = signals.next() => {
                    asked += 1;
                    // Nobody may hear it: before both are open, or the second time.
                    if stop.send(true).is_err() || asked > 1 {
                        return Exit::Interrupted;
                    }
                }
            }
        }
    }

    fn tell(&self, verdict: &Verdict) -> Exit {
        match verdict.exit {
            Exit::Clean | Exit::Interrupted => {
                if !self.quiet {
                    exit::say(&format!("* {}", verdict.words));
                }
                verdict.exit
            }
            exit => error(exit, &verdict.words),
        }
    }

    fn note(&self, words: &str) {
        if !self.quiet {
            exit::say(&format!("* {words}"));
        }
    }

    /// One end listens: the other is opened for each that comes.
    async fn serve(
        self: Rc<Self>,
        guests: Guests,
        place: &Place,
        args: &BridgeArgs,
        mut signals: Signals,
    ) -> Result<Exit, String> {
        let tls = Tls::new(&args.tls, place.host())?;
        let door = place.open("tidewire bridge … ws-l:").await?;
        let runs = |(end, _): &(End, _)| matches!(end, End::Command(_));
        if self.ends.iter().any(runs) && !door.is_private() && !args.allow_remote_exec {
            let words = format!(
                "every machine that reaches {} could run the command: listen on 127.0.0.1, or say \
                 --allow-remote-exec",
                door.name()
            );
            return Ok(error(Exit::Usage, &words));
        }
        self.announce(guests, &door.name(), tls.as_ref());
        let stdio = self.ends.iter().any(|(end, _)| *end == End::Stdio);
        let one = args.one || stdio;
        let host = Rc::new(Host {
            server: server(args),
            tls,
            guests,
        });
        let places = Arc::new(Semaphore::new(args.max_connections as usize));
        let (stop, stopped) = watch::channel(false);
        let mut sessions = JoinSet::new();
        let mut number = 0u64;
        loop {
            let arrived = async {
                let place = places.clone().acquire_owned().await;
                (door.accept().await, place)
            };
            tokio::select! {
                () = signals.next() => break,
                ended = sessions.join_next(), if !sessions.is_empty() => {
                    if let (true, Some(Ok(Some(exit)))) = (one, ended) {
                        return Ok(exit);
                    }
                }
                (arrived, place) = arrived, if !one || sessions.is_empty() => {
                    number += 1;
                    let (bridge, host, stopped) = (self.clone(), host.clone(), stopped.clone());
                    sessions.spawn_local(async move {
                        let _place = place;
                        bridge.session(number, arrived, &host, stopped).await
                    });
                }
            }
        }
        drop(door);
        _ = stop.send(true);
        let drained = async { while sessions.join_next().await.is_some() {} };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(DRAIN) => {}
            () = signals.next() => {}
        }
        Ok(Exit::Interrupted)
    }

    fn announce(&self, guests: Guests, name: &str, tls: Option<&Tls>) {
        let s = if tls.is_some() { "s" } else { "" };
        let scheme = match (guests, name.starts_with('/')) {
            (_, true) => "unix:".to_owned(),
            (Guests::WebSocket, _) => format!("ws{s}://"),
            (Guests::Bytes, _) => "tcp:".to_owned(),
        };
        self.note(&format!("listening on {scheme}{name}"));
        if let Some(tls) = tls.filter(|tls| !self.quiet && !tls.hint.is_empty()) {
            exit::say(tls.hint.trim_end());
        }
    }

    /// One who came. `None`: it was nobody.
    async fn session(
        &self,
        number: u64,
        arrived: Arrived,
        host: &Host,
        stop: watch::Receiver<bool>,
    ) -> Option<Exit> {
        let address = arrived.name();
        let by_tcp = matches!(arrived, Arrived::Tcp(..));
        let mut guest = match host.welcome(arrived).await {
            Ok(Some(guest)) => guest,
            Ok(None) => return None,
            Err(why) => {
                let why = term::line(&why, 300);
                self.note(&format!("no connection with {address}: {why}"));
                return None;
            }
        };
        self.note(&format!("#{number} connected {address}"));
        let (end, dial) = self.ends.first()?;
        if let (Opened::Stream(stream), End::Command(_), true) = (&mut guest, end, by_tcp)
            && !self.http
        {
            stream.guard();
        }
        let opened = tokio::select! {
            opened = open::open(end, dial.as_ref()) => opened,
            () = stopping(stop.clone()) => return Some(Exit::Interrupted),
        };
        let other = match opened {
            Ok(other) => other,
            Err(exit) => {
                if let Opened::WebSocket(mut ws) = guest {
                    let reason = "the other end cannot be opened";
                    _ = ws.close(tidewire::CloseCode::BAD_GATEWAY, reason).await;
                }
                return Some(exit);
            }
        };
        let verdict = pump::join(guest, other, self.rules, stop).await;
        self.note(&format!("#{number} {}", verdict.words));
        Some(verdict.exit)
    }
}

async fn stopping(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How guests are met.
struct Host {
    server: Server,
    tls: Option<Tls>,
    guests: Guests,
}

/// A page of any site can connect to this machine, with whatever it likes to say: none may unless named.
fn server(args: &BridgeArgs) -> Server {
    let origin = if args.allow_origin.iter().any(|origin| origin == "any") {
        OriginPolicy::Any
    } else {
        OriginPolicy::List(args.allow_origin.clone())
    };
    let server = Server::new().origin(origin).config(
        tidewire::Config::new()
            .max_message(args.max_message())
            .max_frame(args.max_message()),
    );
    if args.dial.subprotocol.is_empty() {
        server.first_offered_subprotocol()
    } else {
        server.subprotocols(&args.dial.subprotocol)
    }
}

impl Host {
    /// What it becomes; `None`: it has left, or asked for something else and has its answer.
    async fn welcome(&self, arrived: Arrived) -> Result<Option<Opened>, String> {
        match (self.guests, arrived) {
            (Guests::Bytes, Arrived::Tcp(tcp, _)) => Ok(Some(Opened::Stream(Box::new(
                Stream::socket(tcp.into_split()),
            )))),
            #[cfg(unix)]
            (Guests::Bytes, Arrived::Unix(stream)) => Ok(Some(Opened::Stream(Box::new(
                Stream::socket(stream.into_split()),
            )))),
            (Guests::WebSocket, Arrived::Tcp(tcp, _)) => match &self.tls {
                None => self.accept(tcp).await,
                Some(tls) => match tls::accept(&tls.server, tcp).await {
                    Ok(Some(stream)) => self.accept(stream).await,
                    Ok(None) => Ok(None),
                    Err(why) => Err(why.to_string()),
                },
            },
            #[cfg(unix)]
            (Guests::WebSocket, Arrived::Unix(stream)) => self.accept(stream).await,
        }
    }

    async fn accept<S: tidewire::Io>(&self, io: S) -> Result<Option<Opened>, String> {
        match self.server.accept(io).await {
            Ok(ws) => Ok(Some(Opened::WebSocket(ws))),
            Err(why) => {
                let why = why.to_string();
                let hint = if why.to_ascii_lowercase().contains("origin") {
                    "; --allow-origin lets pages in"
                } else {
                    ""
                };
                Err(why + hint)
            }
        }
    }
}
