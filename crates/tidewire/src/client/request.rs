//! What a client asks for, and what of it goes to whom.

use super::error::ConnectError;
use super::url::{Target, User};
use crate::DeflateConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::{HeaderName, HeaderValue};
use std::{fmt, io};
use tidewire_proto::handshake::{Key, client, headers};

/// What the user wants to be in the request. What it prints holds no value of a header.
#[derive(Clone)]
pub(super) struct Wanted {
    /// Names as given; `None`: a value that no header may have.
    headers: Vec<(String, Option<HeaderValue>)>,
    cookies: Vec<(String, String)>,
    pub(super) origin: Option<String>,
    pub(super) subprotocols: Vec<String>,
    pub(super) deflate: Option<DeflateConfig>,
    /// The protocol's version, if it is not to be 13.
    pub(super) version: Option<u8>,
}

impl Wanted {
    pub(super) fn new() -> Self {
        Self {
            headers: Vec::new(),
            cookies: Vec::new(),
            origin: None,
            subprotocols: Vec::new(),
            deflate: Some(DeflateConfig::default()),
            version: None,
        }
    }

    pub(super) fn header(&mut self, name: &str, value: Option<HeaderValue>) {
        self.headers.push((name.to_owned(), value));
    }

    pub(super) fn cookie(&mut self, name: &str, value: &str) {
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Takes the place of any other Authorization.
    pub(super) fn authorization(&mut self, value: Option<HeaderValue>) {
        self.only(&AUTHORIZATION, value);
    }

    /// Takes the place of any other Host.
    pub(super) fn host(&mut self, value: &str) {
        self.only(&HOST, HeaderValue::from_str(value).ok());
    }

    fn only(&mut self, name: &HeaderName, value: Option<HeaderValue>) {
        let name = name.as_str();
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.header(name, value);
    }

    /// The request to `target`. A `stranger` is another origin than that which the user named: it
    /// gets nothing that says who the user is.
    pub(super) fn compose(
        &self,
        target: &Target,
        stranger: bool,
    ) -> Result<client::Request, ConnectError> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let host = target.place.host_header();
        let mut request = client::Request::new(&host, &target.path, Key::new(key))?;
        if let Some(version) = self.version {
            request = request.danger_version(version);
        }
        if let Some(origin) = &self.origin {
            request = request.origin(origin)?;
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name)?;
        }
        let mut cookies = Vec::new();
        let mut authorized = false;
        for (name, value) in self.parsed_headers()? {
            if stranger && is_personal(&name, value) {
                continue;
            }
            if name == COOKIE {
                cookies.push(value.as_bytes().to_vec());
                continue;
            }
            authorized |= name == AUTHORIZATION;
            request = request.header(name, value.clone())?;
        }
        let own = self.cookie_pairs()?;
        if !stranger {
            cookies.extend(own);
        }
        // RFC 6265 §5.4: "the user agent MUST NOT attach more than one Cookie header field".
        if !cookies.is_empty() {
            let value = HeaderValue::from_bytes(&cookies.join(&b"; "[..]));
            let value = value.map_err(|_| ConnectError::InvalidHeader(COOKIE.to_string()))?;
            request = request.header(COOKIE, value)?;
        }
        match &target.user {
            Some(user) if !stranger && !authorized => {
                let value = user.basic().ok_or_else(invalid_authorization)?;
                request = request.header(AUTHORIZATION, value)?;
            }
            _ => {}
        }
        Ok(request.deflate(self.deflate.clone()))
    }

    fn parsed_headers(&self) -> Result<Vec<(HeaderName, &HeaderValue)>, ConnectError> {
        self.headers
            .iter()
            .map(|(name, value)| match (name.parse(), value) {
                (Ok(parsed), Some(value)) => Ok((parsed, value)),
                _ => Err(ConnectError::InvalidHeader(name.clone())),
            })
            .collect()
    }

    fn cookie_pairs(&self) -> Result<Vec<Vec<u8>>, ConnectError> {
        self.cookies
            .iter()
            .map(|(name, value)| {
                // RFC 6265 §4.1.1, but that quotes, commas, backslashes and spaces within are taken
                // in values: browsers send them, and they end nothing.
                let octet = |byte: u8| matches!(byte, b' '..=b'~') && byte != b';';
                let fine = headers::token(name.as_bytes()).is_some()
                    && value.bytes().all(octet)
                    && value.trim_matches(' ') == value;
                if fine {
                    Ok(format!("{name}={value}").into_bytes())
                } else {
                    Err(ConnectError::InvalidCookie(name.clone()))
                }
            })
            .collect()
    }
}

/// Whether a header says who the user is: the well-known ones, and those marked as sensitive. A Host
/// of the user's own is the first server's as well.
fn is_personal(name: &HeaderName, value: &HeaderValue) -> bool {
    [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST].contains(name) || value.is_sensitive()
}

fn invalid_authorization() -> ConnectError {
    ConnectError::InvalidHeader(AUTHORIZATION.to_string())
}

impl User {
    /// `Basic …` (RFC 7617 §2); None for a user name with a colon, which it cannot tell from the
    /// password.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        let bytes = [&self.name[..], b":", &self.password].concat();
        if self.name.contains(&b':') || bytes.iter().any(u8::is_ascii_control) {
            return None;
        }
        let value = format!("Basic {}", STANDARD.encode(bytes));
        secret(&value)
    }
}

/// A value that debuggers and strangers do not get to see; `None` if it cannot stand in a header.
pub(super) fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn names<T>(list: &[(String, T)]) -> Vec<&str> {
            list.iter().map(|(name, _)| name.as_str()).collect()
        }
        f.debug_struct("Wanted")
            .field("headers", &names(&self.headers))
            .field("cookies", &names(&self.cookies))
            .field("origin", &self.origin)
            // Some put their token into one of these.
            .field("subprotocols", &self.subprotocols.len())
            .field("deflate", &self.deflate)
            .field("version", &self.version)
            .finish()
    }
}
