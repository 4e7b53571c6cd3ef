//! What an idle TLS connection costs in user space: all of it, the WebSocket and its task included.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod tls_common;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tidewire::tls::ServerTls;
use tidewire_testkit::alloc::{CountingAllocator, process_live_bytes, thread_live_bytes};
use tls_common::Authority;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that one idle connection may cost.
const MOST: i64 = 8 * 1024;
/// Bytes that it may leave behind: lists keep their capacity, some words a connection.
const LEFT: i64 = 128;
const CONNECTIONS: usize = 500;
