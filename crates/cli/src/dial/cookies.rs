//! Cookie jars in the format of Netscape's browser, which curl, wget and browser extensions write.

use std::time::{SystemTime, UNIX_EPOCH};

use super::place::Place;
use crate::args::dial_values::cookie_pair;

/// The cookies of a jar that are for `place`, the most particular path first (RFC 6265 §5.4).
pub(super) fn matching(jar: &str, place: &Place) -> Result<Vec<(String, String)>, String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let mut found = Vec::new();
    for (number, line) in jar.lines().enumerate() {
        let at = |why: String| format!("line {}: {why}", number + 1);
        let line = line.trim_end_matches('\r');
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let cookie = Cookie::read(line).map_err(at)?;
        if cookie.is_for(place, now) {
            let pair = cookie_pair(cookie.name, cookie.value).map_err(at)?;
            found.push((cookie.path.len(), pair));
        }
    }
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    Ok(found.into_iter().map(|(_, pair)| pair).collect())
}

/// One line of a jar.
struct Cookie<'a> {
    domain: &'a str,
    /// Whether hosts below the domain get it too.
    below: bool,
    path: &'a str,
    secure: bool,
    /// Seconds since 1970; 0: the end of the browser's session.
    expires: u64,
    name: &'a str,
    value: &'a str,
}

impl<'a> Cookie<'a> {
    fn read(line: &'a str) -> Result<Cookie<'a>, String> {
        let fields: Vec<&str> = line.splitn(7, '\t').collect();
        let [domain, below, path, secure, expires, name, rest @ ..] = fields.as_slice() else {
            return Err(format!(
                "{} fields, not the 7 of a cookie jar (Netscape format), with tabs between them",
                fields.len()
            ));
        };
        // Some programs write fractions, and -1 for sessions.
        let expires: f64 = expires
            .parse()
            .map_err(|_| format!("{expires:?} is no time in seconds since 1970"))?;
        Ok(Cookie {
            domain: domain.trim_start_matches('.'),
            below: below.eq_ignore_ascii_case("true") || domain.starts_with('.'),
            path,
            secure: secure.eq_ignore_ascii_case("true"),
            expires: expires.max(0.0) as u64,
            name,
            value: rest.first().copied().unwrap_or_default(),
        })
    }

    /// RFC 6265 §5.4.
    fn is_for(&self, place: &Place, now: u64) -> bool {
        (self.expires == 0 || self.expires > now)
            && (!self.secure || place.tls)
            && self.has_host(place)
            && self.has_path(&place.path)
    }

    fn has_host(&self, place: &Place) -> bool {
        let domain = self.domain.to_ascii_lowercase();
        let above = place.host.strip_suffix(&domain);
        match above {
            Some("") => !domain.is_empty(),
            Some(rest) => {
                self.below && !domain.is_empty() && rest.ends_with('.') && place.ip().is_none()
            }
            None => false,
        }
    }

    /// RFC 6265 §5.1.4.
    fn has_path(&self, path: &str) -> bool {
        let rest = match self.path {
            "" | "/" => return true,
            own => path.strip_prefix(own),
        };
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const JAR: &str = "# Netscape HTTP Cookie File\n\n\
        h.example\tFALSE\t/\tFALSE\t0\tall\t1\n\
        .h.example\tTRUE\t/\tFALSE\t99999999999\tbelow\t2\n\
        #HttpOnly_h.example\tFALSE\t/chat\tFALSE\t0\tpath\t3 \"x\"\r\n\
        h.example\tFALSE\t/\tTRUE\t0\tsecret\t4\n\
        h.example\tFALSE\t/\tFALSE\t1000\told\t5\n\
        other.example\tTRUE\t/\tFALSE\t0\tother\t6\n\
        h.example\tFALSE\t/\tFALSE\t-1\tempty\n";

    fn names(url: &str) -> Vec<String> {
        let place = Place::of(url).unwrap();
        let found = matching(JAR, &place).unwrap();
        found.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_jar_gives_what_is_for_the_url() {
        assert_eq!(names("ws://h.example/"), ["all", "below", "empty"]);
        assert_eq!(names("ws://h.example/chat/x")[0], "path");
        assert_eq!(names("ws://h.example/chatter"), ["all", "below", "empty"]);
        assert!(names("wss://h.example/").contains(&"secret".to_owned()));
        assert_eq!(names("ws://a.h.example/"), ["below"]);
        assert!(names("ws://ah.example/").is_empty());
        assert!(names("ws://127.0.0.1/").is_empty());
    }

    #[test]
    fn a_jar_that_is_none_is_named_by_its_line() {
        let place = Place::of("ws://h/").unwrap();
        for (jar, part) in [
            ("# fine\n{\"cookies\": []}", "line 2: 1 fields"),
            ("h\tFALSE\t/\tFALSE\tsoon\ta\tb", "line 1: \"soon\""),
            ("h\tFALSE\t/\tFALSE\t0\ta b\tc", "line 1: byte 2"),
            (
                "h\tFALSE\t/\tFALSE\t0\ta\t\u{1b}[2J",
                "line 1: byte 1 (0x1b)",
            ),
        ] {
            let why = matching(jar, &place).unwrap_err();
            assert!(why.starts_with(part), "{why}");
        }
        let nothing = "\tTRUE\t/\tFALSE\t0\ta\tb\n.\tTRUE\t/\tFALSE\t0\ta\tb";
        assert_eq!(matching(nothing, &place).unwrap(), []);
    }
}
