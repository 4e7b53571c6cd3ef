//! [`Text`]: immutable UTF-8 over shared bytes.

use crate::utf8::{InvalidUtf8, from_utf8};
use bytes::{Bytes, BytesMut};
use std::borrow::{Borrow, Cow};
use std::{fmt, hash, ops::Deref};

/// An immutable string whose clones share one allocation, valid UTF-8 by construction.
///
/// The text of a WebSocket message is one of these: it dereferences to [`str`], and converts from
/// and into [`Bytes`] without a copy.
#[derive(Clone, Default)]
pub struct Text(Bytes);

impl Text {
    /// Text that needs no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Takes bytes that the caller has validated. Private to the crate: this is the type's proof.
    pub(crate) fn from_valid(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// The text as a string slice.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: every way to make a `Text` starts from a `str` or checks the bytes (`TryFrom`,
        // `Utf8Buf::finish`), and nothing gives mutable access to them afterwards.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The text as bytes that share the same allocation.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text as bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text.into_bytes()))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Box<str>> for Text {
    fn from(text: Box<str>) -> Self {
        String::from(text).into()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<char> for Text {
    fn from(one: char) -> Self {
        Self::from(&*one.encode_utf8(&mut [0; 4]))
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl From<Text> for Vec<u8> {
    /// Without a copy, if nothing else shares the text.
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl From<Text> for String {
    /// Without a copy, if nothing else shares the text.
    fn from(text: Text) -> Self {
        // SAFETY: the bytes of a `Text` are valid UTF-8 (see `as_str`), and stay what they are on
        // their way through a `Vec`.
        unsafe { Self::from_utf8_unchecked(text.0.into()) }
    }
}

impl From<Text> for Box<str> {
    fn from(text: Text) -> Self {
        String::from(text).into_boxed_str()
    }
}

impl TryFrom<&[u8]> for Text {
    type Error = InvalidUtf8;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidUtf8> {
        from_utf8(bytes).map(Self::from)
    }
}

impl TryFrom<BytesMut> for Text {
    type Error = InvalidUtf8;

    fn try_from(bytes: BytesMut) -> Result<Self, InvalidUtf8> {
        bytes.freeze().try_into()
    }
}

impl TryFrom<Bytes> for Text {
    type Error = InvalidUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, InvalidUtf8> {
        from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<Vec<u8>> for Text {
    type Error = InvalidUtf8;

    fn try_from(bytes: Vec<u8>) -> Result<Self, InvalidUtf8> {
        Bytes::from(bytes).try_into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        *self == other.as_str()
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other)
    }
}

impl hash::Hash for Text {
    // As `str` hashes, which `Borrow<str>` promises.
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn refuses_bytes_that_are_not_utf8() {
        for bad in [
            &b"\xff"[..],
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"ok\xe2\x82",
        ] {
            assert_eq!(Text::try_from(bad.to_vec()), Err(InvalidUtf8), "{bad:02x?}");
        }
        let long = [b"a".repeat(100), b"\xff".to_vec()].concat();
        assert_eq!(Text::try_from(long), Err(InvalidUtf8));
    }

    #[test]
    fn is_found_in_a_set_by_str() {
        let set: HashSet<Text> = [Text::from("κόσμε")].into();
        assert!(set.contains("κόσμε"));
    }

    #[test]
    fn shares_bytes_with_what_it_came_from() {
        let bytes = Bytes::from_static(b"hello");
        let text = Text::try_from(bytes.clone()).unwrap();
        assert_eq!(text.into_bytes().as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn comes_from_every_kind_of_string() {
        let made: [Text; 8] = [
            "κ".into(),
            String::from("κ").into(),
            (&String::from("κ")).into(),
            Box::<str>::from("κ").into(),
            Cow::Borrowed("κ").into(),
            Cow::<str>::Owned("κ".into()).into(),
            'κ'.into(),
            "κ".as_bytes().try_into().unwrap(),
        ];
        for text in made {
            let owned = String::from("κ");
            assert_eq!(text, "κ");
            assert_eq!("κ", text);
            assert_eq!(owned, text);
            assert_eq!(Box::<str>::from(text.clone()), "κ".into());
            assert_eq!(Vec::from(text), "κ".as_bytes());
        }
        assert_eq!(
            Text::try_from(BytesMut::from(&b"\xff"[..])),
            Err(InvalidUtf8)
        );
    }

    #[test]
    fn gives_its_allocation_to_a_string_unless_it_is_shared() {
        let text = Text::from("a text with an allocation of its own".to_owned());
        let at = text.as_ptr();
        let shared = text.clone();
        let copy = String::from(text);
        assert!(copy == shared && copy.as_ptr() != at);
        let whole = String::from(shared);
        assert!(whole == copy && whole.as_ptr() == at);
    }
}
