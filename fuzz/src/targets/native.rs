//! The hub's native protocol: which texts are commands, as a naive reading of their JSON tree judges
//! them, too; and that whatever is said in answer is JSON.
//!
//! Input: the text; bytes that are no UTF-8 are replaced.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tidewire_hub_proto::native::{
    BadRequest, Decoded, ServerMessage, decode, message, message_binary, push,
};
use tidewire_hub_proto::{
    Channel, Command, Origin, Payload, PayloadKind, Pos, Publication, Push, Reply, Request,
    guest_name,
};

/// Reads one text.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match decode(&text) {
        Decoded::One(one) => {
            let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
            check_one(trimmed, &one);
            let batch = serde_json::from_str::<Vec<&RawValue>>(trimmed);
            if let (Ok(elements), Err(_)) = (batch, &one) {
                let len = elements.len();
                assert!(len == 0 || len > Command::MAX_BATCH, "a batch of {len}");
            }
        }
        Decoded::Batch(batch) => {
            let elements: Vec<&RawValue> = serde_json::from_str(&text).expect("a batch is JSON");
            assert_eq!(elements.len(), batch.len());
            assert!((1..=Command::MAX_BATCH).contains(&batch.len()));
            for (element, one) in elements.iter().zip(&batch) {
                check_one(element.get(), one);
                // An object is alone what it is among others; nothing else is a command in a batch.
                if element.get().starts_with('{') {
                    assert_eq!(&decode(element.get()), &Decoded::One(one.clone()));
                } else {
                    assert!(one.is_err(), "{element} in a batch is {one:?}");
                }
            }
        }
    }
    if let Ok(read) = ServerMessage::parse(&text) {
        assert!(serde_json::from_str::<&RawValue>(&text).is_ok(), "{read:?}");
    }
    let _ = ServerMessage::parse_binary(input);
}

fn check_one(text: &str, one: &Result<Request, BadRequest>) {
    let id = match one {
        Ok(request) => request.id.clone(),
        Err(error) => error.id.clone(),
    };
    let reply = match one {
        Ok(request) => {
            check_request(text, request);
            Reply::Pong
        }
        Err(error) => {
            assert!(!error.message.is_empty());
            check_error(text, error);
            Reply::error(error.code, error.message.clone())
        }
    };
    let answer = push(&Push::Reply {
        id: id.clone(),
        reply,
    });
    assert_eq!(answer.capacity(), answer.len());
    let read = ServerMessage::parse(&answer).expect("an answer is JSON");
    assert_eq!(read.id.as_deref(), id.as_ref().map(|id| id.as_json()));
}

/// The fields of an object; `null` is no field, except in `data`. `None`: it cannot be had as a tree,
/// since it is too deep, a number too large, or half a surrogate pair in it.
fn tree(text: &str) -> Option<Map<String, Value>> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    fields.retain(|name, value| name == "data" || !value.is_null());
    let other = fields.contains_key("text") || fields.contains_key("base64");
    if other && fields.get("data").is_some_and(Value::is_null) {
        fields.remove("data");
    }
    Some(fields)
}

fn check_request(text: &str, request: &Request) {
    assert!(
        serde_json::from_str::<&RawValue>(text).is_ok(),
        "{text} is no JSON"
    );
    if let Command::Publish { payload, .. } = &request.command {
        check_payload(payload);
    }
    let Some(fields) = tree(text) else { return };
    let read = command(&fields);
    let read = read.unwrap_or_else(|| panic!("{text} was read as {:?}", request.command));
    assert!(same(&read, &request.command), "{read:?} and {request:?}");
}

/// What is refused breaks a rule that the tree shows, or one that it does not.
fn check_error(text: &str, error: &BadRequest) {
    let unseen = ["`id` is one", "is there twice", "nested more than"];
    if unseen.iter().any(|rule| error.message.contains(rule)) {
        return;
    }
    let Some(fields) = tree(text) else { return };
    let read = command(&fields);
    assert!(
        read.is_none(),
        "{text} is {read:?}, and was refused: {error}"
    );
}

/// `data` in the tree has lost how it was written.
fn same(one: &Command, two: &Command) -> bool {
    let (Command::Publish { payload: a, .. }, Command::Publish { payload: b, .. }) = (one, two)
    else {
        return one == two;
    };
    let payload_is_same = match a.kind() {
        // `a` is a tree that was written again, so write that of `b`, too.
        PayloadKind::Json => {
            let tree = serde_json::from_slice::<Value>(b.bytes()).map(|tree| tree.to_string());
            b.kind() == PayloadKind::Json && tree.ok().as_deref() == a.as_str()
        }
        _ => a == b,
    };
    let rest = |command: &Command| match command.clone() {
        Command::Publish {
            channel,
            key,
            keep,
            echo,
            ..
        } => Some((channel, key, keep, echo)),
        _ => None,
    };
    payload_is_same && rest(one) == rest(two)
}

/// A field that may be missing: the outer `None` says that it is wrong.
fn optional<T>(
    fields: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<Option<T>> {
    fields
        .get(name)
        .map_or(Some(None), |value| read(value).map(Some))
}

fn text(most: usize) -> impl Fn(&Value) -> Option<Box<str>> {
    move |value| {
        let text = value.as_str()?;
        (1..=most).contains(&text.len()).then(|| text.into())
    }
}

fn number(least: u64) -> impl Fn(&Value) -> Option<u32> {
    move |value| {
        let number = value.as_u64().filter(|n| (least..=1000).contains(n))?;
        u32::try_from(number).ok()
    }
}

/// The command that a tree is, read field by field.
fn command(fields: &Map<String, Value>) -> Option<Command> {
    use tidewire_hub_proto::HistoryPage as Page;
    let channel = || Channel::parse(fields.get("channel")?.as_str()?).ok();
    let flag = |name| optional(fields, name, Value::as_bool);
    let pos = |name| optional(fields, name, |value| value.as_str()?.parse::<Pos>().ok());
    let limit = || Some(optional(fields, "limit", number(1))?.unwrap_or(50));
    Some(match fields.get("op")?.as_str()? {
        "subscribe" => Command::Subscribe {
            channel: channel()?,
            since: pos("since")?,
            history: optional(fields, "history", number(0))?.unwrap_or(0),
            presence: flag("presence")?.unwrap_or(false),
        },
        "unsubscribe" => Command::Unsubscribe {
            channel: channel()?,
        },
        "publish" => {
            let keep = flag("keep")?.unwrap_or(true);
            let key = optional(fields, "key", text(128))?;
            if key.is_some() && !keep {
                return None;
            }
            Command::Publish {
                channel: channel()?,
                payload: payload(fields)?,
                key,
                keep,
                echo: flag("echo")?,
            }
        }
        "presence" => Command::Presence {
            channel: channel()?,
            after: optional(fields, "after", text(64))?,
            limit: limit()?,
        },
        "history" => Command::History {
            channel: channel()?,
            page: match (pos("before")?, pos("after")?) {
                (None, None) => Page::Newest,
                (Some(before), None) => Page::Before(before),
                (None, Some(after)) => Page::After(after),
                _ => return None,
            },
            limit: limit()?,
        },
        "auth" => Command::Auth {
            client: optional(fields, "client", text(256))?,
            name: optional(fields, "name", |value| guest_name(value.as_str()?).ok())?,
            binary: flag("binary")?.unwrap_or(false),
        },
        "ping" => Command::Ping,
        _ => return None,
    })
}

fn payload(fields: &Map<String, Value>) -> Option<Payload> {
    match (fields.get("data"), fields.get("text"), fields.get("base64")) {
        (Some(data), None, None) => Payload::restore(PayloadKind::Json, data.to_string().into()),
        (None, Some(text), None) => Some(Payload::text(text.as_str()?)),
        (None, None, Some(base64)) => Some(Payload::binary(bytes(base64.as_str()?)?)),
        _ => None,
    }
}

/// Base64 bit by bit: at most as many `=` as make the last group whole, no bits left over.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=');
    let padding = text.len() - letters.len();
    if padding > letters.len().next_multiple_of(4) - letters.len() {
        return None;
    }
    let (mut bits, mut held, mut found) = (0u32, 0u32, Vec::new());
    for letter in letters.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            found.push((bits >> held & 0xFF) as u8);
        }
    }
    let over = bits & ((1 << held) - 1);
    (held < 6 && over == 0).then_some(found)
}

/// What was published is read back from each form in which it is sent.
fn check_payload(payload: &Payload) {
    let channel = Channel::parse("fuzz").expect("a legal name");
    let publication = Publication::new(Origin::default(), payload.clone());
    let text = message(&channel, &publication, false);
    assert_eq!(text.capacity(), text.len());
    let read = ServerMessage::parse(&text).expect("a message is JSON");
    assert_eq!(read.payload.as_ref(), Some(payload));
    let binary = message_binary(&channel, &publication, false);
    assert_eq!(binary.is_some(), payload.kind() == PayloadKind::Binary);
    if let Some(frame) = binary {
        let read = ServerMessage::parse_binary(&frame).expect("a binary message");
        assert_eq!(read.payload.as_ref(), Some(payload));
    }
}
