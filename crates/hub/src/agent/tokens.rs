//! Who may have an agent: one-time tokens of links, and the keys that they are exchanged for.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

/// Keys at once: with one more the oldest is forgotten.
const KEYS: usize = 16;
/// Used tokens that are remembered, to tell a used one from a wrong one.
const USED: usize = 16;
/// Wrong tokens in a row, and how long it takes until there is one more.
const TRIES: u32 = 10;
const EACH_TRY: Duration = Duration::from_secs(6);

/// 128 bits that nobody can guess, as 32 hexadecimal digits.
#[derive(Clone, Copy)]
pub(crate) struct Secret([u8; 16]);

impl Secret {
    /// `random`: from the operating system.
    pub(crate) fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut bytes = [0; 16];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// Takes as long whatever is in them: how much of a guess was right cannot be measured.
    fn is(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(difference) == 0
    }

    /// For the one it is meant for.
    pub(crate) fn reveal(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a token gives no key. `Display` is for the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Used,
    Unknown,
    TooManyTries,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Used => {
                "This link was used already: each works once. Open the newest one, from the terminal \
                 in which the server runs."
            }
            Self::Unknown => {
                "This is no link of this server, which may have been started again since. Open the \
                 one that the terminal shows in which it runs."
            }
            Self::TooManyTries => {
                "Too many wrong links were tried. Wait a minute, then open the one that the terminal \
                 shows in which the server runs."
            }
        })
    }
}

/// The tokens and keys of a node.
#[derive(Debug)]
pub(crate) struct Tokens {
    current: Secret,
    used: VecDeque<Secret>,
    keys: VecDeque<Secret>,
    wrong: Wrong,
}

impl Tokens {
    pub(crate) fn new(first: Secret) -> Self {
        Self {
            current: first,
            used: VecDeque::new(),
            keys: VecDeque::new(),
            wrong: Wrong::default(),
        }
    }

    /// The token of the link that works now.
    pub(crate) fn current(&self) -> Secret {
        self.current
    }

    /// Exchanges the current token for `key`; `next` is the current one from then on.
    ///
    /// # Errors
    ///
    /// It is not the current one, or too many were tried.
    pub(crate) fn redeem(
        &mut self,
        text: &str,
        now: Instant,
        key: Secret,
        next: Secret,
    ) -> Result<(), Refused> {
        if !self.wrong.may_try(now) {
            return Err(Refused::TooManyTries);
        }
        let token = Secret::parse(text);
        if token.is_some_and(|token| self.current.is(&token)) {
            keep(&mut self.used, self.current, USED);
            keep(&mut self.keys, key, KEYS);
            self.current = next;
            return Ok(());
        }
        let was = |token: Secret| self.used.iter().any(|used| used.is(&token));
        if token.is_some_and(was) {
            return Err(Refused::Used); // which is no guess
        }
        self.wrong.count(now);
        Err(Refused::Unknown)
    }

    /// Whether `text` is a key that was given and not forgotten. Wrong ones lock nobody out, as a page
    /// that was left open since the last start would: who is told that one is wrong waits for that.
    pub(crate) fn admits(&self, text: &str) -> bool {
        let key = Secret::parse(text);
        key.is_some_and(|key| self.keys.iter().any(|given| given.is(&key)))
    }
}

fn keep(list: &mut VecDeque<Secret>, secret: Secret, most: usize) {
    list.push_back(secret);
    if list.len() > most {
        list.pop_front();
    }
}

/// Wrong tries of everybody: whoever makes them has been on this machine.
#[derive(Debug, Default)]
struct Wrong {
    tries: u32,
    /// When the last was taken off.
    since: Option<Instant>,
}

impl Wrong {
    fn may_try(&mut self, now: Instant) -> bool {
        if let Some(since) = self.since {
            let passed = now.saturating_duration_since(since);
            let back = u32::try_from(passed.as_secs() / EACH_TRY.as_secs()).unwrap_or(u32::MAX);
            self.tries = self.tries.saturating_sub(back);
            self.since = since.checked_add(EACH_TRY.saturating_mul(back));
        }
        self.tries < TRIES
    }

    fn count(&mut self, now: Instant) {
        if self.tries == 0 {
            self.since = Some(now);
        }
        self.tries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(number: u8) -> Secret {
        Secret::new([number; 16])
    }

    fn redeem(tokens: &mut Tokens, text: &str, number: u8) -> Result<(), Refused> {
        tokens.redeem(text, Instant::now(), secret(100 + number), secret(number))
    }

    #[test]
    fn a_token_works_once_and_the_next_one_after_it() {
        let mut tokens = Tokens::new(secret(1));
        let first = tokens.current().reveal();
        assert_eq!(first, "01".repeat(16));
        assert_eq!(redeem(&mut tokens, &first, 2), Ok(()));
        assert_eq!(redeem(&mut tokens, &first, 3), Err(Refused::Used));
        let second = tokens.current().reveal();
        assert_eq!(redeem(&mut tokens, &second.to_uppercase(), 4), Ok(()));
        assert!(tokens.admits(&secret(102).reveal()));
        assert!(tokens.admits(&secret(104).reveal()), "again and again");
        assert!(tokens.admits(&secret(104).reveal()));
        assert!(
            !tokens.admits(&second) && !tokens.admits(""),
            "a token is no key"
        );
        for _ in 0..2 * TRIES {
            assert_eq!(
                redeem(&mut tokens, &first, 5),
                Err(Refused::Used),
                "no guess"
            );
        }
    }

    #[test]
    fn what_is_no_token_is_refused_with_what_to_do() {
        let mut tokens = Tokens::new(secret(1));
        for text in ["", "x", &"01".repeat(15), &"01".repeat(17), &"é".repeat(16)] {
            let refused = redeem(&mut tokens, text, 2);
            assert_eq!(refused, Err(Refused::Unknown), "{text}");
        }
        assert_eq!(
            redeem(&mut tokens, &"+1".repeat(16), 2),
            Err(Refused::Unknown)
        );
        for refused in [Refused::Used, Refused::Unknown, Refused::TooManyTries] {
            assert!(refused.to_string().contains("the terminal"), "{refused}");
        }
    }

    #[test]
    fn wrong_tries_are_bounded_and_come_back() {
        let start = Instant::now();
        let mut tokens = Tokens::new(secret(1));
        let right = tokens.current().reveal();
        for _ in 0..TRIES {
            let wrong = tokens.redeem("wrong", start, secret(3), secret(2));
            assert_eq!(wrong, Err(Refused::Unknown));
        }
        let blocked = tokens.redeem(&right, start, secret(3), secret(2));
        assert_eq!(blocked, Err(Refused::TooManyTries));
        let later = start + EACH_TRY;
        let wrong = tokens.redeem("wrong", later, secret(3), secret(2));
        assert_eq!(wrong, Err(Refused::Unknown), "one more");
        let blocked = tokens.redeem(&right, later, secret(3), secret(2));
        assert_eq!(blocked, Err(Refused::TooManyTries));
        let later = later + EACH_TRY;
        assert_eq!(tokens.redeem(&right, later, secret(3), secret(2)), Ok(()));
    }

    #[test]
    fn the_oldest_key_is_forgotten() {
        let mut tokens = Tokens::new(secret(0));
        let most = u8::try_from(KEYS).unwrap_or(u8::MAX);
        for number in 1..=most + 1 {
            let token = tokens.current().reveal();
            assert_eq!(redeem(&mut tokens, &token, number), Ok(()));
        }
        assert!(!tokens.admits(&secret(101).reveal()));
        assert!(tokens.admits(&secret(102).reveal()));
        assert!(tokens.admits(&secret(101 + most).reveal()));
        assert_eq!(format!("{:?}", tokens.current()), "Secret(…)");
    }
}
