//! Steps http and https: what a plain request gets at the same URL, and whether http:// leads to TLS.

use http::Response;
use http::header::{CONTENT_TYPE, LOCATION, STRICT_TRANSPORT_SECURITY};

use super::Patient;
use super::finding::Finding;
use super::place::Place;
use crate::raw::{Ask, Gone, Site};
use crate::term;

/// How much of a page is read.
const PAGE: usize = 64 * 1024;

fn value(response: &Response<()>, name: http::HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(term::line(&String::from_utf8_lossy(value.as_bytes()), 200))
}

/// Step http: the same URL without Upgrade.
pub(super) async fn same(patient: &Patient, place: Option<&Place>) -> Finding {
    let step = "http";
    let mut ask = patient.site.request();
    ask.plain();
    let (response, body) = match patient.site.ask(&ask, patient.time).await {
        Ok(mut answered) => {
            let time = patient.time.min(std::time::Duration::from_secs(1));
            let (body, _) = answered.wire.rest(PAGE, time).await;
            (answered.response, body)
        }
        Err(gone) => {
            return Finding::warn(
                step,
                format!("a plain request gets no answer: {gone}"),
                "who opens the URL in a browser sees an error; answer 426, or a page",
            );
        }
    };
    let status = response.status();
    let kind = value(&response, CONTENT_TYPE).unwrap_or_else(|| "no type".to_owned());
    let finding = match status.as_u16() {
        101 => Finding::fail(
            step,
            "a request that asks for no WebSocket is answered with 101",
            "judge Upgrade, Connection, the key and the version before switching",
        ),
        500..=599 => Finding::warn(
            step,
            format!("a plain request is answered {status}"),
            "426 Upgrade Required says what is meant; a 5xx sets off alarms",
        ),
        426 => Finding::ok(
            step,
            format!("a plain request is answered {status}, as it should"),
        ),
        300..=399 => {
            let to = value(&response, LOCATION).unwrap_or_default();
            Finding::ok(
                step,
                format!("a plain request is answered {status}, to {to}"),
            )
        }
        _ => Finding::ok(
            step,
            format!(
                "a plain request is answered {status} ({} bytes, {kind})",
                body.len()
            ),
        ),
    };
    if !place.is_some_and(|place| place.tls) {
        return finding;
    }
    match value(&response, STRICT_TRANSPORT_SECURITY) {
        Some(hsts) => finding.detail(format!("strict-transport-security: {hsts}")),
        None => finding.detail(
            "no Strict-Transport-Security: with it browsers would turn ws:// and http:// into wss:// and https://",
        ),
    }
}

/// Step https: what http:// on port 80 says, where wss:// is on 443. `site`: that.
pub(super) async fn redirect(
    place: Option<&Place>,
    site: Option<Site>,
    patient: &Patient,
) -> Finding {
    let step = "https";
    let (Some(place), Some(site)) = (place, site) else {
        return Finding::skipped(step, "only for wss:// on its own port, 443");
    };
    let ask = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        place.path,
        place.bracketed()
    );
    let Some(ask) = Ask::read(ask.as_bytes()) else {
        return Finding::skipped(step, "no request can be made of the URL");
    };
    let answered = site.ask(&ask, patient.time).await;
    encrypted(answered.map(|answered| answered.response))
}

fn encrypted(answer: Result<Response<()>, Gone>) -> Finding {
    let step = "https";
    let response = match answer {
        Err(gone) => {
            return Finding::ok(
                step,
                format!("nothing is said in the clear on port 80: {gone}"),
            );
        }
        Ok(response) => response,
    };
    let status = response.status();
    let to = value(&response, LOCATION).unwrap_or_default();
    match status.is_redirection() && to.to_ascii_lowercase().starts_with("https://") {
        true => Finding::ok(step, format!("http:// leads to https:// ({status})")),
        false if status.is_client_error() => {
            Finding::ok(step, format!("http:// is refused ({status})"))
        }
        false => Finding::warn(
            step,
            format!("http:// is answered {status} in the clear"),
            "redirect it to https:// with 301 or 308",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn only_what_leads_to_tls_is_well() {
        let answer = |status: u16, to: &str| {
            let response = Response::builder().status(status).header("location", to);
            encrypted(Ok(response.body(()).unwrap())).verdict
        };
        assert_eq!(answer(301, "HTTPS://a/"), Verdict::Ok);
        assert_eq!(answer(301, "http://a/"), Verdict::Warn);
        assert_eq!(answer(404, ""), Verdict::Ok);
        assert_eq!(answer(200, ""), Verdict::Warn);
        assert_eq!(encrypted(Err(Gone::Ended)).verdict, Verdict::Ok);
    }
}
