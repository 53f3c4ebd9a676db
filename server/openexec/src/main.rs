fn main() {
    // The sandbox helper must not have a second thread.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == openexec::process::SANDBOX_SUBCOMMAND) {
        eprintln!("openexec: {:#}", openexec::process::sandbox_main());
        std::process::exit(1);
    }
}
