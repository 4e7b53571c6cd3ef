//! A channel's name: `namespace:name`, or a bare name, which means `chat:name`.

use crate::name::is_invisible;
use std::fmt;
use std::sync::Arc;

/// The namespace of a name without a colon.
pub const DEFAULT_NAMESPACE: &str = "chat";
/// Longest namespace, in bytes.
pub const MAX_NAMESPACE: usize = 32;
/// Longest name after the colon, in bytes.
pub const MAX_NAME: usize = 200;

/// A valid channel name, always with its namespace. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(Arc<str>);

impl Channel {
    /// Reads a name as clients write it.
    ///
    /// # Errors
    ///
    /// [`InvalidChannel`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidChannel> {
        let (namespace, name) = text.split_once(':').unwrap_or((DEFAULT_NAMESPACE, text));
        if namespace.is_empty()
            || namespace.len() > MAX_NAMESPACE
            || !namespace
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        {
            return Err(InvalidChannel::Namespace);
        }
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(InvalidChannel::Length);
        }
        if name.chars().any(is_invisible) || name.trim() != name {
            return Err(InvalidChannel::Character);
        }
        Ok(Self(format!("{namespace}:{name}").into()))
    }

    /// `namespace:name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the colon.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0
            .split_once(':')
            .map_or("", |(namespace, _)| namespace)
    }

    /// What is behind the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, name)| name)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no channel name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidChannel {
    /// The namespace is empty, too long, or has other characters than a-z, 0-9, `_` and `-`.
    Namespace,
    /// The name is empty or too long.
    Length,
    /// A control character, or an invisible one, or white space at an end.
    Character,
}

impl fmt::Display for InvalidChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace => write!(
                f,
                "a channel's namespace, before the colon, has 1 to {MAX_NAMESPACE} characters of a-z, 0-9, _ and -"
            ),
            Self::Length => write!(f, "a channel's name has 1 to {MAX_NAME} bytes"),
            Self::Character => f.write_str(
                "a channel's name has no control or invisible characters, and no space at its ends",
            ),
        }
    }
}

impl std::error::Error for InvalidChannel {}
