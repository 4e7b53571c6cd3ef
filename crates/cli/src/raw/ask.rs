//! A request for a WebSocket as its parts, so that each can be changed, doubled or left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The head of a request. Names keep their spelling, lines their order, values their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Ask {
    /// Takes apart a head as a client wrote it; `None`: it is none.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        let mut lines = head
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let mut parts = first.split(' ');
        let [method, target, version] = [parts.next()?, parts.next()?, parts.next()?];
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let name = String::from_utf8(line[..colon].to_vec()).ok()?;
                Some((name, line[colon + 1..].trim_ascii().to_vec()))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version: version.to_owned(),
            headers,
        })
    }

    /// The bytes for the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} {}\r\n", self.method, self.target, self.version).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The first value under this name.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Takes out every line of this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.headers
            .retain(|(have, _)| !have.eq_ignore_ascii_case(name));
    }

    /// One line of this name, in the place of those that were there.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.add(name, value);
    }

    /// One more line.
    pub(crate) fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
    }

    /// Changes the spelling of each name.
    pub(crate) fn rename(&mut self, spell: impl Fn(&str) -> String) {
        for (name, _) in &mut self.headers {
            *name = spell(name);
        }
    }

    /// Takes out what asks for a WebSocket: what is left is a plain request for the same.
    pub(crate) fn plain(&mut self) {
        self.headers.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !name.starts_with("sec-websocket-") && name != "upgrade" && name != "connection"
        });
        self.add("Connection", "close");
    }

    /// A key of its own for the `number`th request, so that no answer can be an older one's.
    pub(crate) fn renew_key(&mut self, number: u64) {
        let old = self.get("Sec-WebSocket-Key").unwrap_or_default();
        let mut key = STANDARD.decode(old).unwrap_or_default();
        key.resize(16, 0);
        for (byte, change) in key.iter_mut().zip(number.to_le_bytes()) {
            *byte ^= change;
        }
        self.set("Sec-WebSocket-Key", STANDARD.encode(key));
    }

    /// What `Sec-WebSocket-Accept` has to be.
    pub(crate) fn accept(&self) -> String {
        let key = self.get("Sec-WebSocket-Key").unwrap_or_default();
        tidewire_proto::handshake::accept_value(key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEAD: &[u8] =
        b"GET /a?b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-A: \xff\r\nX-A: 2\r\n\r\n";

    #[test]
    fn a_head_is_taken_apart_and_put_together() {
        let ask = Ask::read(HEAD).unwrap();
        assert_eq!(ask.bytes(), HEAD);
        assert_eq!(ask.get("x-a"), Some(&b"\xff"[..]));
        assert_eq!(ask.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for wrong in [&b""[..], b"GET /", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
            assert_eq!(Ask::read(wrong), None);
        }
    }

    #[test]
    fn each_request_has_a_key_of_its_own() {
        let mut ask = Ask::read(HEAD).unwrap();
        let first = ask.accept();
        ask.renew_key(7);
        assert_ne!(ask.accept(), first);
        let key = ask.get("Sec-WebSocket-Key").unwrap();
        assert_eq!(STANDARD.decode(key).unwrap().len(), 16);
    }

    #[test]
    fn a_plain_request_asks_for_no_upgrade() {
        let mut ask = Ask::read(HEAD).unwrap();
        ask.plain();
        assert_eq!(
            ask.bytes(),
            b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-A: \xff\r\nX-A: 2\r\nConnection: close\r\n\r\n"
        );
    }
}
