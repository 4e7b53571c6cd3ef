//! Which requests a tap passes on: a page of any site can make a browser send some to this machine.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::bind::{Door, Place};
use crate::record;

/// The rules.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Where only this machine can connect: the name that it listens on. A page whose name was made to
    /// lead here (DNS rebinding) comes with another, and would get the server's own Origin.
    local: Option<String>,
    /// Whether requests get something that opens doors, which is not for pages of others.
    trusted: bool,
    /// Pages that may have it all the same; `any`: all.
    origins: Vec<String>,
}

impl Guard {
    /// For a tap that listens at `place`, and adds `headers` to requests, or shows a certificate.
    pub(super) fn of(
        (place, door): (&Place, &Door),
        headers: &[(HeaderName, HeaderValue)],
        certificate: bool,
        origins: &[String],
    ) -> Guard {
        let local = match place {
            Place::Tcp(addr) if door.is_private() => Some(addr.host.to_ascii_lowercase()),
            _ => None,
        };
        let opens = |(name, _): &(HeaderName, HeaderValue)| {
            [AUTHORIZATION, COOKIE, ORIGIN].contains(name)
                || record::is_secret_header(name.as_str())
        };
        Guard {
            local,
            trusted: certificate || headers.iter().any(opens),
            origins: origins.to_vec(),
        }
    }

    /// Whether a request may pass.
    ///
    /// # Errors
    /// A sentence that says why not, and what to do.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Result<(), String> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if let (Some(local), Some(host)) = (&self.local, host) {
            let known = name(host).is_some_and(|name| {
                &name == local || is_here(&name) || name.parse::<IpAddr>().is_ok()
            });
            if !known {
                return Err(format!(
                    "{host:?} is no name of this machine, so that this may be a page of another site: \
                     connect to localhost, or listen on that name"
                ));
            }
        }
        let Some(origin) = headers.get(ORIGIN).filter(|_| self.trusted) else {
            return Ok(());
        };
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let place = origin.split_once("://").map(|(_, place)| place);
        let own = place.is_some_and(|place| {
            Some(place) == host || name(place).is_some_and(|name| is_here(&name))
        });
        let named = |one: &String| one == "any" || one.eq_ignore_ascii_case(&origin);
        match own || self.origins.iter().any(named) {
            true => Ok(()),
            false => Err(format!(
                "a page of {origin:?} would use the access that this command line gives: \
                 --allow-origin lets it"
            )),
        }
    }
}

/// The host of `HOST:PORT`, without brackets and the last dot.
fn name(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    let name = authority.host().trim_matches(['[', ']']);
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether a name can lead to nothing but this machine.
fn is_here(name: &str) -> bool {
    let address = name.parse::<IpAddr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_refused() {
        let guard = Guard {
            local: Some("app.test".to_owned()),
            ..Guard::default()
        };
        for host in [
            "localhost:9000",
            "LOCALHOST.",
            "a.localhost:1",
            "127.0.0.1:9000",
            "[::1]:9000",
            "App.Test:9000",
        ] {
            assert_eq!(guard.judge(&request(host, None)), Ok(()), "{host}");
        }
        for host in [
            "evil.example:9000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "\u{1b}[2J",
            "a b",
        ] {
            let Ok(value) = host.parse::<HeaderValue>() else {
                continue;
            };
            let headers = HeaderMap::from_iter([(HOST, value)]);
            assert!(guard.judge(&headers).is_err(), "{host:?}");
        }
        assert_eq!(Guard::default().judge(&request("other:1", None)), Ok(()));
    }

    #[test]
    fn what_opens_doors_is_not_for_pages_of_others() {
        let guard = Guard {
            trusted: true,
            origins: vec!["https://app.example".to_owned()],
            ..Guard::default()
        };
        let judge = |origin| guard.judge(&request("10.0.0.1:9000", origin)).is_ok();
        for origin in [
            None,
            Some("http://localhost:5173"),
            Some("https://[::1]"),
            Some("http://10.0.0.1:9000"),
            Some("https://app.example"),
        ] {
            assert!(judge(origin), "{origin:?}");
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil", ""] {
            assert!(!judge(Some(origin)), "{origin:?}");
        }
        let page = request("10.0.0.1:9000", Some("https://evil.example"));
        assert_eq!(
            Guard::default().judge(&page),
            Ok(()),
            "the server judges it"
        );
    }
}
