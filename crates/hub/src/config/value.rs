//! How one value is written: sizes, durations, counts, words, lists.

use super::nearest::nearest;
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

/// A value of any source.
pub(super) enum Value<'a> {
    /// Of a file: typed by its syntax.
    Typed(&'a DeValue<'a>),
    /// Of the environment or a flag: text that is read as the option asks.
    Bare(&'a str),
    /// Of a flag that may be repeated.
    Many(&'a [String]),
}

const DAY: u64 = 24 * 3600 * 1000;
/// Longest duration, in milliseconds: a hundred years. What is longer was meant otherwise.
pub(super) const MAX_DURATION: u64 = 36_525 * DAY;
/// Largest size, in bytes.
const MAX_SIZE: u64 = 1 << 40;

impl Value<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Typed(value) => value.as_str(),
            Self::Bare(text) => Some(text),
            Self::Many(_) => None,
        }
    }

    /// What stands there, for a sentence.
    fn shown(&self) -> String {
        match self {
            Self::Typed(DeValue::Integer(number)) => number.to_string(),
            Self::Typed(DeValue::Float(number)) => number.to_string(),
            Self::Typed(DeValue::Boolean(yes)) => yes.to_string(),
            Self::Typed(value) => match value.as_str() {
                Some(text) => quoted(text),
                None => match value {
                    DeValue::Array(_) => "a list".to_owned(),
                    DeValue::Table(_) => "a table".to_owned(),
                    _ => "a date".to_owned(),
                },
            },
            Self::Bare(text) => quoted(text),
            Self::Many(_) => "a list".to_owned(),
        }
    }

    /// Text as it is.
    pub(super) fn string(&self) -> Result<&str, String> {
        let wrong = || format!("{} is not a text: put it in quotes", self.shown());
        self.text().ok_or_else(wrong)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self {
            Self::Typed(DeValue::Boolean(yes)) => Ok(*yes),
            Self::Bare("true") => Ok(true),
            Self::Bare("false") => Ok(false),
            _ => Err(format!("{} is neither true nor false", self.shown())),
        }
    }

    /// A number without unit, within bounds.
    pub(super) fn count(&self, least: u64, most: u64) -> Result<u64, String> {
        let number = match self {
            Self::Typed(DeValue::Integer(number)) => whole(number),
            Self::Bare(text) => text.replace('_', "").parse::<i128>().ok(),
            _ => None,
        };
        let Some(number) = number else {
            return Err(format!(
                "{} is not a whole number: write it without quotes and unit",
                self.shown()
            ));
        };
        match u64::try_from(number) {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("{number} is not from {least} to {most}")),
        }
    }

    /// Bytes: `"64KiB"`, or a number of bytes.
    pub(super) fn size(&self, least: u64) -> Result<usize, String> {
        let bytes = match self {
            Self::Typed(DeValue::Integer(number)) => {
                whole(number).and_then(|number| u64::try_from(number).ok())
            }
            _ => self.text().and_then(size),
        };
        let wrong = || {
            format!(
                "{} is not a size: write for example \"64KiB\", \"16MiB\" or a number of bytes",
                self.shown()
            )
        };
        let bytes = bytes.ok_or_else(wrong)?;
        if bytes < least {
            return Err(format!(
                "{} is too little: at least {}",
                self.shown(),
                show_size(least)
            ));
        }
        usize::try_from(bytes)
            .ok()
            .filter(|_| bytes <= MAX_SIZE)
            .ok_or_else(|| format!("{} is more than any machine holds", self.shown()))
    }

    /// Milliseconds: `"25s"`, `"500ms"`, `"5m"`, `"2h"`, `"30d"`.
    pub(super) fn duration(&self, least: u64) -> Result<u64, String> {
        let wrong = || {
            format!(
                "{} is not a duration: write a number with its unit in quotes, for example \
                 \"500ms\", \"25s\", \"5m\", \"2h\" or \"30d\"",
                self.shown()
            )
        };
        let millis = self.text().and_then(duration).ok_or_else(wrong)?;
        if millis < least {
            Err(format!(
                "{} is too short: at least {}",
                self.shown(),
                show_duration(least)
            ))
        } else if millis > MAX_DURATION {
            Err(format!("{} is longer than a hundred years", self.shown()))
        } else {
            Ok(millis)
        }
    }

    /// Texts: a list in a file, separated by commas in the environment.
    pub(super) fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::Many(list) => Ok(list.to_vec()),
            Self::Bare(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()),
            Self::Typed(value) => {
                let wrong = || {
                    format!(
                        "{} is not a list of texts: write [\"one\", \"two\"]",
                        self.shown()
                    )
                };
                let array = value.as_array().ok_or_else(wrong)?;
                let texts = array.iter().map(|item| item.get_ref().as_str());
                texts
                    .map(|text| text.map(str::to_owned).ok_or_else(wrong))
                    .collect()
            }
        }
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let found = words.iter().find(|(word, _)| Some(*word) == self.text());
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| quoted(word)).collect();
            let near = self
                .text()
                .and_then(|text| nearest(text, words.iter().map(|(word, _)| *word)))
                .map(|word| format!(" (did you mean \"{word}\"?)"))
                .unwrap_or_default();
            format!("{} is not one of {}{near}", self.shown(), all.join(", "))
        })
    }
}

/// A file's number, whatever its base.
fn whole(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A text between quotes, cut and escaped: it may come from anywhere.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(100)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(100).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// `12.5x` as 12.5 and `x`.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    (number, unit.trim_start())
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn duration(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => DAY,
        "" if number == "0" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The largest unit that gives a whole number.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("\"{}{unit}\"", bytes / factor);
        }
    }
    bytes.to_string()
}

/// The same of a duration.
pub(super) fn show_duration(millis: u64) -> String {
    for (unit, factor) in [("d", DAY), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis.is_multiple_of(factor) && (millis > 0 || unit == "s") {
            return format!("\"{}{unit}\"", millis / factor);
        }
    }
    format!("\"{millis}ms\"")
}

/// The place where a value of a file begins.
pub(super) fn start<T>(spanned: &Spanned<T>) -> usize {
    spanned.span().start
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn typed<T>(toml: &str, read: impl Fn(Value<'_>) -> T) -> T {
        let value = DeValue::parse(toml).unwrap();
        read(Value::Typed(value.get_ref()))
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (toml, bytes) in [
            ("65536", 65536),
            ("0x1_0000", 65536),
            ("'64KiB'", 65536),
            ("'64 k'", 65536),
            ("'1MiB'", 1 << 20),
            ("'2g'", 2 << 30),
            ("'17'", 17),
        ] {
            assert_eq!(typed(toml, |value| value.size(1)), Ok(bytes), "{toml}");
        }
        for toml in [
            "0",
            "-1",
            "1.5",
            "'1.5M'",
            "''",
            "'M'",
            "'64KiBs'",
            "'25s'",
            "true",
            "[1]",
            "'99999999999G'",
            "'99999999999999999999999'",
            "99999999999999999999999",
            "'1T'",
            "1979-05-27",
            "{}",
            "'²'",
        ] {
            assert!(typed(toml, |value| value.size(1)).is_err(), "{toml}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (toml, millis) in [
            ("'500ms'", 500),
            ("'25s'", 25_000),
            ("'5 m'", 300_000),
            ("'2h'", 7_200_000),
            ("'30d'", 30 * DAY),
            ("'0'", 0),
            ("'0s'", 0),
        ] {
            assert_eq!(typed(toml, |value| value.duration(0)), Ok(millis), "{toml}");
        }
        for toml in [
            "25",
            "'25'",
            "'64KiB'",
            "'-5s'",
            "'1.5h'",
            "'1y'",
            "'5S'",
            "'36526d'",
            "''",
            "'s'",
            "'99999999999999999999d'",
            "'18446744073709551615d'",
            "true",
        ] {
            let wrong = typed(toml, |value| value.duration(0)).unwrap_err();
            assert!(wrong.len() < 250, "{wrong}");
        }
        assert!(
            typed("25", |value| value.duration(0))
                .unwrap_err()
                .contains("\"25s\"")
        );
        assert!(
            typed("'1ms'", |value| value.duration(1000))
                .unwrap_err()
                .contains("\"1s\"")
        );
    }

    #[test]
    fn what_is_shown_reads_back() {
        for bytes in [1, 1000, 1024, 65536, 3 << 20, 7 << 30, 1 << 40] {
            let shown = show_size(bytes);
            assert_eq!(
                typed(&shown, |value| value.size(1)),
                Ok(bytes as usize),
                "{shown}"
            );
        }
        for millis in [0, 1, 999, 1000, 90_000, 3_600_000, 5 * DAY, MAX_DURATION] {
            let shown = show_duration(millis);
            assert_eq!(
                typed(&shown, |value| value.duration(0)),
                Ok(millis),
                "{shown}"
            );
        }
    }

    #[test]
    fn counts_words_and_lists() {
        assert_eq!(typed("1_000", |value| value.count(1, 5000)), Ok(1000));
        assert_eq!(Value::Bare("1000").count(1, 5000), Ok(1000));
        for toml in [
            "0",
            "5001",
            "-1",
            "'7'",
            "7.0",
            "99999999999999999999999999999999999999999999",
        ] {
            assert!(typed(toml, |value| value.count(1, 5000)).is_err(), "{toml}");
        }
        let words = [("nobody", 0), ("anyone", 1)];
        assert_eq!(typed("'anyone'", |value| value.word(&words)), Ok(1));
        let wrong = typed("'anyoone'", |value| value.word(&words)).unwrap_err();
        assert!(wrong.ends_with("(did you mean \"anyone\"?)"), "{wrong}");
        assert!(typed("3", |value| value.word(&words)).is_err());
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(typed("['a', 'b']", |value| value.list()), Ok(list("a b")));
        assert_eq!(Value::Bare(" a, b,").list(), Ok(list("a b")));
        assert!(typed("['a', 1]", |value| value.list()).is_err());
        assert!(typed("'a'", |value| value.list()).is_err());
    }
}
