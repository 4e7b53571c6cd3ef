//! Why the extractor refuses a request: one type per rule that axum's extractor names, and one for
//! the rest.
//!
//! Each converts into the response that [`Refusal`] gives: status, headers and a line of text that
//! says what the client must do.

use crate::Refusal;
use crate::hyper::UpgradeError;
use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use std::fmt;
use tidewire_proto::handshake::server::Reason;

/// A response of this crate as one of axum's.
pub(super) fn into_response(response: http::Response<String>) -> Response {
    response.map(Body::from)
}

macro_rules! rejections {
    ($($(#[$doc:meta])+ $name:ident)*) => {
        $(
            $(#[$doc])+
            #[derive(Debug)]
            pub struct $name(Box<Refusal>);

            impl $name {
                /// The text of the response.
                #[must_use]
                pub fn body_text(&self) -> String {
                    self.0.response().1
                }

                /// The status of the response.
                #[must_use]
                pub fn status(&self) -> StatusCode {
                    self.0.status()
                }

                /// Which rule the request broke.
                #[must_use]
                pub fn refusal(&self) -> &Refusal {
                    &self.0
                }
            }

            impl IntoResponse for $name {
                fn into_response(self) -> Response {
                    into_response(UpgradeError::Refused(self.0).into())
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.reason().fmt(f)
                }
            }

            impl std::error::Error for $name {}

            impl From<$name> for WebSocketUpgradeRejection {
                fn from(rejection: $name) -> Self {
                    Self::$name(rejection)
                }
            }
        )*

        /// Why the extractor refuses a request.
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum WebSocketUpgradeRejection {
            $(
                $(#[$doc])+
                $name($name),
            )*
            /// The request has no connection to upgrade: 426.
            ConnectionNotUpgradable(ConnectionNotUpgradable),
        }

        impl WebSocketUpgradeRejection {
            /// The text of the response.
            #[must_use]
            pub fn body_text(&self) -> String {
                match self {
                    $(Self::$name(rejection) => rejection.body_text(),)*
                    Self::ConnectionNotUpgradable(rejection) => rejection.body_text(),
                }
            }

            /// The status of the response.
            #[must_use]
            pub fn status(&self) -> StatusCode {
                match self {
                    $(Self::$name(rejection) => rejection.status(),)*
                    Self::ConnectionNotUpgradable(rejection) => rejection.status(),
                }
            }
        }

        impl IntoResponse for WebSocketUpgradeRejection {
            fn into_response(self) -> Response {
                match self {
                    $(Self::$name(rejection) => rejection.into_response(),)*
                    Self::ConnectionNotUpgradable(rejection) => rejection.into_response(),
                }
            }
        }

        impl fmt::Display for WebSocketUpgradeRejection {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(rejection) => rejection.fmt(f),)*
                    Self::ConnectionNotUpgradable(rejection) => rejection.fmt(f),
                }
            }
        }
    };
}

rejections! {
    /// The method is not GET: 405.
    MethodNotGet
    /// The version is not HTTP/1.1: 505. WebSockets over HTTP/2 (RFC 8441) are not supported yet.
    HttpVersionNotSupported
    /// Connection does not name `Upgrade`: 400.
    InvalidConnectionHeader
    /// Upgrade does not name `websocket`: 426 (RFC 9110 §15.5.22).
    InvalidUpgradeHeader
    /// Sec-WebSocket-Version is missing or not 13: 426, with the version that is spoken (RFC 6455
    /// §4.2.2 item 4); more than one: 400.
    InvalidWebSocketVersionHeader
    /// No Sec-WebSocket-Key: 400.
    WebSocketKeyHeaderMissing
    /// Another rule of the handshake is broken; its `refusal()` says which. Mostly 400.
    InvalidHandshake
}

impl std::error::Error for WebSocketUpgradeRejection {}

impl From<Box<Refusal>> for WebSocketUpgradeRejection {
    fn from(refusal: Box<Refusal>) -> Self {
        match refusal.reason() {
            Reason::Method(_) => MethodNotGet(refusal).into(),
            Reason::HttpVersion(_) => HttpVersionNotSupported(refusal).into(),
            Reason::ConnectionWithoutUpgrade | Reason::ConnectionMalformed(_) => {
                InvalidConnectionHeader(refusal).into()
            }
            Reason::NoUpgrade | Reason::UpgradeMalformed(_) => InvalidUpgradeHeader(refusal).into(),
            Reason::VersionMissing | Reason::VersionUnsupported | Reason::VersionRepeated => {
                InvalidWebSocketVersionHeader(refusal).into()
            }
            Reason::KeyMissing => WebSocketKeyHeaderMissing(refusal).into(),
            _ => InvalidHandshake(refusal).into(),
        }
    }
}

/// The request has no connection to upgrade: 426. It does not come from hyper's HTTP/1.1 server, but
/// from a test, or another extractor or layer has taken the connection.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ConnectionNotUpgradable;

impl ConnectionNotUpgradable {
    /// The text of the response.
    #[must_use]
    pub fn body_text(&self) -> String {
        format!("{self}\n")
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::UPGRADE_REQUIRED
    }
}

impl IntoResponse for ConnectionNotUpgradable {
    fn into_response(self) -> Response {
        let mut response = into_response(http::Response::new(self.body_text()));
        *response.status_mut() = self.status();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}

impl fmt::Display for ConnectionNotUpgradable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no connection to upgrade")
    }
}

impl std::error::Error for ConnectionNotUpgradable {}

impl From<ConnectionNotUpgradable> for WebSocketUpgradeRejection {
    fn from(rejection: ConnectionNotUpgradable) -> Self {
        Self::ConnectionNotUpgradable(rejection)
    }
}
