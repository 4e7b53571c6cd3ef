//! What the URL of a raw TCP echo means.

use tidewire::ConnectError;

/// `tcp://host:port`, as `host:port`.
pub(crate) fn host_and_port(url: &str) -> Result<&str, ConnectError> {
    let place = url.strip_prefix("tcp://").unwrap_or_default();
    let place = place.strip_suffix('/').unwrap_or(place);
    let port = place.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) if !place.starts_with(':') => Ok(place),
        _ => Err(ConnectError::InvalidUrl(
            "a raw TCP echo is tcp://host:port",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_host_and_a_port() {
        for (url, place) in [
            ("tcp://127.0.0.1:9", "127.0.0.1:9"),
            ("tcp://[::1]:9/", "[::1]:9"),
        ] {
            assert_eq!(host_and_port(url).ok(), Some(place));
        }
        for url in [
            "",
            "tcp://h",
            "tcp://:9",
            "ws://h:1",
            "tcp://h:99999",
            "tcp://h:1/x",
        ] {
            assert!(host_and_port(url).is_err(), "{url}");
        }
    }
}
