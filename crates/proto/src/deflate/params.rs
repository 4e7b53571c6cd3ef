//! The negotiation of permessage-deflate (RFC 7692 §5 and §7.1): offer, answer, judgement.

use std::fmt::{self, Write as _};

use super::{DeflateConfig, MAX_WINDOW_BITS, MIN_WINDOW_BITS, window_bits};

#[cfg(test)]
mod tests;

/// The extension's token in `Sec-WebSocket-Extensions` (RFC 7692 §7).
pub const NAME: &str = "permessage-deflate";

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// What both ends agreed on. The default is an agreement with no parameter at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Params {
    /// The server starts each message with an empty window.
    pub server_no_context_takeover: bool,
    /// The client starts each message with an empty window.
    pub client_no_context_takeover: bool,
    /// The server's largest window, 8..=15.
    pub server_max_window_bits: u8,
    /// The client's largest window, 8..=15.
    pub client_max_window_bits: u8,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_WINDOW_BITS,
            client_max_window_bits: MAX_WINDOW_BITS,
        }
    }
}

impl Params {
    /// Window bits of what this end sends, and whether its window outlives a message.
    #[must_use]
    pub fn encoder(&self, role_is_server: bool) -> (u8, bool) {
        if role_is_server {
            (
                self.server_max_window_bits,
                !self.server_no_context_takeover,
            )
        } else {
            (
                self.client_max_window_bits,
                !self.client_no_context_takeover,
            )
        }
    }

    /// Window bits of what this end receives, and whether the peer's window outlives a message.
    #[must_use]
    pub fn decoder(&self, role_is_server: bool) -> (u8, bool) {
        self.encoder(!role_is_server)
    }
}

/// Why the client refuses the server's answer; the connection must then be failed
/// (RFC 7692 §5.1, §7.1). The server is at fault in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The answer names a parameter that RFC 7692 does not define.
    UnknownParameter(String),
    /// The answer names a parameter twice.
    DuplicateParameter(&'static str),
    /// A flag was given a value, or window bits are not a decimal number 8..=15 without leading
    /// zeros.
    InvalidValue {
        /// The parameter.
        parameter: &'static str,
        /// What it was given.
        value: String,
    },
    /// Window bits without their value, which only an offer may leave out.
    MissingValue(&'static str),
    /// The offer asked for `server_no_context_takeover` and the answer lacks it
    /// (RFC 7692 §7.1.1.1).
    ServerTakeoverKept,
    /// The offer limited the server's window and the answer lacks `server_max_window_bits`
    /// (RFC 7692 §7.1.2.1).
    ServerWindowUnlimited {
        /// The limit that was offered.
        offered: u8,
    },
    /// The answer's `server_max_window_bits` is larger than the offer allowed
    /// (RFC 7692 §7.1.2.1).
    ServerWindowTooLarge {
        /// The limit that was offered.
        offered: u8,
        /// What the server took.
        answered: u8,
    },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server's answer to permessage-deflate is invalid: ")?;
        match self {
            Self::UnknownParameter(name) => write!(f, "unknown parameter {name:?}"),
            Self::DuplicateParameter(name) => write!(f, "{name} appears twice"),
            Self::InvalidValue { parameter, value } => {
                write!(f, "{parameter} cannot be {value:?}")
            }
            Self::MissingValue(name) => write!(f, "{name} needs a value"),
            Self::ServerTakeoverKept => write!(f, "{SERVER_NO_CONTEXT_TAKEOVER} was required"),
            Self::ServerWindowUnlimited { offered } => {
                write!(f, "{SERVER_MAX_WINDOW_BITS}={offered} was required")
            }
            Self::ServerWindowTooLarge { offered, answered } => write!(
                f,
                "{SERVER_MAX_WINDOW_BITS}={answered} where at most {offered} was offered"
            ),
        }?;
        f.write_str("; correct the server, or connect without compression")
    }
}

impl std::error::Error for AnswerError {}

/// The client's offers, in order of preference, as the value of `Sec-WebSocket-Extensions`.
///
/// A limit on the client's own window is a courtesy to the server, which some servers do not
/// know with a value; so it is followed by the same offer without that value. Conditions on the
/// server stand in every offer.
#[must_use]
pub fn offer(config: &DeflateConfig) -> String {
    let mut text = String::new();
    let bits = window_bits(config.client_max_window_bits);
    if bits < MAX_WINDOW_BITS {
        push_offer(&mut text, config);
        push_bits(&mut text, CLIENT_MAX_WINDOW_BITS, bits);
        text.push_str(", ");
    }
    push_offer(&mut text, config);
    // Without a value: this client can be told its window (RFC 7692 §7.1.2.2).
    push_flag(&mut text, CLIENT_MAX_WINDOW_BITS, true);
    text
}

fn push_offer(text: &mut String, config: &DeflateConfig) {
    text.push_str(NAME);
    push_flag(
        text,
        SERVER_NO_CONTEXT_TAKEOVER,
        config.server_no_context_takeover,
    );
    push_flag(
        text,
        CLIENT_NO_CONTEXT_TAKEOVER,
        config.client_no_context_takeover,
    );
    let bits = window_bits(config.server_max_window_bits);
    if bits < MAX_WINDOW_BITS {
        push_bits(text, SERVER_MAX_WINDOW_BITS, bits);
    }
}

fn push_flag(text: &mut String, name: &str, set: bool) {
    if set {
        text.push_str("; ");
        text.push_str(name);
    }
}

fn push_bits(text: &mut String, name: &str, bits: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "; {name}={bits}");
}

/// The server's judgement of one offer: what is agreed and the whole answer for
/// `Sec-WebSocket-Extensions`, or `None` to decline and look at the client's next offer.
///
/// `offer` holds the parameters after the name, values without their quotes. An offer is declined
/// when it is malformed (RFC 7692 §7.1: unknown or repeated parameter, bad or missing value) or
/// when the client's window cannot be limited as `config` demands.
#[must_use]
pub fn answer(config: &DeflateConfig, offer: &[(&str, Option<&str>)]) -> Option<(Params, String)> {
    let offer = Given::read(offer).ok()?;
    // §7.1.2.1: a value is required in the offer too.
    let server_limit = match offer.server_max_window_bits {
        Some(Bits::NoValue) => return None,
        Some(Bits::Value(bits)) => Some(bits),
        None => None,
    };
    let client_limit = match offer.client_max_window_bits {
        // §7.1.2.2: what was not offered must not be answered, so the client cannot be limited.
        None if window_bits(config.client_max_window_bits) < MAX_WINDOW_BITS => return None,
        None | Some(Bits::NoValue) => MAX_WINDOW_BITS,
        Some(Bits::Value(bits)) => bits,
    };
    let params = Params {
        // §7.1.1.1: asked for, it must be granted; not asked for, it may still be declared.
        server_no_context_takeover: offer.server_no_context_takeover
            || config.server_no_context_takeover,
        // §7.1.1.2: a hint in the offer, which is held to by repeating it; ours to demand.
        client_no_context_takeover: offer.client_no_context_takeover
            || config.client_no_context_takeover,
        server_max_window_bits: window_bits(config.server_max_window_bits)
            .min(server_limit.unwrap_or(MAX_WINDOW_BITS)),
        client_max_window_bits: window_bits(config.client_max_window_bits).min(client_limit),
    };
    let mut text = String::from(NAME);
    push_flag(
        &mut text,
        SERVER_NO_CONTEXT_TAKEOVER,
        params.server_no_context_takeover,
    );
    push_flag(
        &mut text,
        CLIENT_NO_CONTEXT_TAKEOVER,
        params.client_no_context_takeover,
    );
    // §7.1.2.1: a limit that was asked for is confirmed, whatever its size.
    if server_limit.is_some() || params.server_max_window_bits < MAX_WINDOW_BITS {
        push_bits(
            &mut text,
            SERVER_MAX_WINDOW_BITS,
            params.server_max_window_bits,
        );
    }
    if params.client_max_window_bits < MAX_WINDOW_BITS {
        push_bits(
            &mut text,
            CLIENT_MAX_WINDOW_BITS,
            params.client_max_window_bits,
        );
    }
    Some((params, text))
}

/// The client's judgement of the server's answer to what [`offer`] wrote for the same `config`.
///
/// `answer` holds the parameters after the name, values without their quotes.
///
/// # Errors
/// One [`AnswerError`] per rule broken; the client must then fail the connection
/// (RFC 7692 §5.1).
pub fn judge(
    config: &DeflateConfig,
    answer: &[(&str, Option<&str>)],
) -> Result<Params, AnswerError> {
    let answer = Given::read(answer)?;
    // §7.1.1.1: accepting this request means repeating it.
    if config.server_no_context_takeover && !answer.server_no_context_takeover {
        return Err(AnswerError::ServerTakeoverKept);
    }
    let offered = window_bits(config.server_max_window_bits);
    let server_max_window_bits = match answer.server_max_window_bits {
        Some(Bits::NoValue) => return Err(AnswerError::MissingValue(SERVER_MAX_WINDOW_BITS)),
        // §7.1.2.1: the same or a smaller value.
        Some(Bits::Value(answered)) if answered > offered => {
            return Err(AnswerError::ServerWindowTooLarge { offered, answered });
        }
        Some(Bits::Value(answered)) => answered,
        // §7.1.2.1: accepting a limit means repeating it.
        None if offered < MAX_WINDOW_BITS => {
            return Err(AnswerError::ServerWindowUnlimited { offered });
        }
        None => MAX_WINDOW_BITS,
    };
    let client_limit = match answer.client_max_window_bits {
        Some(Bits::NoValue) => return Err(AnswerError::MissingValue(CLIENT_MAX_WINDOW_BITS)),
        // Every set of offers holds one with `client_max_window_bits` and no value, so any legal
        // value answers an offer that was made (§7.1.2.2).
        Some(Bits::Value(bits)) => bits,
        None => MAX_WINDOW_BITS,
    };
    Ok(Params {
        server_no_context_takeover: answer.server_no_context_takeover,
        // §7.1.1.2: what this client offered it keeps, confirmed or not.
        client_no_context_takeover: answer.client_no_context_takeover
            || config.client_no_context_takeover,
        server_max_window_bits,
        client_max_window_bits: window_bits(config.client_max_window_bits).min(client_limit),
    })
}

/// Window bits as they stand in a header.
#[derive(Clone, Copy)]
enum Bits {
    NoValue,
    Value(u8),
}

/// Parameters as they stand in a header, each at most once and well formed.
#[derive(Default)]
struct Given {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Bits>,
    client_max_window_bits: Option<Bits>,
}

impl Given {
    /// RFC 7692 §7.1: unknown names, repeated names and invalid values make it all invalid.
    fn read(parameters: &[(&str, Option<&str>)]) -> Result<Self, AnswerError> {
        let mut given = Self::default();
        for &(name, value) in parameters {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is(SERVER_NO_CONTEXT_TAKEOVER) {
                flag(
                    &mut given.server_no_context_takeover,
                    SERVER_NO_CONTEXT_TAKEOVER,
                    value,
                )?;
            } else if is(CLIENT_NO_CONTEXT_TAKEOVER) {
                flag(
                    &mut given.client_no_context_takeover,
                    CLIENT_NO_CONTEXT_TAKEOVER,
                    value,
                )?;
            } else if is(SERVER_MAX_WINDOW_BITS) {
                bits(
                    &mut given.server_max_window_bits,
                    SERVER_MAX_WINDOW_BITS,
                    value,
                )?;
            } else if is(CLIENT_MAX_WINDOW_BITS) {
                bits(
                    &mut given.client_max_window_bits,
                    CLIENT_MAX_WINDOW_BITS,
                    value,
                )?;
            } else {
                return Err(AnswerError::UnknownParameter(name.to_owned()));
            }
        }
        Ok(given)
    }
}

fn flag(slot: &mut bool, name: &'static str, value: Option<&str>) -> Result<(), AnswerError> {
    if std::mem::replace(slot, true) {
        return Err(AnswerError::DuplicateParameter(name));
    }
    // §7.1.1.1, §7.1.1.2: no value.
    match value {
        Some(value) => Err(AnswerError::InvalidValue {
            parameter: name,
            value: value.to_owned(),
        }),
        None => Ok(()),
    }
}

fn bits(
    slot: &mut Option<Bits>,
    name: &'static str,
    value: Option<&str>,
) -> Result<(), AnswerError> {
    let found = match value {
        None => Bits::NoValue,
        Some(text) => Bits::Value(parse_bits(text).ok_or_else(|| AnswerError::InvalidValue {
            parameter: name,
            value: text.to_owned(),
        })?),
    };
    match slot.replace(found) {
        Some(_) => Err(AnswerError::DuplicateParameter(name)),
        None => Ok(()),
    }
}

/// §7.1.2.1: a decimal integer without leading zeros, 8 to 15.
fn parse_bits(text: &str) -> Option<u8> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let bits = text.parse().ok()?;
    (MIN_WINDOW_BITS..=MAX_WINDOW_BITS)
        .contains(&bits)
        .then_some(bits)
}
