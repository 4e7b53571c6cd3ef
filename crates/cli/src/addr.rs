//! What people type for an address: where to listen, and which URL to connect to.

/// The port `tidewire echo` listens on unless told otherwise.
pub(crate) const DEFAULT_PORT: u16 = 4000;

/// Where to listen: a host (name or IP address, IPv6 without brackets) and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenAddr {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Reads `4000`, `:4000`, `127.0.0.1:4000`, `localhost:4000`, `[::1]:4000`, or a bare host.
/// Without a host it is loopback: an echo server is reachable from outside only when asked to be.
pub(crate) fn listen(text: &str) -> Result<ListenAddr, String> {
    let wrong = || {
        format!(
            "{text:?} is not an address to listen on: write PORT or HOST:PORT, for example 4000, 0.0.0.0:4000 or [::1]:4000"
        )
    };
    let (host, port) = if text.parse::<u16>().is_ok() || text.bytes().all(|b| b.is_ascii_digit()) {
        ("", text)
    } else if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or_else(wrong)?;
        match after {
            "" => (host, ""),
            _ => (host, after.strip_prefix(':').ok_or_else(wrong)?),
        }
    } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
        (text, "")
    } else {
        match text.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() => (host, port),
            Some(_) => return Err(wrong()),
            None => (text, ""),
        }
    };
    let port = if port.is_empty() && !text.is_empty() {
        DEFAULT_PORT
    } else {
        port.parse().map_err(|_| wrong())?
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    if host.starts_with('-')
        || !host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._:%".contains(&b))
    {
        return Err(wrong());
    }
    Ok(ListenAddr {
        host: host.to_owned(),
        port,
    })
}

/// Makes a WebSocket URL of what was typed: `localhost:3000/x`, `:3000`, `3000`, `http://…`.
/// A URL with a scheme of its own is left alone, so that the library can judge it.
pub(crate) fn url(text: &str) -> String {
    let text = text.trim();
    // A unix socket's URL has no //.
    let small = text.to_ascii_lowercase();
    if small.starts_with("ws+unix:") {
        return text.to_owned();
    }
    if small.starts_with("unix:/") {
        return format!("ws+{text}");
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest))
            if scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'+') =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), text),
    };
    match scheme.as_str() {
        "ws" | "http" => format!("ws://{rest}"),
        "wss" | "https" => format!("wss://{rest}"),
        "" => {
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let port_only = rest.split(['/', '?']).next().unwrap_or_default();
            if let Some(after) = rest.strip_prefix(':') {
                format!("ws://localhost:{after}")
            } else if port_only.parse::<u16>().is_ok() {
                format!("ws://localhost:{rest}")
            } else {
                format!("ws://{rest}")
            }
        }
        _ => text.to_owned(),
    }
}

/// A URL without the user and password that it may hold: fit to be shown.
pub(crate) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn listen_addresses() {
        for (text, host, port) in [
            ("4000", "127.0.0.1", 4000),
            (":4001", "127.0.0.1", 4001),
            ("0", "127.0.0.1", 0),
            ("0.0.0.0:80", "0.0.0.0", 80),
            ("localhost:9", "localhost", 9),
            ("localhost", "localhost", DEFAULT_PORT),
            ("[::1]:4000", "::1", 4000),
            ("[::1]", "::1", DEFAULT_PORT),
            ("::1", "::1", DEFAULT_PORT),
        ] {
            assert_eq!(
                listen(text).unwrap(),
                ListenAddr {
                    host: host.into(),
                    port
                },
                "{text}"
            );
        }
        for text in [
            "",
            "65536",
            "x:y",
            "localhost:",
            "ws://h:1/",
            "[::1",
            "[::1]x",
            "a b:1",
            "-1",
        ] {
            assert!(
                listen(text).is_err(),
                "{text:?} was accepted: {:?}",
                listen(text)
            );
        }
    }

    #[test]
    fn urls_as_typed() {
        for (text, expected) in [
            ("localhost:3000/x", "ws://localhost:3000/x"),
            ("example.com", "ws://example.com"),
            (":3000/x", "ws://localhost:3000/x"),
            ("3000", "ws://localhost:3000"),
            ("3000/x?y", "ws://localhost:3000/x?y"),
            ("//h:1/", "ws://h:1/"),
            ("http://h/p", "ws://h/p"),
            ("WSS://h/p", "wss://h/p"),
            ("ws://[::1]:9/", "ws://[::1]:9/"),
            ("ftp://h/", "ftp://h/"),
            ("ws+unix:/a.sock:/x", "ws+unix:/a.sock:/x"),
            ("unix:/a.sock:/x", "ws+unix:/a.sock:/x"),
            (
                "localhost:3000/?next=http://x",
                "ws://localhost:3000/?next=http://x",
            ),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("wss://me:secret@h:1/a@b?c", "wss://h:1/a@b?c"),
            ("ws://u:p@h:1?a@b", "ws://h:1?a@b"),
            ("ws://u:p@q@h", "ws://h"),
            ("ws://h/x", "ws://h/x"),
            ("ws+unix:/a@b:/", "ws+unix:/a@b:/"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
