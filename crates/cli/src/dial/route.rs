//! The way to the server: proxy, unix socket, addresses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tidewire::{Client, Proxy};

use super::input::Wrong;
use super::place::Place;
use super::secure;
use crate::args::DialArgs;
use crate::args::dial_values::Resolve;

/// Gives a client the way that the flags say.
pub(super) fn choose(
    mut client: Client,
    args: &DialArgs,
    place: Option<&Place>,
) -> Result<Client, Wrong> {
    client = client.proxy(proxy(args)?);
    if let Some(path) = &args.unix_socket {
        client = client.unix_socket(path);
    }
    if let Some(address) = args.source_ip {
        client = client.local_address(address);
    }
    let family = Family::of(args);
    if let (Some(family), Some(ip)) = (family, place.and_then(Place::ip)) {
        if !family.has(ip.is_ipv4()) {
            return Err(Wrong::usage(format!(
                "{}: {ip} is not an address of {}",
                family.flag(),
                family.name()
            )));
        }
    }
    if args.resolve.is_empty() && family.is_none() {
        return Ok(client);
    }
    let table: Arc<[Resolve]> = args.resolve.clone().into();
    Ok(client.resolver(move |name, port| {
        let table = table.clone();
        async move { addresses(&table, family, &name, port).await }
    }))
}

fn proxy(args: &DialArgs) -> Result<Proxy, Wrong> {
    let mut except = args.noproxy.clone();
    let proxy = match args.proxy.as_deref() {
        Some("") => return Ok(Proxy::none()),
        Some(url) => {
            // As with curl, NO_PROXY counts for a proxy of the command line too.
            let mut listed = ["no_proxy", "NO_PROXY"].iter().map(std::env::var);
            except = except.or_else(|| listed.find_map(Result::ok));
            Proxy::new(url)
        }
        None => Proxy::from_env(),
    };
    let proxy = proxy.tls(secure::with_proxy(args)?);
    Ok(match except {
        Some(list) => proxy.except(list),
        None => proxy,
    })
}

/// Which kind of addresses is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn of(args: &DialArgs) -> Option<Family> {
        match (args.ipv4, args.ipv6) {
            (true, _) => Some(Family::V4),
            (_, true) => Some(Family::V6),
            _ => None,
        }
    }

    fn has(self, is_ipv4: bool) -> bool {
        (self == Family::V4) == is_ipv4
    }

    fn name(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Family::V4 => "-4",
            Family::V6 => "-6",
        }
    }
}

/// The addresses of a name: those that `--resolve` gives, or those of the system.
async fn addresses(
    table: &[Resolve],
    family: Option<Family>,
    name: &str,
    port: u16,
) -> io::Result<Vec<SocketAddr>> {
    let mut found = match fixed(table, name, port) {
        Some(found) => found,
        None => tokio::net::lookup_host((name, port)).await?.collect(),
    };
    if let Some(family) = family {
        found.retain(|address| family.has(address.is_ipv4()));
        if found.is_empty() {
            let why = format!("it has none of {} ({})", family.name(), family.flag());
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
        }
    }
    Ok(found)
}

/// The last that was said of a name counts; a name counts more than the star.
fn fixed(table: &[Resolve], name: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let of = |host: &str| {
        let mut lines = table.iter().rev();
        lines.find(|line| line.port == port && line.host == host)
    };
    let line = of(name).or_else(|| of("*"))?;
    let addresses = line.addresses.iter();
    Some(addresses.map(|ip| SocketAddr::new(*ip, port)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(host: &str, port: u16, address: &str) -> Resolve {
        Resolve {
            host: host.into(),
            port,
            addresses: vec![address.parse().unwrap()],
        }
    }

    #[test]
    fn a_name_of_the_table_is_not_looked_up() {
        let table = [
            line("a", 1, "10.0.0.1"),
            line("*", 1, "10.0.0.9"),
            line("a", 1, "10.0.0.2"),
        ];
        let first = |name, port| fixed(&table, name, port).map(|list| list[0].to_string());
        assert_eq!(first("a", 1).as_deref(), Some("10.0.0.2:1"));
        assert_eq!(first("b", 1).as_deref(), Some("10.0.0.9:1"));
        assert_eq!(first("a", 2), None);
    }

    #[tokio::test]
    async fn only_the_family_that_was_asked_for() {
        let table = [line("a", 1, "10.0.0.1")];
        let v4 = addresses(&table, Some(Family::V4), "a", 1).await.unwrap();
        assert_eq!(v4.len(), 1);
        let none = addresses(&table, Some(Family::V6), "a", 1).await;
        assert!(none.unwrap_err().to_string().contains("IPv6 (-6)"));
    }
}
