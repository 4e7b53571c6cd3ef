//! The flags that say how to reach a server and what to ask it for, the same for every command that
//! does.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::dial_values::{
    CookieArg, HeaderArg, Resolve, address, alpn, cookie, header, header_value, host, passphrase,
    proxy, resolve, subprotocol,
};
use super::values::{seconds, size};

const REQUEST: &str = "Request";
const TLS: &str = "TLS";
const WAY: &str = "Way to the server";

/// How to reach a server and what to ask it for.
#[derive(Debug, Clone, Args)]
pub(crate) struct DialArgs {
    /// Add a header (may be repeated), or those of a file: @FILE
    #[arg(
        short = 'H',
        long = "header",
        value_name = "NAME: VALUE",
        value_parser = header,
        help_heading = REQUEST
    )]
    pub(crate) headers: Vec<HeaderArg>,
    /// Offer a subprotocol (may be repeated, or a,b; the best first)
    #[arg(
        short,
        long,
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = subprotocol,
        help_heading = REQUEST
    )]
    pub(crate) subprotocol: Vec<String>,
    /// Send this Origin, as a page would; auto: the server's own
    #[arg(short, long, value_name = "ORIGIN", value_parser = header_value, help_heading = REQUEST)]
    pub(crate) origin: Option<String>,
    /// Say who you are (Basic); asks for a password that is missing
    #[arg(
        short = 'u',
        long,
        aliases = ["user", "basic-auth"],
        value_name = "USER[:PASSWORD]",
        conflicts_with = "bearer",
        help_heading = REQUEST
    )]
    pub(crate) auth: Option<String>,
    /// Say who you are with a token: TOKEN, @FILE or env:NAME
    #[arg(long, value_name = "TOKEN", help_heading = REQUEST)]
    pub(crate) bearer: Option<String>,
    /// Send cookies (may be repeated): 'a=1; b=2', or those for this URL of a jar: @cookies.txt
    #[arg(
        long,
        value_name = "NAME=VALUE",
        value_parser = cookie,
        hide_short_help = true,
        help_heading = REQUEST
    )]
    pub(crate) cookie: Vec<CookieArg>,
    /// Send this Host instead of the URL's
    #[arg(
        long,
        value_name = "HOST",
        value_parser = host,
        hide_short_help = true,
        help_heading = REQUEST
    )]
    pub(crate) host: Option<String>,
    /// Send this User-Agent [default: none]
    #[arg(
        short = 'A',
        long,
        value_name = "TEXT",
        value_parser = header_value,
        hide_short_help = true,
        help_heading = REQUEST
    )]
    pub(crate) user_agent: Option<String>,
    /// Ask for this version of the protocol, to see how a server refuses it [default: 13]
    #[arg(short, long, value_name = "VERSION", hide_short_help = true, help_heading = REQUEST)]
    pub(crate) protocol: Option<u8>,
    /// Offer compression (permessage-deflate), which is the default
    #[arg(long, overrides_with = "no_deflate", hide_short_help = true, help_heading = REQUEST)]
    pub(crate) deflate: bool,
    /// Offer no compression
    #[arg(long, overrides_with = "deflate", hide_short_help = true, help_heading = REQUEST)]
    pub(crate) no_deflate: bool,
    /// End the connection at a message above SIZE, such as 64KiB or 100M [default: 16MiB]
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = size,
        hide_short_help = true,
        help_heading = REQUEST
    )]
    pub(crate) max_message: Option<usize>,

    /// Accept any certificate, so that who sits in between reads all
    #[arg(
        short = 'n',
        long,
        visible_short_alias = 'k',
        visible_alias = "insecure",
        help_heading = TLS
    )]
    pub(crate) no_check: bool,
    /// Trust the CAs of this PEM file, and only those
    #[arg(long, visible_alias = "cacert", hide_short_help = true, value_name = "FILE", help_heading = TLS)]
    pub(crate) ca: Option<PathBuf>,
    /// Show this certificate: PEM, or PKCS#12 (.p12, .pfx), which holds the key too
    #[arg(long, value_name = "FILE", help_heading = TLS, hide_short_help = true)]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key, in PEM, if it is not in the same file
    #[arg(
        long,
        value_name = "FILE",
        requires = "cert",
        help_heading = TLS,
        hide_short_help = true
    )]
    pub(crate) key: Option<PathBuf>,
    /// What the key is encrypted with: TEXT, @FILE or env:NAME; if it is missing you are asked
    #[arg(
        long,
        value_name = "TEXT",
        num_args = 0..=1,
        default_missing_value = "",
        value_parser = passphrase,
        requires = "cert",
        help_heading = TLS,
        hide_short_help = true
    )]
    pub(crate) passphrase: Option<String>,
    /// Ask for this name, and find it in the certificate, instead of the URL's host
    #[arg(
        long,
        visible_alias = "tls-domain",
        value_name = "NAME",
        help_heading = TLS,
        hide_short_help = true
    )]
    pub(crate) sni: Option<String>,
    /// Offer these protocols (ALPN), a list with commas [default: http/1.1]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = alpn,
        help_heading = TLS,
        hide_short_help = true
    )]
    pub(crate) alpn: Vec<String>,

    /// How long it may take to connect, in all
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "10",
        value_parser = seconds,
        hide_short_help = true,
        help_heading = WAY
    )]
    pub(crate) connect_timeout: Duration,
    /// Go through [http|https|socks5|socks5h://][USER:PASSWORD@]HOST[:PORT]
    #[arg(long, value_name = "URL", value_parser = proxy, help_heading = WAY)]
    pub(crate) proxy: Option<String>,
    /// Reach these past the proxy: names, addresses, networks, with commas; '*': everybody
    #[arg(long, value_name = "LIST", help_heading = WAY, hide_short_help = true)]
    pub(crate) noproxy: Option<String>,
    /// Follow redirects; who you are is told to the first host alone
    #[arg(short = 'L', long, help_heading = WAY)]
    pub(crate) location: bool,
    /// How many (implies -L) [default: 10]
    #[arg(long, value_name = "N", help_heading = WAY, hide_short_help = true)]
    pub(crate) max_redirects: Option<usize>,
    /// Connect to this unix socket; the URL still says Host and path
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with_all = ["proxy", "resolve", "source_ip"],
        help_heading = WAY,
        hide_short_help = true
    )]
    pub(crate) unix_socket: Option<PathBuf>,
    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = WAY, hide_short_help = true)]
    pub(crate) ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', long, help_heading = WAY, hide_short_help = true)]
    pub(crate) ipv6: bool,
    /// Take HOST (or *) for ADDRESS without a look-up (may be repeated)
    #[arg(
        long,
        value_name = "HOST:PORT:ADDRESS",
        value_parser = resolve,
        help_heading = WAY,
        hide_short_help = true
    )]
    pub(crate) resolve: Vec<Resolve>,
    /// Connect from this address of this machine
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = address,
        help_heading = WAY,
        hide_short_help = true
    )]
    pub(crate) source_ip: Option<IpAddr>,
}
