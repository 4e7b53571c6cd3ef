//! JSON written by hand: fields in their order, in one allocation of the right size.

use crate::publication::Origin;
use crate::push::Member;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Writes twice: to count, then into a string of that size.
pub(crate) fn encode(write: impl Fn(&mut dyn Sink) -> fmt::Result) -> String {
    let mut counter = Counter(0);
    let mut text = String::new();
    // Neither of the two can fail: a counter and a string take everything.
    if write(&mut counter).is_ok() {
        text.reserve_exact(counter.0);
        let _ = write(&mut text);
    }
    text
}

/// Where JSON goes.
pub(crate) trait Sink: fmt::Write {
    /// Bytes as the inside of a string.
    fn base64(&mut self, bytes: &[u8]);
}

impl Sink for String {
    fn base64(&mut self, bytes: &[u8]) {
        STANDARD.encode_string(bytes, self);
    }
}

/// Counts bytes.
struct Counter(usize);

impl fmt::Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

impl Sink for Counter {
    fn base64(&mut self, bytes: &[u8]) {
        self.0 += bytes.len().div_ceil(3) * 4;
    }
}

/// A string of JSON. It escapes what JSON asks for and nothing else.
pub(crate) fn write_string(out: &mut dyn Sink, text: &str) -> fmt::Result {
    out.write_str("\"")?;
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        let (plain, special) = rest.split_at(at);
        let mut special = special.chars();
        out.write_str(plain)?;
        match special.next() {
            Some('"') => out.write_str("\\\"")?,
            Some('\\') => out.write_str("\\\\")?,
            Some('\n') => out.write_str("\\n")?,
            Some('\r') => out.write_str("\\r")?,
            Some('\t') => out.write_str("\\t")?,
            Some(control) => write!(out, "\\u{:04x}", u32::from(control))?,
            None => {}
        }
        rest = special.as_str();
    }
    out.write_str(rest)?;
    out.write_str("\"")
}

pub(crate) fn write_field(out: &mut dyn Sink, name: &str, text: &str) -> fmt::Result {
    write!(out, ",\"{name}\":")?;
    write_string(out, text)
}

pub(crate) fn write_optional(out: &mut dyn Sink, name: &str, text: Option<&str>) -> fmt::Result {
    text.map_or(Ok(()), |text| write_field(out, name, text))
}

/// `{"client":…,"name":…,"user":…}`, each if it is known.
pub(crate) fn write_origin(out: &mut dyn Sink, origin: &Origin) -> fmt::Result {
    let mut before = "{";
    let fields = [
        ("client", &origin.client),
        ("name", &origin.name),
        ("user", &origin.user),
    ];
    for (name, text) in fields {
        if let Some(text) = text {
            write!(out, "{before}\"{name}\":")?;
            write_string(out, text)?;
            before = ",";
        }
    }
    out.write_str(if before == "{" { "{}" } else { "}" })
}

/// `"session":…,"client":…,"name":…,"user":…`
pub(crate) fn write_member(out: &mut dyn Sink, member: &Member) -> fmt::Result {
    out.write_str("\"session\":")?;
    write_string(out, &member.session)?;
    write_optional(out, "client", member.origin.client.as_deref())?;
    write_optional(out, "name", member.origin.name.as_deref())?;
    write_optional(out, "user", member.origin.user.as_deref())
}

/// Writes the elements of an array, each in braces.
pub(crate) fn write_objects<T>(
    out: &mut dyn Sink,
    name: &str,
    items: &[T],
    write: impl Fn(&mut dyn Sink, &T) -> fmt::Result,
) -> fmt::Result {
    write!(out, "\"{name}\":[")?;
    for (at, item) in items.iter().enumerate() {
        out.write_str(if at == 0 { "{" } else { ",{" })?;
        write(out, item)?;
        out.write_str("}")?;
    }
    out.write_str("]")
}
