//! A certificate authority of the user's own, for `--tls-dev`: made once, kept in the data folder.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the authority lives: nobody wants to trust a new one often.
const AUTHORITY_DAYS: u32 = 3650;
/// How long a certificate lives, and how long before its end it is renewed.
const LEAF_DAYS: u32 = 90;
const RENEW_DAYS: u32 = 30;

/// The names that the authority may vouch for, and no others: whoever steals its key cannot pretend to
/// be a site of the internet.
const NAMES: [&str; 5] = ["localhost", "local", "internal", "test", "home.arpa"];
/// The networks likewise: loopback, private (RFC 1918, RFC 4193), link-local.
const NETWORKS: [(&str, u8); 8] = [
    ("127.0.0.0", 8),
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("::1", 128),
    ("fc00::", 7),
    ("fe80::", 10),
];

/// A certificate for this server, and who issued it.
pub(super) struct Issued {
    /// Certificate and key, as PEM.
    pub(super) pem: String,
    /// The authority's certificate, which clients have to trust.
    pub(super) authority: PathBuf,
    /// What the certificate is for.
    pub(super) names: Vec<String>,
    /// Whether `host` is among them.
    pub(super) covers_host: bool,
}

/// A certificate for localhost and `host`, from the authority in `folder`; both are made if need be.
///
/// # Errors
/// A sentence for the user.
pub(super) fn issue(folder: &Path, host: &str) -> Result<Issued, String> {
    let cannot = |what: &Path, error: &dyn std::fmt::Display| {
        format!("cannot keep a certificate in {}: {error}", what.display())
    };
    make_folder(folder).map_err(|error| cannot(folder, &error))?;
    let secret = folder.join("ca-key.pem");
    let authority = folder.join("ca.pem");
    let (key, certificate) = authority_of(&secret).map_err(|error| cannot(&secret, &error))?;
    if fs::read_to_string(&authority).ok().as_ref() != Some(&certificate) {
        let written = write(&authority, &certificate, Existing::Replace);
        written.map_err(|error| cannot(&authority, &error))?;
    }

    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(Into::into).into();
    let everywhere = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
    let covers_host = everywhere || is_permitted(host);
    if covers_host && !everywhere && !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let leaf = folder.join(format!("leaf-{}.pem", file_name(names.last())));
    let purpose = format!("# {} by {}", names.join(" "), hex(key.public_key_raw()));
    let pem = match fs::read_to_string(&leaf) {
        Ok(pem) if is_current(&pem, &purpose, SystemTime::now()) => pem,
        _ => {
            let pem = new_leaf(&key, &names, &purpose).map_err(|error| cannot(&leaf, &error))?;
            write(&leaf, &pem, Existing::Replace).map_err(|error| cannot(&leaf, &error))?;
            pem
        }
    };
    Ok(Issued {
        pem,
        authority,
        names,
        covers_host,
    })
}

/// Key and certificate of the authority. Both are in one file, so that they belong together whoever
/// else makes one at the same time: the first one wins.
fn authority_of(file: &Path) -> io::Result<(KeyPair, String)> {
    if let Some(found) = read_authority(file)? {
        return Ok(found);
    }
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let params = authority_params(&key)?;
    let certificate = params.self_signed(&key).map_err(io::Error::other)?.pem();
    let pem = format!("{}{certificate}", key.serialize_pem());
    match write(file, &pem, Existing::Keep) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        written => written?,
    }
    read_authority(file)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn read_authority(file: &Path) -> io::Result<Option<(KeyPair, String)>> {
    let pem = match fs::read_to_string(file) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let broken = || io::Error::other("it is damaged: remove it, and a new one is made");
    let key = section(&pem, "PRIVATE KEY").ok_or_else(broken)?;
    let key = KeyPair::from_pem(key).map_err(|_| broken())?;
    let certificate = section(&pem, "CERTIFICATE").ok_or_else(broken)?;
    Ok(Some((key, certificate.to_owned())))
}

fn authority_params(key: &KeyPair) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let digits = hex(key.public_key_raw());
    let tail = digits.get(digits.len().saturating_sub(8)..);
    let name = format!("Tidewire development CA {}", tail.unwrap_or_default());
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    let names = NAMES.map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let mut permitted_subtrees = Vec::from(names);
    for (network, prefix) in NETWORKS {
        let network: IpAddr = network.parse().map_err(io::Error::other)?;
        let subnet = CidrSubnet::from_addr_prefix(network, prefix);
        permitted_subtrees.push(GeneralSubtree::IpAddress(subnet));
    }
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees,
        excluded_subtrees: Vec::new(),
    });
    lasting(&mut params, AUTHORITY_DAYS);
    Ok(params)
}

/// A new certificate and key, behind a line that tells what it is for and when it ends.
fn new_leaf(authority: &KeyPair, names: &[String], purpose: &str) -> io::Result<String> {
    let issuer = Issuer::new(authority_params(authority)?, authority);
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = "tidewire --tls-dev";
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let end = lasting(&mut params, LEAF_DAYS);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.signed_by(&key, &issuer).map_err(io::Error::other)?;
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    Ok(format!("{purpose} until {end}\n{certificate}{key}"))
}

/// Sets the validity, from yesterday on (clocks differ), and gives its end in seconds since 1970.
fn lasting(params: &mut CertificateParams, days: u32) -> u64 {
    let now = SystemTime::now();
    let end = now + DAY * days;
    params.not_before = (now - DAY).into();
    params.not_after = end.into();
    seconds(end)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs())
}

/// Whether a certificate that was made before is for the same, and not near its end.
fn is_current(pem: &str, purpose: &str, now: SystemTime) -> bool {
    let end = pem
        .strip_prefix(purpose)
        .and_then(|rest| rest.strip_prefix(" until "))
        .and_then(|rest| rest.lines().next()?.parse::<u64>().ok());
    let whole = section(pem, "CERTIFICATE").is_some() && section(pem, "PRIVATE KEY").is_some();
    let needed = seconds(now + DAY * RENEW_DAYS);
    // An end beyond what is ever written is no end.
    let most = seconds(now + DAY * (LEAF_DAYS + 1));
    whole && end.is_some_and(|end| (needed..=most).contains(&end))
}

/// Whether the authority may vouch for `host`.
fn is_permitted(host: &str) -> bool {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return NETWORKS.iter().any(|(network, prefix)| {
            let bits = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 4),
                IpAddr::V6(ip) => (u128::from(ip), 6),
            };
            let Ok(network) = network.parse() else {
                return false;
            };
            let ((ip, a), (network, b)) = (bits(ip), bits(network));
            a == b && (ip ^ network).leading_zeros() >= u32::from(*prefix)
        });
    }
    let host = host.to_ascii_lowercase();
    NAMES.iter().any(|name| {
        let rest = host.strip_suffix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// What may stand in the name of a file on every system.
fn file_name(name: Option<&String>) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    name.map(|name| name.chars().map(safe).collect())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first section with this label, lines of its frame included.
fn section<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let begin = pem.find(&format!("-----BEGIN {label}-----"))?;
    let rest = pem.get(begin..)?;
    let last = format!("-----END {label}-----");
    let end = rest.find(&last)? + last.len();
    let line_end = rest.get(end..)?.find('\n').map_or(0, |at| at + 1);
    rest.get(..end + line_end)
}

/// What is done with a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Replace,
    Keep,
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(path: &Path, text: &str, existing: Existing) -> io::Result<()> {
    let unique = seconds_and_nanos();
    let draft = path.with_extension(format!("{}-{unique}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match existing {
            Existing::Replace => fs::rename(&draft, path),
            Existing::Keep => fs::hard_link(&draft, path),
        }
    });
    // Renamed, it is gone already.
    _ = fs::remove_file(&draft);
    written
}

fn seconds_and_nanos() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| time.as_nanos())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
