//! From text to commands, with an error for each that is none.

use super::fields::Fields;
use super::value::{self, Misfit};
use crate::channel::Channel;
use crate::code::ErrorCode;
use crate::command::{Command, CommandId, HistoryPage, Request};
use crate::name::guest_name;
use crate::position::Pos;
use crate::publication::Payload;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What a text message was.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// One object, or something that is no command at all.
    One(Result<Request, BadRequest>),
    /// An array: each element by itself, in order.
    Batch(Vec<Result<Request, BadRequest>>),
}

impl Decoded {
    /// The commands, in order.
    pub fn into_requests(self) -> impl Iterator<Item = Result<Request, BadRequest>> {
        let (one, batch) = match self {
            Self::One(one) => (Some(one), Vec::new()),
            Self::Batch(batch) => (None, batch),
        };
        one.into_iter().chain(batch)
    }
}

/// Why something is no command, and what would be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// The id of the answer, if one could be read.
    pub id: Option<CommandId>,
    /// What kind of failure.
    pub code: ErrorCode,
    /// What is wrong, and what would be right.
    pub message: Box<str>,
}

impl BadRequest {
    fn new(code: ErrorCode, message: impl Into<Box<str>>) -> Self {
        Self {
            id: None,
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for BadRequest {}

fn bad(message: impl Into<Box<str>>) -> BadRequest {
    BadRequest::new(ErrorCode::BadRequest, message)
}

const WHAT_IS_ONE: &str =
    r#"a command is a JSON object, such as {"op":"ping"}, or an array of such objects"#;

/// Reads one message of a client: an object, or an array of objects.
///
/// Time and memory are in proportion to the text, which the transport bounds. The bytes of a payload
/// are copied once.
#[must_use]
pub fn decode(text: &str) -> Decoded {
    let json = text.trim_matches([' ', '\t', '\r', '\n']);
    match json.as_bytes().first() {
        Some(b'{') => Decoded::One(command(json)),
        Some(b'[') => batch(json),
        _ => Decoded::One(Err(bad(WHAT_IS_ONE))),
    }
}

/// Reads what a publication holds from an object of its own, as the body of a request has it: exactly
/// one of `data`, `text` and `base64`.
///
/// # Errors
///
/// It is no such object.
pub fn decode_payload(text: &str) -> Result<Payload, BadRequest> {
    let fields = Fields::read(text)
        .map_err(|error| bad(format!("this is no JSON object: {error}")))?;
    if let Some(name) = fields.twice {
        return Err(twice(name));
    }
    Reader { fields: &fields }.payload()
}

fn twice(name: &str) -> BadRequest {
    bad(format!(
        "`{name}` is there twice; an object has each field once"
    ))
}

fn not_json(error: &serde_json::Error) -> BadRequest {
    bad(format!("this is not JSON: {error}; {WHAT_IS_ONE}"))
}

fn batch(json: &str) -> Decoded {
    let mut reader = serde_json::Deserializer::from_str(json);
    let elements = reader
        .deserialize_seq(Elements)
        .and_then(|elements| reader.end().map(|()| elements));
    match elements {
        Err(error) => Decoded::One(Err(not_json(&error))),
        Ok(elements) if elements.is_empty() || elements.len() > Command::MAX_BATCH => {
            Decoded::One(Err(bad(format!(
                "a batch has 1 to {} commands",
                Command::MAX_BATCH
            ))))
        }
        Ok(elements) => Decoded::Batch(elements.into_iter().map(command).collect()),
    }
}

/// The elements of an array, and one more than there may be at most.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= Command::MAX_BATCH {
            let Some(element) = array.next_element::<&RawValue>()? else {
                return Ok(elements);
            };
            elements.push(element.get());
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(elements)
    }
}

fn command(json: &str) -> Result<Request, BadRequest> {
    if !json.starts_with('{') {
        return Err(bad(WHAT_IS_ONE));
    }
    let fields = Fields::read(json).map_err(|error| not_json(&error))?;
    let id = id(&fields)?;
    let reader = Reader { fields: &fields };
    match reader.command() {
        Ok(command) => Ok(Request { id, command }),
        Err(error) => Err(BadRequest { id, ..error }),
    }
}

fn id(fields: &Fields<'_>) -> Result<Option<CommandId>, BadRequest> {
    let Some(json) = fields.get("id") else {
        return Ok(None);
    };
    let sound = matches!(json.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
        && json.len() <= CommandId::MAX
        && value::check(json).is_ok();
    if !sound || fields.twice == Some("id") {
        return Err(bad(format!(
            "`id` is one number or string of at most {} bytes",
            CommandId::MAX
        )));
    }
    Ok(Some(CommandId(json.into())))
}

/// Takes what a command needs out of its fields.
struct Reader<'f, 'a> {
    fields: &'f Fields<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn command(&self) -> Result<Command, BadRequest> {
        if let Some(name) = self.fields.twice {
            return Err(twice(name));
        }
        let Some(op) = self.string("op", 1, usize::MAX)? else {
            return Err(bad(format!("`op` is missing: one of {}", ops())));
        };
        Ok(match &*op {
            "subscribe" => Command::Subscribe {
                channel: self.channel("subscribe")?,
                since: self.pos("since")?,
                history: self.integer("history", 0)?.unwrap_or(0),
                presence: self.boolean("presence")?.unwrap_or(false),
            },
            "unsubscribe" => Command::Unsubscribe {
                channel: self.channel("unsubscribe")?,
            },
            "publish" => self.publish()?,
            "presence" => Command::Presence {
                channel: self.channel("presence")?,
                after: self.boxed("after", Command::MAX_SESSION)?,
                limit: self.limit()?,
            },
            "history" => Command::History {
                channel: self.channel("history")?,
                page: match (self.pos("before")?, self.pos("after")?) {
                    (None, None) => HistoryPage::Newest,
                    (Some(before), None) => HistoryPage::Before(before),
                    (None, Some(after)) => HistoryPage::After(after),
                    (Some(_), Some(_)) => {
                        return Err(bad("`history` takes `before` or `after`, not both"));
                    }
                },
                limit: self.limit()?,
            },
            "auth" => Command::Auth {
                client: self.boxed("client", Command::MAX_CLIENT)?,
                name: match self.string("name", 0, usize::MAX)? {
                    Some(name) => {
                        Some(guest_name(&name).map_err(|error| bad(format!("`name`: {error}")))?)
                    }
                    None => None,
                },
                binary: self.boolean("binary")?.unwrap_or(false),
            },
            "ping" => Command::Ping,
            other => {
                return Err(bad(format!(
                    "there is no op {:?}: it is one of {}",
                    other.chars().take(32).collect::<String>(),
                    ops()
                )));
            }
        })
    }

    fn publish(&self) -> Result<Command, BadRequest> {
        let channel = self.channel("publish")?;
        let keep = self.boolean("keep")?.unwrap_or(true);
        let key = self.boxed("key", Command::MAX_KEY)?;
        if key.is_some() && !keep {
            return Err(bad(
                "`key` goes with what is kept: leave out `key`, or `\"keep\":false`",
            ));
        }
        Ok(Command::Publish {
            channel,
            payload: self.payload()?,
            key,
            keep,
            echo: self.boolean("echo")?,
        })
    }

    fn payload(&self) -> Result<Payload, BadRequest> {
        let text = self.fields.get("text");
        let base64 = self.fields.get("base64");
        // `null` is a value, unless there is another payload.
        let data = match (text, base64) {
            (None, None) => self.fields.get_or_null("data"),
            _ => self.fields.get("data"),
        };
        match (data, text, base64) {
            (Some(data), None, None) => {
                value::check(data).map_err(|misfit| self.misfit("data", "JSON", misfit))?;
                let value: &RawValue =
                    serde_json::from_str(data).map_err(|error| not_json(&error))?;
                Ok(Payload::json(value))
            }
            (None, Some(_), None) => {
                let text = self.string("text", 0, usize::MAX)?.unwrap_or_default();
                Ok(Payload::text(text))
            }
            (None, None, Some(_)) => {
                let text = self.string("base64", 0, usize::MAX)?.unwrap_or_default();
                let bytes = BASE64.decode(text.as_bytes()).map_err(|error| {
                    bad(format!(
                        "`base64` has the letters A-Z, a-z, 0-9, + and /: {error}"
                    ))
                })?;
                Ok(Payload::binary(bytes))
            }
            _ => Err(bad(
                "a publication holds exactly one of `data` (any JSON), `text` (a string) and `base64` (bytes)",
            )),
        }
    }

    fn channel(&self, op: &str) -> Result<Channel, BadRequest> {
        let Some(name) = self.string("channel", 0, usize::MAX)? else {
            return Err(bad(format!(
                "`{op}` needs `channel`, such as \"chat:lobby\""
            )));
        };
        Channel::parse(&name)
            .map_err(|error| BadRequest::new(ErrorCode::BadChannel, format!("`channel`: {error}")))
    }

    fn pos(&self, name: &str) -> Result<Option<Pos>, BadRequest> {
        let Some(text) = self.string(name, 0, usize::MAX)? else {
            return Ok(None);
        };
        let pos = text.parse::<Pos>().map_err(|error| {
            BadRequest::new(ErrorCode::BadPosition, format!("`{name}`: {error}"))
        })?;
        Ok(Some(pos))
    }

    fn limit(&self) -> Result<u32, BadRequest> {
        Ok(self.integer("limit", 1)?.unwrap_or(Command::DEFAULT_LIMIT))
    }

    fn integer(&self, name: &str, least: u32) -> Result<Option<u32>, BadRequest> {
        let range = least..=Command::MAX_LIMIT;
        match self.fields.get(name).map(value::integer) {
            None => Ok(None),
            Some(Ok(number)) if range.contains(&number) => Ok(Some(number)),
            Some(_) => Err(bad(format!(
                "`{name}` is a whole number from {least} to {}",
                Command::MAX_LIMIT
            ))),
        }
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, BadRequest> {
        let Some(json) = self.fields.get(name) else {
            return Ok(None);
        };
        let value =
            value::boolean(json).map_err(|misfit| self.misfit(name, "true or false", misfit))?;
        Ok(Some(value))
    }

    fn boxed(&self, name: &str, most: usize) -> Result<Option<Box<str>>, BadRequest> {
        let text = self.string(name, 1, most)?;
        Ok(text.map(|text| Box::from(&*text)))
    }

    /// A string of `least` to `most` bytes; `None`: the field is not there.
    fn string(
        &self,
        name: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<Cow<'a, str>>, BadRequest> {
        let Some(json) = self.fields.get(name) else {
            return Ok(None);
        };
        let text = value::string(json).map_err(|misfit| self.misfit(name, "a string", misfit))?;
        if text.len() < least || text.len() > most {
            return Err(bad(match most {
                usize::MAX => format!("`{name}` is empty"),
                _ => format!("`{name}` has {least} to {most} bytes"),
            }));
        }
        Ok(Some(text))
    }

    fn misfit(&self, name: &str, right: &str, misfit: Misfit) -> BadRequest {
        let is = self.fields.get(name).map_or("nothing", value::kind);
        match misfit {
            Misfit::Kind => bad(format!("`{name}` is {right}, not {is}")),
            Misfit::Surrogate => bad(format!(
                "`{name}` has one half of a surrogate pair (\\ud800 to \\udfff) without the other: text is Unicode"
            )),
            Misfit::Depth => bad(format!(
                "`{name}` has arrays or objects nested more than {} deep",
                Command::MAX_DEPTH
            )),
        }
    }
}

/// The standard letters; the `=` at the end may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn ops() -> String {
    Command::OPS.join(", ")
}
