//! The codes: why a command failed, why a session ended, and what to do then.

use std::fmt;

/// Why a command failed. [`as_str`](Self::as_str) is the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Not a command: not JSON, an unknown `op`, a field missing or of the wrong type.
    BadRequest,
    /// The channel's name breaks a rule.
    BadChannel,
    /// A position that this hub did not give.
    BadPosition,
    /// A client id that this hub did not sign.
    BadClient,
    /// No namespace of that name is configured.
    UnknownNamespace,
    /// The session may not do this here.
    Forbidden,
    /// The channel is subscribed already.
    AlreadySubscribed,
    /// The channel is not subscribed.
    NotSubscribed,
    /// Too many channels on one session.
    TooManySubscriptions,
    /// The payload is larger than the namespace takes.
    TooLarge,
    /// Too fast.
    RateLimited,
    /// The position is no longer in the history.
    Gone,
    /// The disk is full; nothing was kept.
    StorageFull,
    /// The store failed; whether it was kept is not known: repeat with the same `key`.
    Unavailable,
    /// The hub has too much to do.
    Overloaded,
    /// The command does not exist on this transport.
    NotHere,
}

/// One row of the table of error codes: for documentation and for tests.
pub const ERROR_CODES: &[(ErrorCode, &str, bool, &str)] = &[
    (
        ErrorCode::BadRequest,
        "bad_request",
        false,
        "not a command: no JSON, an unknown `op`, or a field that is missing or of the wrong type",
    ),
    (
        ErrorCode::BadChannel,
        "bad_channel",
        false,
        "the channel's name breaks a rule",
    ),
    (
        ErrorCode::BadPosition,
        "bad_position",
        false,
        "a position that no hub gave; subscribe without `since`",
    ),
    (
        ErrorCode::BadClient,
        "bad_client",
        false,
        "a client id that this hub did not sign; go on without it",
    ),
    (
        ErrorCode::UnknownNamespace,
        "unknown_namespace",
        false,
        "no namespace of that name is configured",
    ),
    (
        ErrorCode::Forbidden,
        "forbidden",
        false,
        "the session may not do this in this channel",
    ),
    (
        ErrorCode::AlreadySubscribed,
        "already_subscribed",
        false,
        "the session has this channel already",
    ),
    (
        ErrorCode::NotSubscribed,
        "not_subscribed",
        false,
        "the session does not have this channel",
    ),
    (
        ErrorCode::TooManySubscriptions,
        "too_many_subscriptions",
        false,
        "the session has as many channels as it may; unsubscribe one",
    ),
    (
        ErrorCode::TooLarge,
        "too_large",
        false,
        "the payload is larger than the namespace takes",
    ),
    (
        ErrorCode::RateLimited,
        "rate_limited",
        true,
        "too fast; wait for `retry_after_ms`",
    ),
    (
        ErrorCode::Gone,
        "gone",
        false,
        "the position is no longer in the history, or of another term; read the newest page",
    ),
    (
        ErrorCode::StorageFull,
        "storage_full",
        true,
        "the disk is full: nothing was kept, and nothing that was kept is lost",
    ),
    (
        ErrorCode::Unavailable,
        "unavailable",
        true,
        "the store failed, and whether the record was kept is not known: repeat it with the same `key`",
    ),
    (
        ErrorCode::Overloaded,
        "overloaded",
        true,
        "the hub has more to do than it can hold; wait for `retry_after_ms`",
    ),
    (
        ErrorCode::NotHere,
        "not_here",
        false,
        "the command does not exist on this transport",
    ),
];

impl ErrorCode {
    /// The code on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// Whether the same command may work later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, bool, &'static str) {
        // Every code has its row: a test holds that. The first row is as good as any other.
        ERROR_CODES
            .iter()
            .find(|row| row.0 == self)
            .unwrap_or(&ERROR_CODES[0])
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the hub ends a session: `code` of `bye`, and of the WebSocket's Close frame.
///
/// 4000 to 4499: come back. 4500 to 4999: do not, it would end the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The hub stops or restarts.
    Shutdown,
    /// The session reads more slowly than its channels speak.
    SlowConsumer,
    /// The hub failed, or has too much to do.
    Overloaded,
    /// The client broke the protocol: too many bad commands.
    BadProtocol,
    /// The session may not be here.
    Forbidden,
}

/// One row of the table of close codes: for documentation and for tests.
pub const CLOSE_CODES: &[(CloseReason, u16, &str, &str)] = &[
    (
        CloseReason::Shutdown,
        4001,
        "shutdown",
        "the hub stops or restarts; come back after `retry_after_ms`",
    ),
    (
        CloseReason::SlowConsumer,
        4002,
        "slow_consumer",
        "more waited than the session may have waiting; come back with `since`",
    ),
    (
        CloseReason::Overloaded,
        4003,
        "overloaded",
        "the hub has too much to do; come back after `retry_after_ms`",
    ),
    (
        CloseReason::BadProtocol,
        4500,
        "bad_protocol",
        "the client does not speak this protocol; mend it",
    ),
    (
        CloseReason::Forbidden,
        4501,
        "forbidden",
        "this may not be opened; the reason says what is missing",
    ),
];

impl CloseReason {
    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        self.row().1
    }

    /// A word for people and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().2
    }

    /// Whether coming back makes sense.
    #[must_use]
    pub fn is_worth_reconnecting(self) -> bool {
        self.code() < 4500
    }

    fn row(self) -> &'static (Self, u16, &'static str, &'static str) {
        CLOSE_CODES
            .iter()
            .find(|row| row.0 == self)
            .unwrap_or(&CLOSE_CODES[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The variant after this one: a new variant must be put in here.
    fn error_after(code: ErrorCode) -> Option<ErrorCode> {
        Some(match code {
            ErrorCode::BadRequest => ErrorCode::BadChannel,
            ErrorCode::BadChannel => ErrorCode::BadPosition,
            ErrorCode::BadPosition => ErrorCode::BadClient,
            ErrorCode::BadClient => ErrorCode::UnknownNamespace,
            ErrorCode::UnknownNamespace => ErrorCode::Forbidden,
            ErrorCode::Forbidden => ErrorCode::AlreadySubscribed,
            ErrorCode::AlreadySubscribed => ErrorCode::NotSubscribed,
            ErrorCode::NotSubscribed => ErrorCode::TooManySubscriptions,
            ErrorCode::TooManySubscriptions => ErrorCode::TooLarge,
            ErrorCode::TooLarge => ErrorCode::RateLimited,
            ErrorCode::RateLimited => ErrorCode::Gone,
            ErrorCode::Gone => ErrorCode::StorageFull,
            ErrorCode::StorageFull => ErrorCode::Unavailable,
            ErrorCode::Unavailable => ErrorCode::Overloaded,
            ErrorCode::Overloaded => ErrorCode::NotHere,
            ErrorCode::NotHere => return None,
        })
    }

    fn close_after(reason: CloseReason) -> Option<CloseReason> {
        Some(match reason {
            CloseReason::Shutdown => CloseReason::SlowConsumer,
            CloseReason::SlowConsumer => CloseReason::Overloaded,
            CloseReason::Overloaded => CloseReason::BadProtocol,
            CloseReason::BadProtocol => CloseReason::Forbidden,
            CloseReason::Forbidden => return None,
        })
    }

    #[test]
    fn every_error_code_has_one_row_and_a_word_of_its_own() {
        let all: Vec<_> =
            std::iter::successors(Some(ErrorCode::BadRequest), |code| error_after(*code)).collect();
        let rows: Vec<_> = ERROR_CODES.iter().map(|row| row.0).collect();
        assert_eq!(rows, all);
        let words: BTreeSet<_> = all.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), all.len());
        assert!(
            words
                .iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }

    #[test]
    fn every_close_code_has_one_row_in_the_range_that_says_whether_to_come_back() {
        let all: Vec<_> =
            std::iter::successors(Some(CloseReason::Shutdown), |code| close_after(*code)).collect();
        let rows: Vec<_> = CLOSE_CODES.iter().map(|row| row.0).collect();
        assert_eq!(rows, all);
        let numbers: BTreeSet<_> = all.iter().map(|reason| reason.code()).collect();
        assert_eq!(numbers.len(), all.len());
        for reason in all {
            let stays_away = matches!(reason, CloseReason::BadProtocol | CloseReason::Forbidden);
            let range = if stays_away { 4500..5000 } else { 4000..4500 };
            assert!(range.contains(&reason.code()), "{reason:?}");
            assert_eq!(reason.is_worth_reconnecting(), !stays_away, "{reason:?}");
        }
    }
}
