//! What event streams and polls share: the channels that a request follows, from where, and how far
//! its client is.

use crate::shard::Local;
use crate::web::opening;
use crate::web::url::Query;
use http::{HeaderMap, StatusCode};
use tidewire_hub_core::{Connect, SessionId};
use tidewire_hub_proto::{Channel, Command, Cursor, ErrorCode, Pos, Push, Reply, Request};

/// The header in which an `EventSource` that comes back says where it was.
const LAST_EVENT_ID: &str = "last-event-id";

/// What a request asks for.
pub(crate) struct Followed {
    pub(crate) connect: Connect,
    /// A random byte.
    pub(crate) chance: u8,
    pub(crate) place: Place,
    history: u32,
    presence: bool,
}

impl Followed {
    /// # Errors
    ///
    /// A sentence for the client.
    pub(crate) fn read(query: &Query, headers: &HeaderMap, hello: bool) -> Result<Self, String> {
        let mut channels: Vec<Channel> = Vec::new();
        for name in query.all("channel") {
            let channel = Channel::parse(name).map_err(|error| format!("channel: {error}."))?;
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        if channels.is_empty() {
            return Err(
                "Name a channel to follow: ?channel=lobby; several: ?channel=a&channel=b.".into(),
            );
        }
        if channels.len() > Cursor::MAX {
            let most = Cursor::MAX;
            return Err(format!(
                "At most {most} channels fit into one request; use several, or /ws."
            ));
        }
        // Where it was last goes before where it began.
        let last = headers
            .get(LAST_EVENT_ID)
            .map(|value| value.to_str().unwrap_or("?"));
        let since = last
            .filter(|id| !id.is_empty())
            .or_else(|| query.get("since"));
        let positions = match since {
            None => vec![None; channels.len()],
            Some(cursor) => {
                let cursor: Result<Cursor, _> = cursor.parse();
                let positions = cursor.and_then(|cursor| cursor.positions(&channels));
                positions.map_err(|error| format!("since: {error}."))?
            }
        };
        let (connect, chance) = opening::connect(query, hello)?;
        Ok(Self {
            connect,
            chance,
            place: Place {
                channels,
                positions,
            },
            history: query.history()?,
            presence: query.is_on("presence"),
        })
    }

    /// Asks for each channel in the session's name.
    pub(crate) fn subscribe(
        local: &Local,
        session: SessionId,
        place: &Place,
        history: u32,
        presence: bool,
    ) {
        for (channel, since) in place.channels.iter().zip(&place.positions) {
            let (channel, since) = (channel.clone(), *since);
            let command = Command::Subscribe {
                channel,
                since,
                history,
                presence,
            };
            local.request(session, Request { id: None, command });
        }
    }

    /// What [`subscribe`](Self::subscribe) needs besides the place.
    pub(crate) fn wishes(&self) -> (u32, bool) {
        (self.history, self.presence)
    }
}

/// Where a client is in the channels that it follows.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    channels: Vec<Channel>,
    positions: Vec<Option<Pos>>,
}

impl Place {
    pub(crate) fn len(&self) -> usize {
        self.channels.len()
    }

    /// The client has everything of a channel up to `pos`. History that comes behind the answer to a
    /// subscribe moves back, and so moves nothing.
    pub(crate) fn advance(&mut self, channel: &Channel, pos: Pos) {
        let found = self.channels.iter().position(|known| known == channel);
        if let Some(known) = found.and_then(|at| self.positions.get_mut(at))
            && known.is_none_or(|known| pos.is_after(known) != Some(false))
        {
            *known = Some(pos);
        }
    }

    /// The cursor, once the position of every channel is known: one that knows only some would lose
    /// the others' messages.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        let known: Option<Vec<Pos>> = self.positions.iter().copied().collect();
        Cursor::new(self.channels.iter().zip(known?)).ok()
    }
}

/// The error that a push tells, if it tells one.
pub(crate) fn error(push: &Push) -> Option<ErrorCode> {
    match push {
        Push::Reply {
            reply: Reply::Error { code, .. },
            ..
        } => Some(*code),
        _ => None,
    }
}

/// The status of an answer that tells an error.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::UnknownNamespace => StatusCode::NOT_FOUND,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Gone => StatusCode::GONE,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Unavailable | ErrorCode::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Ends the session when the request does, however that ends.
pub(crate) struct Leave(pub(crate) SessionId);

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(local) = Local::here() {
            local.leave(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    fn read(query: &str, last: Option<&'static str>) -> Result<Followed, String> {
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(last));
        }
        Followed::read(&Query::parse(Some(query)).unwrap(), &headers, true)
    }

    #[test]
    fn a_stream_goes_on_where_it_was_last() {
        let begun = read("channel=a&since=7-1", None).unwrap();
        assert_eq!(begun.place.cursor().unwrap().to_string(), "7-1");
        let back = read("channel=a&since=7-1", Some("7-5")).unwrap();
        assert_eq!(back.place.cursor().unwrap().to_string(), "7-5");
        assert!(
            read("channel=a&channel=a", Some(""))
                .unwrap()
                .place
                .cursor()
                .is_none()
        );
    }

    #[test]
    fn what_cannot_be_followed_is_told() {
        for (query, word) in [
            ("", "Name a channel"),
            ("channel=", "channel"),
            ("channel=a&since=nonsense", "since"),
            ("channel=a&channel=b&since=7-1", "since"),
            ("channel=a&name=%07", "name"),
        ] {
            let wrong = read(query, None).err().unwrap();
            assert!(wrong.contains(word), "{query}: {wrong}");
        }
        let many: String = (0..=Cursor::MAX)
            .map(|n| format!("channel=c{n}&"))
            .collect();
        assert!(read(&many, None).err().unwrap().contains("At most"));
    }

    #[test]
    fn a_place_moves_on_and_is_told_when_it_is_whole() {
        let mut place = read("channel=a&channel=b", None).unwrap().place;
        let [a, b] = [Channel::parse("a").unwrap(), Channel::parse("b").unwrap()];
        let pos = |text: &str| text.parse::<Pos>().unwrap();
        place.advance(&a, pos("7-4"));
        assert!(place.cursor().is_none(), "b is not known");
        place.advance(&b, pos("7-2"));
        place.advance(&a, pos("7-3"));
        let cursor = place.cursor().unwrap();
        assert_eq!(
            cursor.positions(&[a.clone(), b]).unwrap(),
            [Some(pos("7-4")), Some(pos("7-2"))]
        );
        place.advance(&a, pos("8-1"));
        assert_eq!(
            place.cursor().unwrap().get(&a),
            Some(pos("8-1")),
            "a new term"
        );
    }
}
