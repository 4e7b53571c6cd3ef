//! Steps upgrade, extensions and subprotocol: what the server answers to the handshake.

use http::Response;
use http::header::{LOCATION, SEC_WEBSOCKET_VERSION, SERVER, UPGRADE};
use tidewire::{ConnectError, HeadLimits};
use tidewire_proto::handshake::http1::ResponseReader;

use super::Patient;
use super::finding::{Finding, took};
use crate::raw::site::{agreed, wrongs};
use crate::raw::{Ask, Heads};
use crate::term;

const STEP: &str = "upgrade";
/// A subprotocol that no server knows.
const UNKNOWN: &str = "tidewire-doctor-unknown";

/// Headers by which those in between show themselves.
const BETWEEN: &[(&str, &str)] = &[
    ("via", "a proxy"),
    ("cf-ray", "Cloudflare"),
    ("x-amz-cf-id", "CloudFront"),
    ("x-served-by", "a cache"),
    ("x-cache", "a cache"),
    ("x-vercel-id", "Vercel"),
    ("fly-request-id", "Fly.io"),
    ("x-azure-ref", "Azure Front Door"),
    ("x-envoy-upstream-service-time", "Envoy"),
];

/// The head of an answer as it came.
pub(super) fn answer(heads: &Heads) -> Option<Response<()>> {
    let head = heads.answer.as_deref()?;
    let mut reader = ResponseReader::new(HeadLimits::default());
    reader.receive(&mut &head[..]).ok().flatten()
}

/// Step upgrade.
pub(super) fn judge(
    ask: &Ask,
    answer: Option<&Response<()>>,
    error: Option<&ConnectError>,
    time: std::time::Duration,
) -> Finding {
    let Some(answer) = answer else {
        let why = error.map_or("no answer came".to_owned(), ToString::to_string);
        return Finding::fail(
            STEP,
            format!("no answer of HTTP: {}", term::line(&why, 300)),
            "is this the port of a web server? wss:// and ws:// have ports of their own",
        );
    };
    let body = match error {
        Some(ConnectError::Refused(response)) => &response.body()[..],
        _ => &[],
    };
    let wrongs = wrongs(ask, answer);
    let headers = headers(answer);
    let finding = match &wrongs[..] {
        [] => Finding::ok(
            STEP,
            format!("{}, Accept is right ({})", answer.status(), took(time)),
        ),
        _ if answer.status().as_u16() != 101 => refused(answer, body),
        [first, ..] => Finding::fail(
            STEP,
            first.clone(),
            "a proxy that rewrites or caches the handshake, or a server that does not know it: \
             no client will stay",
        )
        .details(wrongs.iter().skip(1).cloned()),
    };
    finding.details(between(answer)).details(headers)
}

/// An answer other than 101.
fn refused(answer: &Response<()>, body: &[u8]) -> Finding {
    let status = answer.status();
    let text = String::from_utf8_lossy(body).to_lowercase();
    let code = status.as_u16();
    let value = |name| {
        let value = answer.headers().get(name);
        value.map_or(String::new(), |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        })
    };
    let html = value(http::header::CONTENT_TYPE).starts_with("text/html");
    let version = answer.headers().contains_key(SEC_WEBSOCKET_VERSION);
    let lost = match code {
        426 => !version,
        400 => text.contains("upgrade") || text.contains("websocket"),
        _ => false,
    };
    let said = format!("the server answered {status}, not 101");
    let advice = match code {
        _ if lost => {
            let said = format!(
                "{said}: the Upgrade and Connection headers that were sent did not arrive, or are not wanted"
            );
            let advice = "a proxy in between drops them: in nginx set proxy_http_version 1.1, \
                proxy_set_header Upgrade $http_upgrade and proxy_set_header Connection \"upgrade\"";
            return Finding::fail(STEP, said, advice).details(shown(body));
        }
        200 if html => "this is a web page; the WebSocket is at another path",
        200..=299 => {
            "this answers plain HTTP; the WebSocket is at another path, or a proxy strips Upgrade"
        }
        300..=399 => {
            let to = term::line(&value(LOCATION), 300);
            let advice = format!("browsers follow no redirect here: use {to} itself");
            return Finding::fail(STEP, said, advice);
        }
        426 => "the server speaks another version of the protocol than 13 (sec-websocket-version)",
        401 => "say who you are, for example -H 'Authorization: Bearer …'",
        403 => "the server may want an Origin that it knows (-o), or credentials",
        404 => "no WebSocket at this path; try another, such as /ws",
        407 => "a proxy in between asks who you are",
        429 => "too many requests; wait a little",
        502..=504 => "the proxy in front does not reach its server, or not over HTTP/1.1",
        500..=599 => "the server failed; its log will say why",
        _ => "ask who runs the server what it wants",
    };
    Finding::fail(STEP, said, advice).details(shown(body))
}

fn shown(body: &[u8]) -> Option<String> {
    let body = term::line(String::from_utf8_lossy(body).trim(), 200);
    (!body.is_empty()).then(|| format!("body: {body}"))
}

/// Who stands in between, as far as they say so.
fn between(answer: &Response<()>) -> Vec<String> {
    let those = BETWEEN
        .iter()
        .filter(|(name, _)| answer.headers().contains_key(*name));
    those
        .map(|(name, who)| format!("in between stands {who} ({name})"))
        .collect()
}

fn headers(answer: &Response<()>) -> Vec<String> {
    let headers = answer.headers().iter();
    let wanted = headers.filter(|(name, _)| {
        [UPGRADE, SERVER].contains(name) || name.as_str().starts_with("sec-websocket-")
    });
    wanted
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            format!("{name}: {}", term::line(&value, 200))
        })
        .collect()
}

/// Step extensions.
pub(super) fn extensions(ask: &Ask, answer: &Response<()>) -> Finding {
    let step = "extensions";
    let offered = ask
        .get("Sec-WebSocket-Extensions")
        .map(String::from_utf8_lossy);
    let Some(offered) = offered else {
        return match agreed(answer) {
            Ok(None) => Finding::skipped(step, "none was offered"),
            _ => Finding::fail(
                step,
                "the server agrees to an extension that was not offered",
                "clients must refuse that: mend the server",
            ),
        };
    };
    match agreed(answer) {
        Ok(Some(params)) => Finding::ok(
            step,
            format!(
                "permessage-deflate: the server's window has {} bits{}, the client's {}{}",
                params.server_max_window_bits,
                kept(params.server_no_context_takeover),
                params.client_max_window_bits,
                kept(params.client_no_context_takeover),
            ),
        ),
        Ok(None) => Finding::ok(
            step,
            "no compression: permessage-deflate was offered, and is not wanted",
        ),
        Err(why) => Finding::fail(
            step,
            term::line(&why, 200),
            "clients must refuse that: mend the server, or switch its compression off",
        ),
    }
    .detail(format!("offered: {offered}"))
}

fn kept(forgotten: bool) -> &'static str {
    if forgotten {
        " and is forgotten after each message"
    } else {
        ""
    }
}

/// Step subprotocol.
pub(super) async fn subprotocol(
    patient: &Patient,
    offered: &[String],
    answer: &Response<()>,
) -> Finding {
    let step = "subprotocol";
    let chosen = picked(answer);
    if offered.is_empty() {
        return match chosen {
            Some(name) => Finding::fail(
                step,
                format!("the server agrees to {name}, and none was offered"),
                "clients must refuse that: mend the server",
            ),
            None => unknown(patient).await,
        };
    }
    match chosen {
        Some(name) if offered.contains(&name) => Finding::ok(step, format!("agreed to {name}")),
        Some(name) => Finding::fail(
            step,
            format!("the server agrees to {name}, which was not offered"),
            "clients must refuse that: mend the server",
        ),
        None => Finding::warn(
            step,
            format!("the server agrees to none of {}", offered.join(", ")),
            "check the name; browsers fail the connection if they offered one and none was picked",
        ),
    }
}

/// What a server says to a subprotocol that nobody knows.
async fn unknown(patient: &Patient) -> Finding {
    let step = "subprotocol";
    let mut ask = patient.site.request();
    ask.set("Sec-WebSocket-Protocol", UNKNOWN);
    match patient.site.ask(&ask, patient.time).await {
        Err(gone) => Finding::warn(
            step,
            format!(
                "asked for a subprotocol that it does not know, the server gives no answer: {gone}"
            ),
            "a 101 without Sec-WebSocket-Protocol, or a 400, would be one",
        ),
        Ok(answered) if answered.response.status().as_u16() != 101 => Finding::ok(
            step,
            format!(
                "none; one that it does not know is refused with {}",
                answered.response.status()
            ),
        ),
        Ok(answered) => match picked(&answered.response) {
            None => Finding::ok(step, "none; one that it does not know is not agreed to"),
            Some(name) if name == UNKNOWN => {
                Finding::ok(step, "none is needed, and any name is agreed to")
            }
            Some(name) => Finding::fail(
                step,
                format!("the server agrees to {name}, which was not offered"),
                "clients must refuse that: mend the server",
            ),
        },
    }
}

fn picked(answer: &Response<()>) -> Option<String> {
    let value = answer.headers().get("sec-websocket-protocol")?;
    Some(term::line(&String::from_utf8_lossy(value.as_bytes()), 100))
}
