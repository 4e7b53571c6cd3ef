//! How values on the command line are written.

use std::time::Duration;

/// `65536`, `64KiB`, `64k`, `1MiB`, `16M`, `1G`; K, M, G are powers of 1024.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not a size: write for example 65536, 64KiB or 16M");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: usize = text[..digits].parse().map_err(|_| wrong())?;
    let factor: usize = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    match number.checked_mul(factor) {
        Some(0) => Err("the size must be at least 1 byte".to_owned()),
        Some(bytes) if bytes <= 1 << 40 => Ok(bytes),
        _ => Err(format!("{text:?} is more than any machine holds")),
    }
}

/// `2`, `0.5`, `2s`, `500ms`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time: write seconds, as in 2, 0.5 or 500ms");
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !number.is_finite() || !(0.0..=1e9).contains(&(number * scale)) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(number * scale))
}

/// How long a client waits for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until the server closes.
    ForEver,
    /// This long.
    For(Duration),
}

/// A time, or `-1`: for ever.
pub(super) fn wait(text: &str) -> Result<Wait, String> {
    match text {
        "-1" => Ok(Wait::ForEver),
        _ => seconds(text).map(Wait::For),
    }
}

/// A token of RFC 9110 §5.6.2, which a subprotocol's name must be (RFC 6455 §4.1).
pub(super) fn token(text: &str) -> Result<String, String> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !text.is_empty() && text.bytes().all(ok) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} cannot be a subprotocol: letters, digits and !#$%&'*+-.^_`|~ only"
        ))
    }
}

/// What a page says where it is from.
pub(super) fn origin(text: &str) -> Result<String, String> {
    http::HeaderValue::from_str(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} cannot be an origin: write for example https://app.example"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("65536", 65536),
            ("64KiB", 65536),
            ("64k", 65536),
            ("1MiB", 1 << 20),
            ("16M", 16 << 20),
            ("2 gb", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "M",
            "1.5M",
            "-1",
            "99999999999999999999",
            "9999999999G",
            "1ü",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0.25s"), Ok(Duration::from_millis(250)));
        assert!(seconds("1e30").is_err());
        assert!(seconds("soon").is_err());
    }
}
