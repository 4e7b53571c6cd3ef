//! The certificate that we show, and its key: from PEM files, encrypted or not, or from PKCS#12.

use std::path::Path;

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;

use super::input::{self, Wrong};
use crate::args::DialArgs;

/// A certificate with its chain and its key, as PEM, the key not encrypted.
pub(super) struct Identity {
    pub(super) chain: String,
    pub(super) key: String,
}

/// What `--cert`, `--key` and `--passphrase` say.
pub(super) fn load(args: &DialArgs) -> Result<Option<Identity>, Wrong> {
    let Some(path) = &args.cert else {
        return Ok(None);
    };
    let passphrase = Passphrase::of(args)?;
    let bytes = input::read("--cert", path)?;
    if is_der(&bytes) {
        return pkcs12(path, &bytes, &passphrase).map(Some);
    }
    let chain = pem::encode_many(&certificates("--cert", path, &bytes)?);
    let key = match &args.key {
        Some(key) => private_key("--key", key, &input::read("--key", key)?, &passphrase)?,
        None => private_key("--cert", path, &bytes, &passphrase)?,
    };
    Ok(Some(Identity { chain, key }))
}

/// Whether these bytes begin as DER does (a SEQUENCE), and not as text.
pub(super) fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0xff, ..])
}

/// The certificates in a PEM file, of which there is at least one.
pub(super) fn certificates(flag: &str, path: &Path, bytes: &[u8]) -> Result<Vec<Pem>, Wrong> {
    let mut sections = sections(flag, path, bytes)?;
    sections.retain(|section| section.tag() == "CERTIFICATE");
    if sections.is_empty() {
        return Err(Wrong::usage(format!(
            "{flag} {}: there is no certificate in it (-----BEGIN CERTIFICATE-----)",
            path.display()
        )));
    }
    Ok(sections)
}

fn sections(flag: &str, path: &Path, bytes: &[u8]) -> Result<Vec<Pem>, Wrong> {
    pem::parse_many(bytes)
        .map_err(|error| Wrong::usage(format!("{flag} {}: broken PEM: {error}", path.display())))
}

/// What a key is encrypted with.
enum Passphrase {
    /// The flag has it.
    Given(String),
    /// To be asked for, if it is needed.
    Unknown,
}

impl Passphrase {
    fn of(args: &DialArgs) -> Result<Passphrase, Wrong> {
        match args.passphrase.as_deref() {
            None | Some("") => Ok(Passphrase::Unknown),
            Some(text) => input::secret("--passphrase", text).map(Passphrase::Given),
        }
    }

    fn get(&self, path: &Path) -> Result<String, Wrong> {
        let path = path.display();
        match self {
            Passphrase::Given(text) => Ok(text.clone()),
            Passphrase::Unknown => {
                input::ask(&format!("Passphrase of {path}: "))?.ok_or_else(|| {
                    Wrong::usage(format!(
                        "{path} is encrypted, and there is no terminal to ask on: give \
                         --passphrase TEXT, @FILE or env:NAME"
                    ))
                })
            }
        }
    }
}

/// The first private key in a PEM file, decrypted.
fn private_key(
    flag: &str,
    path: &Path,
    bytes: &[u8],
    passphrase: &Passphrase,
) -> Result<String, Wrong> {
    let wrong = |why: &str| Wrong::usage(format!("{flag} {}: {why}", path.display()));
    let sections = sections(flag, path, bytes)?;
    let key = sections
        .iter()
        .find(|one| one.tag().ends_with("PRIVATE KEY"));
    let key = key.ok_or_else(|| {
        wrong(
            "there is no private key in it (-----BEGIN PRIVATE KEY-----): name its file with --key",
        )
    })?;
    if key.headers().get("Proc-Type").is_some() {
        return Err(wrong(
            "this old way of encrypting keys is not known; write it anew with: openssl pkcs8 -topk8",
        ));
    }
    if key.tag() != "ENCRYPTED PRIVATE KEY" {
        return Ok(pem::encode(key));
    }
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(key.contents())
        .map_err(|error| wrong(&format!("the encrypted key cannot be read: {error}")))?;
    let plain = encrypted
        .decrypt(passphrase.get(path)?)
        .map_err(|_| wrong("the passphrase does not open it"))?;
    Ok(pem::encode(&Pem::new("PRIVATE KEY", plain.as_bytes())))
}

fn pkcs12(path: &Path, bytes: &[u8], passphrase: &Passphrase) -> Result<Identity, Wrong> {
    let wrong = |why: &str| Wrong::usage(format!("--cert {}: {why}", path.display()));
    let open = |text: &str| KeyStore::from_pkcs12(bytes, text, Pkcs12ImportPolicy::Strict);
    let opened = match passphrase {
        Passphrase::Given(text) => open(text),
        // Many have none.
        Passphrase::Unknown => match open("") {
            Err(Error::MacError(_)) => open(&passphrase.get(path)?),
            other => other,
        },
    };
    let store = opened.map_err(|error| match error {
        Error::MacError(_) => wrong("the passphrase does not open it"),
        other => wrong(&format!("it cannot be read as PKCS#12: {other}")),
    })?;
    let (_, found) = store
        .private_key_chain()
        .ok_or_else(|| wrong("there is no certificate with its private key in it"))?;
    let chain = found.certs().iter();
    let chain: Vec<Pem> = chain
        .map(|one| Pem::new("CERTIFICATE", one.as_der()))
        .collect();
    Ok(Identity {
        chain: pem::encode_many(&chain),
        key: pem::encode(&Pem::new("PRIVATE KEY", found.key().as_der())),
    })
}
