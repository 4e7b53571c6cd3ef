//! `tidewire tap`: stands between clients and a server, shows and records what they say, makes faults.
//!
//! - [`session`]: one connection; [`guard`] judges its request, [`head`] rewrites it
//! - [`pump`]: one direction of it; [`cut`] finds its frames, on which [`faults`] fall
//! - [`ear`]: what the frames say; [`log`] shows and records it

mod cut;
mod ear;
mod faults;
mod guard;
mod head;
mod log;
mod pump;
mod session;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tidewire::Io;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::args::TapArgs;
use crate::bind::{Arrived, Door, Place};
use crate::dial::Dial;
use crate::exit::{self, Exit};
use crate::record::{self, Recorder};
use crate::signals::Signals;
use crate::term;

pub(crate) use self::faults::{After, Delay, Only, probability};

use self::faults::Faults;
use self::guard::Guard;
use self::head::Changes;
use self::log::Log;
use self::session::Tap;

/// How often what waits is written, if nothing else happens.
const TICK: Duration = Duration::from_millis(250);

/// Listens until Ctrl-C.
pub(crate) fn run(args: &TapArgs) -> Exit {
    let dial = match Dial::prepare(&args.url, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let recorder = args
        .record
        .as_ref()
        .map(|path| Recorder::create(path, dial.url(), args.record_secrets))
        .transpose();
    let recorder = match recorder {
        Ok(recorder) => recorder,
        Err(sentence) => return exit::error(Exit::Local, &sentence),
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    match runtime {
        Ok(runtime) => runtime.block_on(tap(args, dial, recorder)),
        Err(error) => exit::error(Exit::Local, &format!("no event loop: {error}")),
    }
}

async fn tap(args: &TapArgs, dial: Dial, recorder: Option<Recorder>) -> Exit {
    let opened = args.listen.open("tidewire tap ").await;
    let (door, mut signals) = match opened.and_then(|door| Ok((door, Signals::watch()?))) {
        Ok(both) => both,
        Err(sentence) => return exit::error(Exit::Local, &sentence),
    };
    let faults = Faults::of(args);
    announce(args, &door, &dial, &faults);
    let headers = headers(&dial);
    let certificate = args.dial.cert.is_some();
    let place = (&args.listen, &door);
    let guard = Guard::of(place, &headers, certificate, &args.allow_origin);
    let log = Rc::new(RefCell::new(Log::new(args.json, recorder)));
    let tap = Rc::new(Tap {
        changes: Changes::to(dial.url(), headers, faults.need_no_compression()),
        dial,
        guard,
        faults,
        log: log.clone(),
        secrets: args.record_secrets,
        stop: Notify::new(),
    });
    let mut sessions = JoinSet::new();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conn = 0;
    let exit = loop {
        tokio::select! {
            arrived = door.accept() => {
                conn += 1;
                let (tap, name) = (tap.clone(), arrived.name());
                let client: Box<dyn Io> = match arrived {
                    Arrived::Tcp(stream, _) => Box::new(stream),
                    #[cfg(unix)]
                    Arrived::Unix(stream) => Box::new(stream),
                };
                sessions.spawn_local(async move { tap.serve(conn, name, client).await });
            }
            Some(_) = sessions.join_next() => {}
            () = signals.next() => break Exit::Interrupted,
            _ = tick.tick() => {
                log.borrow_mut().flush();
                if log.borrow().is_over() {
                    break Exit::Clean;
                }
            }
        }
    };
    // Each says how it ended.
    tap.stop.notify_waiters();
    _ = timeout(TICK, async {
        while sessions.join_next().await.is_some() {}
    })
    .await;
    match log.borrow_mut().finish() {
        true => exit,
        false => Exit::Local,
    }
}

/// What a person should know at the start.
fn announce(args: &TapArgs, door: &Door, dial: &Dial, faults: &Faults) {
    let url = term::line(&record::bare(dial.url()), 500);
    let place = match &args.listen {
        Place::Tcp(_) => format!("ws://{}/", door.name()),
        Place::Unix(_) => format!("unix:{}", door.name()),
    };
    exit::say(&format!(
        "Listening on {place} → {url} (press CTRL+C to quit)"
    ));
    if !door.is_private() {
        exit::say(&format!(
            "notice: whoever reaches this machine can go through to {url}"
        ));
    }
    if faults.need_no_compression() {
        exit::say("notice: compression is not offered to the server, because of --drop or --dup");
    }
    if let Some(seed) = faults.seed() {
        exit::say(&format!("the same faults again: --seed {seed}"));
    }
}

/// The headers that the command line adds to requests.
fn headers(dial: &Dial) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = dial.headers().to_vec();
    let offered = dial.offered().join(", ");
    if let Ok(offered) = HeaderValue::from_str(&offered)
        && !offered.is_empty()
    {
        headers.push((http::header::SEC_WEBSOCKET_PROTOCOL, offered));
    }
    headers
}
