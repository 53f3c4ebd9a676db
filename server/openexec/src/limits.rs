//! Every limit of the edge, in one place. Units come last in the names.

/// Bytes of a child's output that are read before the rest is drained and dropped.
pub const TASK_OUTPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Memory of a task's process tree, as address space of each process, in bytes.
pub const TASK_MEMORY_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of one file that a task may write.
pub const TASK_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// Bytes of one report file that is read.
pub const REPORT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Bytes of one model reply, whatever the wire format adds.
pub const MODEL_REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Milliseconds until a model's server must have accepted the connection.
pub const MODEL_CONNECT_TIMEOUT_MS: u64 = 10_000;
/// Milliseconds until the first byte of a reply.
pub const MODEL_FIRST_BYTE_TIMEOUT_MS: u64 = 120_000;
/// Milliseconds between two bytes of a reply.
pub const MODEL_IDLE_TIMEOUT_MS: u64 = 60_000;
/// Milliseconds for a whole reply.
pub const MODEL_TOTAL_TIMEOUT_MS: u64 = 600_000;
/// Attempts at one model call, the first included.
pub const MODEL_ATTEMPTS_MAX: usize = 4;

/// Events that wait for the journal's writer.
pub const JOURNAL_QUEUE_MAX: usize = 256;
/// Bytes of one event's JSON.
pub const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Files that one walk of the workspace looks at.
pub const WALK_FILES_MAX: usize = 200_000;
/// Files that are searched for names while a pack is built.
pub const SEARCH_FILES_MAX: usize = 20_000;
/// Milliseconds that the server waits for the editor to show an applied edit.
pub const RECONCILE_TIMEOUT_MS: u64 = 5_000;
/// Milliseconds that the server waits for a client's answer to a request.
pub const CLIENT_ANSWER_TIMEOUT_MS: u64 = 30_000;
/// Runs that may be active at once in one process.
pub const RUNS_ACTIVE_MAX: usize = 4;

/// Messages of the editor that may be in work at once. Far above what an editor sends, so
/// that requests which wait for the editor never stop us from reading its answers.
pub const MESSAGES_CONCURRENT_MAX: usize = 1024;
/// Bytes that may wait between the thread that reads standard input and the server.
pub const STDIN_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Code actions offered at one place.
pub const CODE_ACTIONS_MAX: usize = 5;
/// Characters of a quotation in a title or a message.
pub const QUOTE_CHARS_MAX: usize = 60;
/// Bytes of a document up to which a code action extracts symbols itself when the ones at
/// hand are of an older version.
pub const SYMBOLS_INLINE_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds between two looks at the disk while an applied edit is awaited.
pub const RECONCILE_LOOK_MS: u64 = 50;
/// Milliseconds that an answer may come later than its effect, or an effect later than a refusal.
pub const RECONCILE_GRACE_MS: u64 = 500;
/// Diagnostics of other servers that one run is started with.
pub const DIAGNOSTICS_MAX: usize = 20;
/// Milliseconds that a run's view may lag behind the event that was just announced.
pub const VIEW_LAG_MS: u64 = 1_000;
/// Milliseconds that answers may take to leave after `exit`.
pub const EXIT_FLUSH_MS: u64 = 20;
