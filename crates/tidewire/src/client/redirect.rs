//! Where a redirect leads (RFC 9110 §15.4, RFC 3986 §5), and where it must not.

use super::error::RedirectReason;
use super::url::{self, Place, Target};
use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderValue, Response, StatusCode};

/// The Location of a redirect; `None` for any other answer.
pub(super) fn location(response: &Response<()>) -> Option<&HeaderValue> {
    let moved = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    response.headers().get(LOCATION).filter(|_| moved)
}

/// Whether two URLs have the same origin: scheme, host and port (RFC 6454 §5).
pub(super) fn same_origin(a: &Target, b: &Target) -> bool {
    a.place == b.place
}

/// Where `location` leads from `from`. A user in it is not taken: who we are is not for a server to
/// say; that of `from` stays within its origin.
pub(super) fn follow(from: &Target, location: &HeaderValue) -> Result<Target, RedirectReason> {
    let bad = RedirectReason::Location;
    let text = location.to_str().map_err(|_| bad("it is not ASCII"))?;
    // A fragment is for browsers.
    let text = text.split('#').next().unwrap_or_default();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("it holds spaces or what is not ASCII"));
    }
    let mut target = match scheme(text) {
        Some((scheme, rest)) => absolute(&scheme, rest)?,
        None => match (text.strip_prefix("//"), &from.place) {
            (Some(_), Place::Tcp { tls, .. }) => {
                absolute(if *tls { "wss" } else { "ws" }, &format!(":{text}"))?
            }
            (Some(_), Place::Unix(_)) => return Err(bad("a unix socket has no scheme to inherit")),
            (None, _) => Target {
                place: from.place.clone(),
                path: merge(&from.path, text),
                user: None,
            },
        },
    };
    if PathAndQuery::try_from(&target.path).is_err() {
        return Err(bad("its path holds what no path may"));
    }
    if same_origin(from, &target) {
        target.user.clone_from(&from.user);
        return Ok(target);
    }
    target.user = None;
    match (&from.place, &target.place) {
        (Place::Tcp { tls: true, .. }, Place::Tcp { tls: false, .. }) => {
            Err(RedirectReason::Downgrade)
        }
        _ => Ok(target),
    }
}

/// The scheme of an absolute URL, and what comes from its colon on.
fn scheme(text: &str) -> Option<(String, &str)> {
    let colon = text.find(':')?;
    let (scheme, rest) = text.split_at(colon);
    let first = scheme.bytes().next()?.is_ascii_alphabetic();
    let others = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    (first && scheme.bytes().all(others)).then(|| (scheme.to_ascii_lowercase(), rest))
}

fn absolute(scheme: &str, rest: &str) -> Result<Target, RedirectReason> {
    let scheme = match scheme {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return Err(RedirectReason::Location("its scheme is none of the web's")),
    };
    url::target(&format!("{scheme}{rest}")).map_err(RedirectReason::Location)
}

/// A reference without host, from the path and query that it stands in (RFC 3986 §5.2).
fn merge(base: &str, reference: &str) -> String {
    let base_path = base.split('?').next().unwrap_or_default();
    let (path, query) = match reference.find('?') {
        Some(at) => reference.split_at(at),
        None => (reference, ""),
    };
    if path.is_empty() {
        let query = if query.is_empty() {
            base.get(base_path.len()..).unwrap_or_default()
        } else {
            query
        };
        return format!("{base_path}{query}");
    }
    let full = if path.starts_with('/') {
        path.to_owned()
    } else {
        let folder = base_path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{path}")
    };
    format!("{}{query}", without_dots(&full))
}

/// Resolves `.` and `..` (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
