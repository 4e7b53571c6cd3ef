//! What the URL means: whether it fits the plan, and which address it is.

use crate::error::LoadError;
use crate::plan::Plan;
use http::Uri;
use std::net::SocketAddr;

/// The addresses of the plan's URL, looked up once for all connections.
pub(crate) async fn addresses(plan: &Plan) -> Result<Vec<SocketAddr>, LoadError> {
    let (host, port) = host_and_port(plan)?;
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Vec<_> = found.map_err(LoadError::UnknownHost)?.collect();
    if found.is_empty() {
        let error = std::io::Error::new(std::io::ErrorKind::NotFound, "it has no address");
        return Err(LoadError::UnknownHost(error));
    }
    Ok(found)
}

fn host_and_port(plan: &Plan) -> Result<(String, u16), LoadError> {
    let url = &plan.url;
    let wrong =
        |why: &str| LoadError::InvalidPlan(format!("the URL {url:?} cannot be used: {why}"));
    let uri: Uri = url
        .parse()
        .map_err(|_| wrong("it is not like ws://host:port/path"))?;
    let default_port = match (uri.scheme_str(), plan.raw) {
        (Some("tcp"), true) => None,
        (Some("tcp"), false) => return Err(wrong("tcp:// is for a raw TCP echo: say so (--raw)")),
        (_, true) => return Err(wrong("a raw TCP echo is tcp://host:port")),
        (Some("ws"), false) => Some(80),
        (Some("wss"), false) => return Err(wrong("wss:// is not supported yet: use ws://")),
        _ => return Err(wrong("it does not begin with ws://")),
    };
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| wrong("it has no host"))?;
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let port = uri
        .port_u16()
        .or(default_port)
        .ok_or_else(|| wrong("it has no port"))?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_hosts_and_ports() {
        let cases = [
            ("ws://h", false, "h", 80),
            ("ws://[::1]:4000/x?y", false, "::1", 4000),
            ("tcp://127.0.0.1:9", true, "127.0.0.1", 9),
            ("tcp://127.0.0.1:9/", true, "127.0.0.1", 9),
        ];
        for (url, raw, host, port) in cases {
            assert_eq!(
                host_and_port(&Plan::new(url).raw(raw)).unwrap(),
                (host.into(), port),
                "{url}"
            );
        }
    }

    #[test]
    fn refuses_what_does_not_fit_the_plan() {
        let cases = [
            ("", false),
            ("h:80", false),
            ("http://h/", false),
            ("wss://h/", false),
            ("tcp://h:1", false),
            ("ws://h:1", true),
            ("tcp://h", true),
            ("ws://", false),
        ];
        for (url, raw) in cases {
            let outcome = host_and_port(&Plan::new(url).raw(raw));
            assert!(matches!(outcome, Err(LoadError::InvalidPlan(_))), "{url}");
        }
    }
}
