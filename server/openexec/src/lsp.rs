//! The language server.
/// Serves LSP on standard input and output until `exit`.
///
/// # Errors
/// When user scope cannot be used.
pub async fn serve() -> anyhow::Result<()> {
    todo!()
}
