//! One record of a channel, and what it carries.

use crate::position::Pos;
use bytes::Bytes;

/// What kind of bytes a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// A JSON value, passed through untouched: `data`.
    Json,
    /// UTF-8: `text`.
    Text,
    /// Any bytes: `base64` where the protocol is text.
    Binary,
}

/// What a publication carries: exactly one of `data`, `text` or `base64`.
///
/// Its maker keeps the promise of its kind: [`json`](Self::json) was checked to be one JSON value,
/// text is UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    kind: PayloadKind,
    bytes: Bytes,
}

impl Payload {
    /// A JSON value, as it was written.
    #[must_use]
    pub fn json(value: &serde_json::value::RawValue) -> Self {
        Self {
            kind: PayloadKind::Json,
            bytes: Bytes::copy_from_slice(value.get().as_bytes()),
        }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: PayloadKind::Text,
            bytes: Bytes::from(text.into().into_bytes()),
        }
    }

    /// Any bytes.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self {
            kind: PayloadKind::Binary,
            bytes: bytes.into(),
        }
    }

    /// A payload as a store kept it; `None`: the bytes are not what `kind` promises.
    #[must_use]
    pub fn restore(kind: PayloadKind, bytes: Bytes) -> Option<Self> {
        let sound = match kind {
            PayloadKind::Json => {
                serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok()
            }
            PayloadKind::Text => std::str::from_utf8(&bytes).is_ok(),
            PayloadKind::Binary => true,
        };
        sound.then_some(Self { kind, bytes })
    }

    /// What kind of bytes these are.
    #[must_use]
    pub fn kind(&self) -> PayloadKind {
        self.kind
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// JSON and text as text; `None` for binary.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            PayloadKind::Binary => None,
            PayloadKind::Json | PayloadKind::Text => std::str::from_utf8(&self.bytes).ok(),
        }
    }
}

/// Who published, as the hub stamps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who the session has proved to be.
    pub user: Option<Box<str>>,
    /// The public part of a guest's client id.
    pub client: Option<Box<str>>,
    /// What a guest calls itself; proves nothing.
    pub name: Option<Box<str>>,
}

impl Origin {
    /// Whether both are the same user, or the same guest.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.user, &other.user) {
            (Some(one), Some(two)) => one == two,
            (None, None) => self.client.is_some() && self.client == other.client,
            _ => false,
        }
    }
}

/// Whom a publication leaves out (`"echo":false`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// The session of this public id.
    Session(Box<str>),
    /// Every session of who published: where requests are no sessions (`/uplink`).
    Publisher,
}

/// One record in a channel, or a passing one (`"keep":false`), which has no position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// Its place in the log; `None`: it was not kept.
    pub pos: Option<Pos>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
    /// Who published it.
    pub from: Origin,
    /// The publisher's idempotency key; shown to the publisher alone.
    pub key: Option<Box<str>>,
    /// Whom it leaves out.
    pub exclude: Option<Exclude>,
    /// What it carries; `None`: redacted.
    pub payload: Option<Payload>,
}

impl Publication {
    /// A publication of `payload` by `from` that no engine has taken yet.
    #[must_use]
    pub fn new(from: Origin, payload: Payload) -> Self {
        Self {
            pos: None,
            at: 0,
            from,
            key: None,
            exclude: None,
            payload: Some(payload),
        }
    }

    /// About how many bytes it occupies.
    #[must_use]
    pub fn weight(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        128 + self
            .payload
            .as_ref()
            .map_or(0, |payload| payload.bytes.len())
            + text(&self.key)
            + text(&self.from.user)
            + text(&self.from.client)
            + text(&self.from.name)
    }

    /// A copy that shares nothing with this one: for another thread.
    #[must_use]
    pub fn detached(&self) -> Self {
        let payload = self.payload.as_ref().map(|payload| Payload {
            kind: payload.kind,
            bytes: Bytes::copy_from_slice(&payload.bytes),
        });
        Self {
            payload,
            ..self.clone()
        }
    }
}
