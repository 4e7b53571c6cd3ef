//! What the hub refuses, in words that say what would open it.

use tidewire_hub_proto::native::ServerMessage;

use crate::exit::{self, Exit, error};
use crate::term;

/// No more of the hub's words is shown, in characters.
const WORDS: usize = 600;

/// What was asked of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Subscribe,
    Publish,
}

/// The word of an error's code, without its quotes.
pub(super) fn code(refusal: &ServerMessage) -> &str {
    let code = refusal.code.as_deref().unwrap_or("unknown");
    code.trim_matches('"')
}

/// Whether the same command may work later.
pub(super) fn is_temporary(code: &str) -> bool {
    matches!(
        code,
        "rate_limited" | "storage_full" | "unavailable" | "overloaded"
    )
}

/// Says why a command about `channel` was refused for good.
pub(super) fn tell(refusal: &ServerMessage, channel: &str, wish: Wish, what: &str) -> Exit {
    let code = code(refusal);
    let (exit, hint) = judge(code, channel, wish);
    let words = refusal.message.as_deref().unwrap_or("it does not say why");
    let (code, words) = (term::line(code, 64), term::line(words, WORDS));
    let exit = error(exit, &format!("the hub refuses {what}: {words} ({code})"));
    if let Some(hint) = hint {
        exit::say(&format!("hint: {hint}"));
    }
    exit
}

fn judge(code: &str, channel: &str, wish: Wish) -> (Exit, Option<String>) {
    let namespace = channel.split(':').next().unwrap_or_default();
    match code {
        "forbidden" => {
            let option = match wish {
                Wish::Subscribe => "subscribe",
                Wish::Publish => "publish",
            };
            let mut hint = format!(
                "the hub's configuration decides: {option} = \"anyone\" in [namespaces.{namespace}] opens it to all, \
                 \"members\" to those the channel's name has (go on as one with --token)"
            );
            if wish == Wish::Subscribe {
                hint.push_str("; --presence needs the option presence, too");
            }
            (Exit::Refused, Some(hint))
        }
        "unknown_namespace" => (
            Exit::Refused,
            Some(format!(
                "[namespaces.{namespace}] in the hub's configuration makes it; a hub without one has chat, live, \
                 prices and dm"
            )),
        ),
        "too_large" => (
            Exit::Protocol,
            Some(format!(
                "max_message in [namespaces.{namespace}] of the hub's configuration lets in larger ones"
            )),
        ),
        "bad_channel" | "bad_position" | "bad_client" | "bad_request" => (Exit::Usage, None),
        _ => (Exit::Refused, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_denied_names_the_option_that_opens_it() {
        let (exit, hint) = judge("forbidden", "news:x", Wish::Publish);
        assert_eq!(exit, Exit::Refused);
        let hint = hint.unwrap();
        assert!(
            hint.contains("publish = \"anyone\" in [namespaces.news]"),
            "{hint}"
        );
        let (_, hint) = judge("unknown_namespace", "news:x", Wish::Subscribe);
        assert!(hint.unwrap().contains("[namespaces.news]"));
        assert_eq!(judge("too_large", "a:b", Wish::Publish).0, Exit::Protocol);
        assert_eq!(judge("bad_position", "a:b", Wish::Subscribe).0, Exit::Usage);
        assert_eq!(
            judge("of a later version", "", Wish::Publish).0,
            Exit::Refused
        );
    }

    #[test]
    fn codes_are_read_without_their_quotes() {
        let read = |text: &str| ServerMessage::parse(text).unwrap();
        assert_eq!(code(&read(r#"{"op":"error","code":"gone"}"#)), "gone");
        assert_eq!(code(&read(r#"{"op":"error"}"#)), "unknown");
        assert!(is_temporary("unavailable") && !is_temporary("forbidden"));
    }
}
