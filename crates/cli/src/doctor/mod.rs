//! `tidewire doctor`: finds out what is wrong with a server, step by step.
//!
//! - [`finding`]: what a step found; [`show`]: how that is shown; [`place`]: what the URL says
//! - [`reach`]: DNS, TCP, the way there; [`tls`]: certificates
//! - [`upgrade`]: the handshake, extensions, subprotocols; [`talk`]: Ping, Close, silence
//! - [`origin`]: pages of other sites; [`plain`]: requests that ask for no WebSocket

mod finding;
mod origin;
mod place;
mod plain;
mod reach;
mod show;
mod talk;
mod tls;
mod upgrade;

use std::time::Duration;

use tidewire::tls::ClientTls;
use tidewire::{ConnectError, ConnectStage};
use tokio::time::{Instant, timeout};

use self::finding::{Finding, Verdict};
use self::place::Place;
use self::reach::Way;
use self::show::Sheet;
use crate::addr;
use crate::args::DoctorArgs;
use crate::dial::Dial;
use crate::exit::Exit;
use crate::raw::{self, Ask, Heads, Site};
use crate::term;

/// The steps over a WebSocket, which need one.
const OPEN: &[&str] = &["extensions", "subprotocol", "ping", "close", "idle"];

/// A server that answers HTTP, and how long it may take for it.
pub(crate) struct Patient {
    site: Site,
    time: Duration,
}

pub(crate) fn run(args: &DoctorArgs) -> Exit {
    let dial = match Dial::prepare(&args.url, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    raw::block_on(async {
        // What the URL holds of a password stays here.
        let mut sheet = Sheet::new(&addr::without_user(dial.url()), args.json);
        examine(dial, args, &mut sheet).await;
        sheet.end();
        let failed = sheet.count(Verdict::Fail) > 0;
        let warned = args.strict && sheet.count(Verdict::Warn) > 0;
        if failed || warned {
            Exit::Local
        } else {
            Exit::Clean
        }
    })
}

async fn examine(dial: Dial, args: &DoctorArgs, sheet: &mut Sheet) {
    let place = Place::of(dial.url());
    if let Err(why) = reach(&dial, place.as_ref(), args, sheet).await {
        sheet.skip(
            &[&["upgrade"], OPEN, &["origin", "http", "https"]].concat(),
            why,
        );
        return;
    }
    let began = Instant::now();
    let client = dial.client().redirects(0);
    let limit = args.timeout.max(dial.patience());
    let connected = timeout(limit, raw::connect(client)).await;
    let late = || {
        (
            Err(ConnectError::Timeout(ConnectStage::Handshake)),
            Heads::default(),
        )
    };
    let (outcome, heads) = connected.unwrap_or_else(|_| late());
    let time = began.elapsed();
    let error = outcome.err();
    let Some(ask) = heads.request.as_deref().and_then(Ask::read) else {
        let why = error.map_or("no request was sent".to_owned(), |error| error.to_string());
        sheet.add(Finding::fail(
            "upgrade",
            term::line(&why, 300),
            "mend the request, or try again",
        ));
        return;
    };
    let answer = upgrade::answer(&heads);
    let finding = upgrade::judge(&ask, answer.as_ref(), error.as_ref(), time);
    let opened = finding.verdict == Verdict::Ok;
    sheet.add(finding);
    let http = clear(place.as_ref(), args);
    let patient = Patient {
        site: Site::new(dial.clone(), ask.clone()),
        time: args.timeout,
    };
    match answer {
        Some(answer) if opened => {
            sheet.add(upgrade::extensions(&ask, &answer));
            sheet.add(upgrade::subprotocol(&patient, dial.offered(), &answer).await);
            sheet.add(talk::ping(&patient).await);
            sheet.add(talk::close(&patient).await);
            sheet.add(talk::idle(&patient, args.idle).await);
        }
        _ => sheet.skip(OPEN, "there is no WebSocket"),
    }
    sheet.add(origin::examine(&patient, place.as_ref()).await);
    sheet.add(plain::same(&patient, place.as_ref()).await);
    sheet.add(plain::redirect(place.as_ref(), http, &patient).await);
}

/// Steps dns, tcp, tls.
///
/// # Errors
/// Why there is nothing more to examine.
async fn reach(
    dial: &Dial,
    place: Option<&Place>,
    args: &DoctorArgs,
    sheet: &mut Sheet,
) -> Result<(), &'static str> {
    let unreached = "the server was not reached";
    let limit = dial.patience();
    let flags = &args.dial;
    let Some(place) = place else {
        let way = reach::way(dial.client(), limit).await;
        elsewhere("the URL has no host", &way, sheet);
        return way.error.map_or(Ok(()), |_| Err(unreached));
    };
    let going = reach::way(dial.client(), limit);
    let way = if flags.unix_socket.is_some() || !flags.resolve.is_empty() {
        let way = going.await;
        elsewhere("the flags say where the server is", &way, sheet);
        way
    } else {
        let ((dns, tcp), way) = tokio::join!(directly(place, args), going);
        match &way.proxy {
            Some(proxy) => through(proxy, &way, sheet),
            None => {
                sheet.add(dns);
                sheet.add(tcp);
            }
        }
        way
    };
    let mut shown = None;
    if let Some(ConnectError::Tls(_)) = way.error {
        // Nothing is said to a server that is not known: its certificates are all that is asked for.
        let any = ClientTls::new().danger_accept_any_certificate();
        shown = reach::way(dial.client().tls(any), limit).await.tls;
    }
    let tls = tls::judge(place, &way, shown.as_ref(), !flags.no_check);
    let stopped = tls::stops(&tls, &way);
    sheet.add(tls);
    match way.error {
        _ if stopped => Err("nothing is said to a server that cannot prove who it is"),
        None => Ok(()),
        Some(error) if sheet.count(Verdict::Fail) == 0 => {
            let said = term::line(&error.to_string(), 300);
            sheet.add(Finding::fail(
                "connect",
                said,
                "try again, or with a longer --connect-timeout",
            ));
            Err(unreached)
        }
        Some(_) => Err(unreached),
    }
}

/// Steps dns and tcp, without a proxy.
async fn directly(place: &Place, args: &DoctorArgs) -> (Finding, Finding) {
    let (dns, mut addresses) = reach::dns(place, args.timeout).await;
    let (v4, v6) = (args.dial.ipv4, args.dial.ipv6);
    addresses.retain(|address| !(v4 && address.is_ipv6() || v6 && address.is_ipv4()));
    let tcp = match addresses.is_empty() {
        true => Finding::skipped("tcp", "there is no address"),
        false => reach::tcp(&addresses, args.timeout).await,
    };
    (dns, tcp)
}

/// Steps dns and tcp, where no name is looked up.
fn elsewhere(why: &str, way: &Way, sheet: &mut Sheet) {
    sheet.add(Finding::skipped("dns", why));
    sheet.add(match &way.error {
        None | Some(ConnectError::Tls(_)) => {
            Finding::ok("tcp", format!("connected in {}", finding::took(way.took)))
        }
        Some(error) => {
            let said = term::line(&error.to_string(), 300);
            Finding::fail("tcp", said, "is the server running, and its place right?")
        }
    });
}

/// Steps dns and tcp, where the proxy does both.
fn through(proxy: &str, way: &Way, sheet: &mut Sheet) {
    let proxy = term::line(proxy, 200);
    sheet.add(Finding::skipped(
        "dns",
        format!("the proxy {proxy} looks up names"),
    ));
    sheet.add(match &way.error {
        None | Some(ConnectError::Tls(_)) => {
            let said = format!("through the proxy {proxy} in {}", finding::took(way.took));
            Finding::ok("tcp", said)
        }
        Some(error) => Finding::fail(
            "tcp",
            format!(
                "the proxy {proxy} gives no connection: {}",
                term::line(&error.to_string(), 300)
            ),
            "go without it (NO_PROXY), or mend its address, its rules, or who you are to it",
        ),
    });
}

/// What answers http:// where wss:// has its own port.
fn clear(place: Option<&Place>, args: &DoctorArgs) -> Option<Site> {
    let place = place.filter(|place| place.tls && place.port == 443)?;
    let url = format!("ws://{}/", place.bracketed());
    let dial = Dial::prepare(&url, &args.dial).ok()?;
    Some(Site::new(dial, Ask::read(b"GET / HTTP/1.1\r\n\r\n")?))
}
