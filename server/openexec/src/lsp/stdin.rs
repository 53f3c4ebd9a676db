//! Standard input, read by a thread of its own.
//!
//! tokio's own standard input blocks the end of the runtime until one more byte arrives, so
//! that `exit` would not end the process while the editor holds the pipe open.

use crate::limits::STDIN_BUFFER_BYTES_MAX;
use std::io::Read as _;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Handle;

/// Everything that arrives on standard input, until its end.
pub(super) fn reader() -> DuplexStream {
    let (mut inlet, outlet) = tokio::io::duplex(STDIN_BUFFER_BYTES_MAX);
    let runtime = Handle::current();
    let pump = move || {
        let mut stdin = std::io::stdin().lock();
        let mut buffer = vec![0; STDIN_BUFFER_BYTES_MAX];
        loop {
            let read = match stdin.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read any more");
                    return;
                }
            };
            let arrived = buffer.get(..read).unwrap_or_default();
            if runtime.block_on(inlet.write_all(arrived)).is_err() {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("stdin".to_owned()).spawn(pump) {
        tracing::error!(%error, "no thread for standard input could be started");
    }
    outlet
}
