//! Connections that are encrypted.

use deadpool_redis::redis::{Client, ConnectionAddr, ConnectionInfo, TlsCertificates};
use mcp_core::store::StoreError;
use rustls::crypto::{CryptoProvider, ring};

use crate::builder::invalid;

/// Gives a connection its certificates, if its URL asks for TLS.
pub(crate) fn secure(
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> Result<ConnectionInfo, StoreError> {
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return match certificates {
            None => Ok(info),
            Some(_) => Err(invalid("certificates are for rediss urls")),
        };
    }
    // The client takes the provider of the process. It cannot choose one when several are linked,
    // and would panic; whoever chose before this keeps the choice.
    if CryptoProvider::get_default().is_none() {
        ring::default_provider().install_default().ok();
    }
    let Some(certificates) = certificates else {
        return Ok(info);
    };
    let client = Client::build_with_tls(info, certificates)
        .map_err(|_| invalid("the certificates cannot be used"))?;
    Ok(client.get_connection_info().clone())
}
