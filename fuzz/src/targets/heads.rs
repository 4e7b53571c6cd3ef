//! HTTP/1.1 heads read naively, to check what the core accepted and what it wrote.

/// A head: its first line, and its fields in order, names in lower case, values trimmed.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) start: String,
    pub(super) fields: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Reads a whole head.
    ///
    /// # Panics
    ///
    /// If it is not one that every HTTP implementation reads alike.
    pub(super) fn read(raw: &[u8]) -> Self {
        let body = raw
            .strip_suffix(b"\r\n\r\n")
            .expect("a head ends with an empty line");
        let mut lines = Vec::new();
        let mut rest = body;
        while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
            lines.push(&rest[..at]);
            rest = &rest[at + 2..];
        }
        lines.push(rest);
        for line in &lines {
            assert!(!line.is_empty(), "an empty line within a head");
            let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7F;
            assert!(
                !line.iter().any(control),
                "a control byte: {:?}",
                line.escape_ascii()
            );
        }
        // A reason phrase may hold anything that is no control character.
        let start = String::from_utf8_lossy(lines.remove(0)).into_owned();
        let fields = lines.into_iter().map(field).collect();
        Self { start, fields }
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> Vec<&[u8]> {
        let fields = self.fields.iter().filter(|(field, _)| field == name);
        fields.map(|(_, value)| value.as_slice()).collect()
    }

    /// The value of a field that must be there once.
    pub(super) fn one(&self, name: &str) -> &[u8] {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} must be there once");
        all[0]
    }

    /// Whether a list field has this element, in any case.
    pub(super) fn lists(&self, name: &str, wanted: &str) -> bool {
        self.elements(name)
            .iter()
            .any(|element| element.eq_ignore_ascii_case(wanted))
    }

    /// The elements of a list field without quoted strings, over all its lines.
    pub(super) fn elements(&self, name: &str) -> Vec<String> {
        let elements = self
            .all(name)
            .into_iter()
            .flat_map(|value| value.split(|b| *b == b','));
        let text = |element| String::from_utf8_lossy(trim(element)).into_owned();
        elements
            .map(text)
            .filter(|element| !element.is_empty())
            .collect()
    }
}

fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .expect("a field has a colon");
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    assert!(
        is_token(name),
        "a field name {:?}",
        name.escape_ascii().to_string()
    );
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    (name, value.to_vec())
}

/// Whether this is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(tchar)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = bytes
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// The 16 bytes of a key in base64; `None` if it is none. Unused bits are not looked at.
pub(super) fn key(text: &[u8]) -> Option<[u8; 16]> {
    let digits = text
        .strip_suffix(b"==")
        .filter(|digits| digits.len() == 22)?;
    let mut bits = 0u128;
    let mut last = 0;
    for (at, digit) in digits.iter().enumerate() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        if at < 21 {
            bits = bits << 6 | u128::from(value)
        } else {
            last = value
        }
    }
    Some((bits << 2 | u128::from(last >> 4)).to_be_bytes())
}
