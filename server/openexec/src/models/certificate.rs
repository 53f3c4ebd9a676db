//! What is wrong with a server's certificate, and what the user can do about it.

use rustls::CertificateError;
use std::error::Error;

/// The remedy, when a connection failed because of a certificate. Asking again does not help.
pub(super) fn remedy(error: &(dyn Error + 'static)) -> Option<String> {
    match fault(error)? {
        CertificateError::Expired
        | CertificateError::NotValidYet
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYetContext { .. } => Some(format!(
            "the certificate is not valid at the time that this machine's clock shows, {}: set the clock if it is wrong, else the server needs a new certificate",
            jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z")
        )),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Some(
            "the certificate belongs to another name: check `base_url`, and see whether a login page or a proxy stands in between"
                .to_owned(),
        ),
        // Whoever signed it is unknown: the server itself, a company's proxy, a private authority.
        _ => Some(
            "nobody who is trusted here has signed the certificate: if you trust the server, write the PEM file of the certificate that signed it as `network: {ca_file: FILE}` in config.yaml"
                .to_owned(),
        ),
    }
}

/// The certificate's fault among an error's causes.
fn fault<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault);
        }
        // An I/O error hides the error that it was made of and names that one's cause.
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        if let Some(found) = inner.and_then(|inner| fault(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
