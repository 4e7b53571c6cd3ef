//! The full pages, as `web/` builds them: a table that the build script writes, and how its files are served.

use super::answers::{self, HTML};
use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION,
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// A file of the pages.
pub(crate) struct File {
    /// Its path; of `/chat/*`, every path with one more part.
    pub(crate) url: &'static str,
    /// What it is called among its sources.
    pub(crate) file: &'static str,
    /// The same for both forms of it.
    pub(crate) tag: &'static str,
    pub(crate) body: &'static [u8],
    /// If that is smaller.
    pub(crate) gzip: Option<&'static [u8]>,
}

/// Everything that was built, or nothing.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The page of a chat room, and of every other channel.
pub(crate) const ROOM: &str = "/chat/*";

/// Scripts that pages of other sites load.
const FOR_ALL: [&str; 2] = ["/tidewire.js", "/chat.js"];

/// As the plain pages have it; besides, pictures may come from memory, and no text becomes markup or code but by a
/// policy of these names.
macro_rules! policy {
    ($names:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; ",
            "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
            "require-trusted-types-for 'script'; trusted-types ",
            $names
        )
    };
}

/// Of all files but the tester, which has the worker that runs regular expressions: its address is a script.
const POLICY: &str = policy!("'none'");
const TESTER: (&str, &str) = ("/tester", policy!("tidewire-matcher"));

/// Whether the full pages are in this binary.
pub(crate) fn is_embedded() -> bool {
    !FILES.is_empty()
}

/// Whether the path is a script that pages of any site may load.
pub(crate) fn is_for_all(path: &str) -> bool {
    FOR_ALL.contains(&path)
}

/// The file of exactly that path, as it was sent.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.url == path && path != ROOM)
}

/// The page of a room.
pub(crate) fn room() -> Option<&'static File> {
    FILES.iter().find(|file| file.url == ROOM)
}

/// Whether the path would be there if the full pages were.
pub(crate) fn is_of_full(path: &str) -> bool {
    matches!(path, "/tester" | "/demos" | "/tester.html")
        || is_for_all(path)
        || path.starts_with("/demos/")
}

impl File {
    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let mut answer = if is_known(asked, self.tag) {
            let mut answer = answers::answer(StatusCode::NOT_MODIFIED, self.kind(), Body::empty());
            answer.headers_mut().remove(http::header::CONTENT_TYPE);
            answer
        } else {
            let gzip = self.gzip.filter(|_| takes_gzip(asked));
            let body = Bytes::from_static(gzip.unwrap_or(self.body));
            let mut answer = answers::answer(StatusCode::OK, self.kind(), body);
            if gzip.is_some() {
                set(&mut answer, CONTENT_ENCODING, "gzip");
            }
            answer
        };
        let policy = if self.url == TESTER.0 {
            TESTER.1
        } else {
            POLICY
        };
        set(&mut answer, CONTENT_SECURITY_POLICY, policy);
        set(&mut answer, ETAG, self.tag);
        set(&mut answer, VARY, "Accept-Encoding");
        if self.is_immutable() {
            set(
                &mut answer,
                CACHE_CONTROL,
                "public, max-age=31536000, immutable",
            );
        }
        if is_for_all(self.url) {
            set(&mut answer, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            let policy = HeaderName::from_static("cross-origin-resource-policy");
            set(&mut answer, policy, "cross-origin");
        }
        if self.url == "/tester.html" {
            let name = "attachment; filename=\"tidewire-tester.html\"";
            set(&mut answer, CONTENT_DISPOSITION, name);
        }
        answer
    }

    fn kind(&self) -> &'static str {
        match self.file.rsplit('.').next() {
            Some("html") => HTML,
            Some("js") => answers::JAVASCRIPT,
            Some("css") => answers::CSS,
            Some("svg") => answers::SVG,
            Some("png") => "image/png",
            Some("json") => "application/json",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// Whether its name changes with its content: `/assets/NAME-HASH.js`, with ten characters of hash.
    fn is_immutable(&self) -> bool {
        let name = self.url.strip_prefix("/assets/").unwrap_or_default();
        let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
        stem.len() > 11 && stem.as_bytes().get(stem.len() - 11) == Some(&b'-')
    }
}

fn set(answer: &mut Response<Body>, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    answer.headers_mut().insert(name, value);
}

/// What the list of a header has, in lower case: the words between commas.
fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether who asks has this very content.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    words(headers, IF_NONE_MATCH).any(|known| known == "*" || bare(known) == bare(tag))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    words(headers, ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        // RFC 9110 §12.4.2; letters of a grammar have no case (RFC 5234 §2.3).
        let weight = weight
            .trim()
            .strip_prefix(['q', 'Q'])
            .and_then(|rest| rest.strip_prefix('='));
        let weight = weight.map(str::parse::<f32>);
        let refused = weight.is_some_and(|weight| !weight.is_ok_and(|weight| weight > 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for yes in [
            "gzip",
            "br, GZIP",
            "deflate;q=1, gzip ; q=0.1",
            "gzip;q=1.0",
        ] {
            assert!(takes_gzip(&asked(ACCEPT_ENCODING, yes)), "{yes}");
        }
        for no in [
            "",
            "br",
            "gzip;q=0",
            "gzip; Q=0.000",
            "x-gzip",
            "gzip;q=a",
            "*",
            "*;q=0",
        ] {
            assert!(!takes_gzip(&asked(ACCEPT_ENCODING, no)), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn who_has_it_gets_it_not_again() {
        let tag = "W/\"1-a\"";
        for yes in ["W/\"1-a\"", "\"1-a\"", "\"x\", W/\"1-a\"", "*"] {
            assert!(is_known(&asked(IF_NONE_MATCH, yes), tag), "{yes}");
        }
        for no in ["", "\"1-b\"", "1-a"] {
            assert!(!is_known(&asked(IF_NONE_MATCH, no), tag), "{no}");
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_good() {
        let of = |url| File {
            url,
            file: "x.js",
            tag: "",
            body: b"",
            gzip: None,
        };
        assert!(of("/assets/chat-Aa0_-Bb1Cc.js").is_immutable());
        for url in [
            "/",
            "/chat.js",
            "/assets/favicon.svg",
            "/assets/-Aa0_-Bb1Cc.js",
            "/demos/chat-Aa0_-Bb1Cc.js",
            "/assets/",
        ] {
            assert!(!of(url).is_immutable(), "{url}");
        }
    }
}
