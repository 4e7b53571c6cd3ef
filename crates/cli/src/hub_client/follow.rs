//! Where a channel is that is followed: what moves its position, what is shown, and what is a gap.

use serde_json::{Map, json};
use tidewire_hub_proto::Pos;
use tidewire_hub_proto::native::{Op, ServerMessage};

/// What is read of a channel's history behind a gap: all that one answer may have.
const NEWEST: u16 = 1000;

/// A channel that is followed.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) channel: String,
    pos: Option<Pos>,
    /// Whether the position is what the user gave, and nothing has moved it yet.
    is_typed: bool,
    /// Without a position: so many of the newest first.
    history: u16,
    presence: bool,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// What comes belongs to the subscription before, and comes again.
    Asked(u64),
    /// What comes is new.
    Subscribed,
}

/// What to do with something that the hub said of a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It has changed nothing that anybody sees.
    Nothing,
    Show,
    /// Something is missing: how to say it.
    Gap(String),
    /// Something is missing, and what is left comes with a new subscription.
    GapAndAsk(String),
    /// Ask again after a while.
    Later,
    /// It is refused for good.
    Refused,
}

impl Follow {
    pub(super) fn new(channel: String, since: Option<Pos>, history: u16, presence: bool) -> Self {
        Self {
            channel,
            pos: since,
            is_typed: since.is_some(),
            history,
            presence,
            state: State::Subscribed,
        }
    }

    /// The command that subscribes from where we are.
    pub(super) fn ask(&mut self, id: u64) -> String {
        self.state = State::Asked(id);
        let mut fields = Map::new();
        fields.insert("op".into(), json!("subscribe"));
        fields.insert("id".into(), json!(id));
        fields.insert("channel".into(), json!(self.channel));
        match self.pos {
            Some(pos) => _ = fields.insert("since".into(), json!(pos.to_string())),
            None if self.history > 0 => _ = fields.insert("history".into(), json!(self.history)),
            None => {}
        }
        if self.presence {
            fields.insert("presence".into(), json!(true));
        }
        serde_json::Value::Object(fields).to_string()
    }

    /// The command that ends the subscription, before the next.
    pub(super) fn leave(&self) -> String {
        json!({"op": "unsubscribe", "channel": self.channel}).to_string()
    }

    /// Whether it is the answer to what was asked last.
    pub(super) fn is_answered_by(&self, message: &ServerMessage) -> bool {
        let State::Asked(id) = self.state else {
            return false;
        };
        matches!(message.op, Op::Ok | Op::Error) && message.id == Some(id.to_string())
    }

    /// Takes the answer to what was asked last.
    pub(super) fn answered(&mut self, answer: &ServerMessage) -> Step {
        let had = self.pos;
        if answer.op == Op::Error {
            return match super::denied::code(answer) {
                code if super::denied::is_temporary(code) => Step::Later,
                "bad_position" if !self.is_typed => self.begin_anew(had),
                _ => Step::Refused,
            };
        }
        self.state = State::Subscribed;
        match answer.recovered {
            // What follows comes before the position of the answer.
            Some(true) => Step::Nothing,
            Some(false) => self.begin_anew(had),
            // So it is with history, of which nothing has come yet.
            None if self.history > 0 => Step::Nothing,
            None => {
                self.moved_to(answer.pos);
                Step::Nothing
            }
        }
    }

    fn begin_anew(&mut self, had: Option<Pos>) -> Step {
        self.pos = None;
        self.is_typed = false;
        self.history = NEWEST;
        let after = had.map_or(String::new(), |pos| format!(" after {pos}"));
        Step::GapAndAsk(format!(
            "gap in {}: the hub no longer has all that came{after}; going on with the newest that it has",
            self.channel
        ))
    }

    /// A message that is not kept has no position, and moves nothing.
    fn moved_to(&mut self, pos: Option<Pos>) {
        if pos.is_some() {
            self.pos = pos;
            self.is_typed = false;
        }
    }

    /// Takes something that the hub pushed.
    pub(super) fn pushed(&mut self, push: &ServerMessage) -> Step {
        if self.state != State::Subscribed {
            return Step::Nothing;
        }
        match push.op {
            Op::Message => {
                self.moved_to(push.pos);
                Step::Show
            }
            Op::Live => {
                self.moved_to(push.pos);
                Step::Nothing
            }
            Op::Join | Op::Leave if self.presence => Step::Show,
            Op::Lag if push.recovering == Some(false) => {
                self.moved_to(push.pos);
                let many = push.skipped.map_or("some".into(), |many| many.to_string());
                Step::Gap(format!(
                    "gap in {}: {many} messages were skipped, as they were not read fast enough",
                    self.channel
                ))
            }
            _ => Step::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(text: &str) -> ServerMessage {
        ServerMessage::parse(text).unwrap()
    }

    /// What is asked next, as the fields that say from where.
    fn from(follow: &mut Follow) -> (serde_json::Value, serde_json::Value) {
        let asked: serde_json::Value = serde_json::from_str(&follow.ask(9)).unwrap();
        (asked["since"].clone(), asked["history"].clone())
    }

    fn begun(since: Option<&str>, history: u16) -> Follow {
        let since = since.map(|pos| pos.parse().unwrap());
        let mut follow = Follow::new("chat:x".into(), since, history, false);
        follow.ask(1);
        follow
    }

    #[test]
    fn the_position_is_that_of_the_last_thing_that_moved_it() {
        let mut follow = begun(None, 0);
        let early = said(r#"{"op":"message","channel":"chat:x","pos":"gWuY-9","text":"early"}"#);
        assert_eq!(follow.pushed(&early), Step::Nothing, "it comes again");
        let ok = said(r#"{"op":"ok","id":1,"channel":"chat:x","pos":"gWuY-4"}"#);
        assert!(follow.is_answered_by(&ok));
        assert_eq!(follow.answered(&ok), Step::Nothing);
        assert!(!follow.is_answered_by(&ok), "only once");
        assert_eq!(from(&mut follow).0, "gWuY-4");
        follow.answered(&said(
            r#"{"op":"ok","id":9,"pos":"gWuY-8","recovered":true}"#,
        ));
        assert_eq!(from(&mut follow).0, "gWuY-4", "what follows comes before");
        follow.answered(&said(
            r#"{"op":"ok","id":9,"pos":"gWuY-8","recovered":true}"#,
        ));
        let message = said(r#"{"op":"message","pos":"gWuY-5","text":"1"}"#);
        assert_eq!(follow.pushed(&message), Step::Show);
        let passing = said(r#"{"op":"message","text":"typing"}"#);
        assert_eq!(follow.pushed(&passing), Step::Show);
        assert_eq!(from(&mut follow).0, "gWuY-5");
    }

    #[test]
    fn history_of_which_nothing_came_is_asked_for_again() {
        let mut follow = begun(None, 7);
        follow.answered(&said(r#"{"op":"ok","id":1,"pos":"gWuY-8"}"#));
        assert_eq!(from(&mut follow).1, 7);
        follow.answered(&said(r#"{"op":"ok","id":9,"pos":"gWuY-8"}"#));
        follow.pushed(&said(r#"{"op":"live","pos":"gWuY-8"}"#));
        assert_eq!(from(&mut follow).0, "gWuY-8");
    }

    #[test]
    fn behind_a_gap_comes_what_is_left_and_nothing_twice() {
        let mut follow = begun(Some("gWuY-4"), 0);
        let lost = said(r#"{"op":"ok","id":1,"pos":"hXvZ-8","recovered":false}"#);
        let Step::GapAndAsk(words) = follow.answered(&lost) else {
            panic!("a gap is told");
        };
        assert!(
            words.contains("gWuY-4") && words.contains("chat:x"),
            "{words}"
        );
        assert_eq!(from(&mut follow).1, NEWEST);
        let late = said(r#"{"op":"message","pos":"hXvZ-9","text":"1"}"#);
        assert_eq!(follow.pushed(&late), Step::Nothing, "it is in the history");
    }

    #[test]
    fn a_position_that_was_typed_is_refused_and_one_of_the_hub_is_a_gap() {
        let refusal = said(r#"{"op":"error","id":1,"code":"bad_position"}"#);
        assert_eq!(begun(Some("gWuY-4"), 0).answered(&refusal), Step::Refused);
        let mut follow = begun(Some("gWuY-4"), 0);
        follow.answered(&said(
            r#"{"op":"ok","id":1,"pos":"gWuY-8","recovered":true}"#,
        ));
        follow.pushed(&said(r#"{"op":"live","pos":"gWuY-8"}"#));
        follow.ask(2);
        assert!(matches!(follow.answered(&refusal), Step::GapAndAsk(_)));
    }

    #[test]
    fn skipped_messages_are_told() {
        let mut follow = begun(None, 0);
        follow.answered(&said(r#"{"op":"ok","id":1,"pos":"gWuY-4"}"#));
        let lag =
            said(r#"{"op":"lag","from":"gWuY-4","pos":"gWuY-9","skipped":5,"recovering":false}"#);
        assert!(matches!(follow.pushed(&lag), Step::Gap(words) if words.contains('5')));
        assert_eq!(from(&mut follow).0, "gWuY-9");
        follow.answered(&said(r#"{"op":"ok","id":9,"recovered":true}"#));
        let lag = said(r#"{"op":"lag","from":"gWuY-9","pos":"gWuY-12","recovering":true}"#);
        assert_eq!(follow.pushed(&lag), Step::Nothing, "it comes from the log");
        assert_eq!(from(&mut follow).0, "gWuY-9");
    }
}
