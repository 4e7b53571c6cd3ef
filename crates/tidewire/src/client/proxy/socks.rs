//! SOCKS5 (RFC 1928, RFC 1929): asks a proxy for a connection to the target.

use super::error::ProxyReason;
use super::server::{Kind, Login, Server};
use super::url::Host;
use super::{ConnectError, Dialer, Stream};
use std::net::SocketAddr;
use tokio::time::Instant;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};

pub(super) async fn connect(
    server: &Server,
    dialer: &Dialer,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<Stream, ConnectError> {
    let targets = match (server.kind, host) {
        (_, Host::Ip(ip)) => vec![TargetAddr::Ip(SocketAddr::new(*ip, port))],
        (Kind::Socks5h, Host::Name(name)) => vec![TargetAddr::Domain(name.into(), port)],
        _ => {
            let addresses = dialer.resolver.addresses(host, port, deadline).await?;
            addresses.into_iter().map(TargetAddr::Ip).collect()
        }
    };
    // An address that the proxy cannot reach is no reason to give up the next.
    let mut refused = ProxyReason::SocksRefused("there is no address to ask for");
    for target in targets {
        let tcp = super::dial_proxy(server, dialer, deadline).await?;
        let outcome = match &server.login {
            Some(Login::Password(name, password)) => {
                Socks5Stream::connect_with_password_and_socket(tcp, target, name, password).await
            }
            _ => Socks5Stream::connect_with_socket(tcp, target).await,
        };
        match outcome {
            Ok(stream) => return Ok(Stream::new(stream.into_inner())),
            Err(error) => match reason(error) {
                reason @ ProxyReason::SocksRefused(_) => refused = reason,
                reason => return Err(server.failed(reason)),
            },
        }
    }
    Err(server.failed(refused))
}

fn reason(error: Error) -> ProxyReason {
    use ProxyReason::{NotSocks, SocksRefused};
    match error {
        Error::Io(error) => ProxyReason::Io(error),
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            ProxyReason::LoginWanted(None)
        }
        Error::PasswordAuthFailure(_) => ProxyReason::LoginRejected(None),
        Error::InvalidAuthValues(why) | Error::InvalidTargetAddress(why) => {
            ProxyReason::Invalid(why)
        }
        Error::GeneralSocksServerFailure => SocksRefused("it failed, and does not say why"),
        Error::ConnectionNotAllowedByRuleset => SocksRefused("its rules do not allow the target"),
        Error::NetworkUnreachable => SocksRefused("it cannot reach the target's network"),
        Error::HostUnreachable => SocksRefused("it cannot reach the target"),
        Error::ConnectionRefused => SocksRefused("the target does not take the connection"),
        Error::TtlExpired => SocksRefused("the way to the target is too long"),
        Error::CommandNotSupported => SocksRefused("it connects nobody"),
        Error::AddressTypeNotSupported => SocksRefused("it does not take this kind of address"),
        Error::InvalidResponseVersion => NotSocks("it speaks another version"),
        Error::InvalidReservedByte => NotSocks("a byte that must be 0 is not"),
        Error::UnknownAddressType => NotSocks("it answers with an unknown kind of address"),
        _ => NotSocks("it answers with an unknown code"),
    }
}
