//! What of a handshake gives access, and is left out of recordings: in headers, and in URLs.

/// What stands for a value that is not written.
pub(super) const REDACTED: &str = "[redacted]";

/// The same where it must be fit for a URL.
const IN_URL: &str = "redacted";

/// Parts of the names of headers and query parameters whose values give access.
const SECRET: [&str; 12] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "api-key",
    "api_key",
    "credential",
    "signature",
    "jwt",
];

/// No subprotocol has a longer name; tokens are longer.
const LONGEST_NAME: usize = 40;

/// Query parameters with names that are secret only as a whole.
const WHOLE: [&str; 9] = [
    "key",
    "pass",
    "pwd",
    "sig",
    "sid",
    "session",
    "session_id",
    "sessionid",
    "ticket",
];

/// Whether the value of a header with this name is not to be seen.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part)) && name != "authority"
}

/// A list of subprotocols without those that are none: a page can send no header, and so puts its token
/// there, alone or behind a name that says it.
pub(super) fn without_tokens(list: &str) -> String {
    let mut names_next = false;
    let kept: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .map(|one| {
            let said = names_next;
            let lower = one.to_ascii_lowercase();
            names_next = lower == "bearer" || SECRET.iter().any(|part| lower.contains(part));
            match said || one.len() > LONGEST_NAME || one.contains("eyJ") {
                true => REDACTED,
                false => one,
            }
        })
        .collect();
    kept.join(", ")
}

fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part)) || WHOLE.contains(&name.as_str())
}

/// A URL, or a path, without its user and password, and without the values of its query that give
/// access.
pub(crate) fn bare(url: &str) -> String {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let mut out = crate::addr::without_user(before);
    if let Some(query) = query {
        let parameters: Vec<String> = query.split('&').map(parameter).collect();
        out.push('?');
        out.push_str(&parameters.join("&"));
    }
    out
}

fn parameter(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) if is_secret_parameter(name) && !value.is_empty() => {
            format!("{name}={IN_URL}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_what_gives_access_and_nothing_else() {
        for (url, expected) in [
            ("ws://me:pw@h/x?a=@b", "ws://h/x?a=@b"),
            ("ws://h", "ws://h"),
            (
                "ws://a:b@h?Access_Token=x&y=1&key=k&token=",
                "ws://h?Access_Token=redacted&y=1&key=redacted&token=",
            ),
            (
                "/p?X-Amz-Signature=abc&keys=1&sid=2",
                "/p?X-Amz-Signature=redacted&keys=1&sid=redacted",
            ),
            ("?token", "?token"),
            ("", ""),
        ] {
            assert_eq!(bare(url), expected, "{url}");
        }
    }

    #[test]
    fn subprotocols_that_are_tokens_are_left_out() {
        let long = format!("base64url.bearer.authorization.k8s.io.{}", "Zm9v".repeat(9));
        for (list, expected) in [
            (
                "graphql-transport-ws,  v12.stomp",
                "graphql-transport-ws, v12.stomp",
            ),
            ("access_token, abc, v1", "access_token, [redacted], v1"),
            ("bearer,abc", "bearer, [redacted]"),
            ("x, eyJhbGciOiJI.e30.x", "x, [redacted]"),
            (&long, "[redacted]"),
            ("", ""),
        ] {
            assert_eq!(without_tokens(list), expected, "{list}");
        }
    }

    #[test]
    fn headers_that_give_access_are_known_by_their_names() {
        for name in [
            "Authorization",
            "PROXY-AUTHORIZATION",
            "cookie",
            "Set-Cookie",
            "X-Api-Key",
            "x-auth-token",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in [
            "Host",
            "Origin",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Protocol",
            "User-Agent",
        ] {
            assert!(!is_secret_header(name), "{name}");
        }
    }
}
