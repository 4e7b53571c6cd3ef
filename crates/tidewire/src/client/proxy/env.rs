//! The proxy that the environment names, by the rules that curl and others have for it.

use super::server::{Kind, Login, Server};
use super::url::Host;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::net::IpAddr;

/// The proxy for a host, by the environment as it is now.
pub(super) fn server(tls: bool, host: &Host) -> Result<Option<Server>, &'static str> {
    // The matcher takes the star for names only, not for addresses.
    let everybody = ["NO_PROXY", "no_proxy"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|list| is_star(&list)));
    if everybody || is_local(host) {
        return Ok(None);
    }
    lookup(&Matcher::from_env(), tls, host)
}

/// `localhost` and loopback addresses mean this machine; to a proxy they would mean its own.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Name(name) => matches!(name.as_str(), "localhost" | "localhost."),
        Host::Ip(ip) => match ip {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => {
                ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
            }
        },
    }
}

fn lookup(matcher: &Matcher, tls: bool, host: &Host) -> Result<Option<Server>, &'static str> {
    let scheme = if tls { "https" } else { "http" };
    let uri: Uri = format!("{scheme}://{host}/")
        .parse()
        .map_err(|_| "the target's host is none that a URL can hold")?;
    matcher
        .intercept(&uri)
        .map(|found| read(&found))
        .transpose()
}

/// Whether a list means everybody.
fn is_star(list: &str) -> bool {
    list.trim() == "*"
}

/// Whether `list`, which is written as `NO_PROXY` is, has this host.
pub(super) fn listed(list: &str, host: &Host) -> bool {
    if is_star(list) {
        return true;
    }
    let everything_else = Matcher::builder().all("http://proxy").no(list).build();
    matches!(lookup(&everything_else, false, host), Ok(None))
}

fn read(found: &Intercept) -> Result<Server, &'static str> {
    let uri = found.uri();
    let kind = Kind::of_scheme(uri.scheme_str().unwrap_or_default())?;
    let login = match (found.basic_auth(), found.raw_auth()) {
        (Some(value), _) => Some(Login::Basic(value.clone())),
        (None, Some((name, password))) => {
            Some(kind.password(name.to_owned(), password.to_owned())?)
        }
        (None, None) => None,
    };
    Ok(Server {
        kind,
        host: Host::parse(uri.host().unwrap_or_default())?,
        port: uri.port_u16().unwrap_or(kind.default_port()),
        login,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matcher(http: &str, https: &str, all: &str, no: &str) -> Matcher {
        Matcher::builder()
            .http(http.to_owned())
            .https(https.to_owned())
            .all(all.to_owned())
            .no(no.to_owned())
            .build()
    }

    fn found(matcher: &Matcher, tls: bool, host: &str) -> String {
        match lookup(matcher, tls, &Host::parse(host).unwrap()) {
            Ok(None) => "direct".into(),
            Ok(Some(server)) => server.to_string(),
            Err(why) => format!("error: {why}"),
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
        let both = matcher("http://a:1", "https://b", "", "");
        assert_eq!(found(&both, false, "h"), "http://a:1");
        assert_eq!(found(&both, true, "h"), "https://b:443");
        let all = matcher("", "http://b:2", "socks5h://c", "");
        assert_eq!(found(&all, false, "h"), "socks5h://c:1080");
        assert_eq!(found(&all, true, "[2001:db8::1]"), "http://b:2");
        let bare = matcher("a:3128", "", "", "");
        assert_eq!(found(&bare, false, "h"), "http://a:3128");
        assert_eq!(found(&bare, true, "h"), "direct");
    }

    #[test]
    fn no_proxy_lists_names_addresses_and_networks() {
        let matcher = matcher(
            "http://p",
            "",
            "",
            "example.com, .corp, 10.0.0.0/8, 192.0.2.7,2001:db8::/32",
        );
        for (host, direct) in [
            ("example.com", true),
            ("EXAMPLE.com", true),
            ("a.example.com", true),
            ("notexample.com", false),
            ("example.com.evil", false),
            ("corp", true),
            ("x.corp", true),
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("[2001:db8::5]", true),
            ("[2001:db9::5]", false),
        ] {
            assert_eq!(found(&matcher, false, host) == "direct", direct, "{host}");
        }
        let star = super::tests::matcher("http://p", "", "", "*");
        assert_eq!(found(&star, false, "h"), "direct");
    }

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let matcher = matcher("http://me:p%40w@a", "socks5://me:p%40w@b", "", "");
        let host = Host::parse("h").unwrap();
        let http = lookup(&matcher, false, &host).unwrap().unwrap();
        assert!(matches!(&http.login, Some(Login::Basic(value)) if value == "Basic bWU6cEB3"));
        let socks = lookup(&matcher, true, &host).unwrap().unwrap();
        let login = Login::Password("me".into(), "p@w".into());
        assert!(socks.login == Some(login));
        assert_eq!(http.to_string(), "http://a:80");
    }

    #[test]
    fn what_cannot_be_used_is_an_error_not_a_direct_connection() {
        let matcher = matcher("socks4://a", "socks5://me@b", "", "");
        assert!(found(&matcher, false, "h").contains("socks5"));
        assert!(found(&matcher, true, "h").contains("SOCKS5"));
    }

    #[test]
    fn this_machine_is_not_behind_a_proxy() {
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost.example", false),
            ("10.0.0.1", false),
            ("[::2]", false),
        ] {
            assert_eq!(is_local(&Host::parse(host).unwrap()), local, "{host}");
        }
    }
}
