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
/// Bytes of the stream that carries one model reply. One token costs a few hundred of them.
pub const MODEL_WIRE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one event of that stream. Some servers send a whole tool call as one event.
pub const MODEL_EVENT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of an error's body that are read.
pub const MODEL_ERROR_BODY_BYTES_MAX: usize = 64 * 1024;
/// Characters that an error repeats of what a model's server said.
pub const MODEL_ERROR_CHARS_MAX: usize = 300;
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
/// Milliseconds before the second attempt; each further one waits twice as long.
pub const MODEL_RETRY_DELAY_MS: u64 = 500;
/// Milliseconds between two attempts, where the server asks for nothing longer.
pub const MODEL_RETRY_DELAY_MS_MAX: u64 = 8_000;
/// Milliseconds that a server may ask to wait; a longer wait is left to the user.
pub const MODEL_RETRY_AFTER_MS_MAX: u64 = 60_000;
/// Bytes of a file of scripted replies.
pub const SCRIPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Events that wait for the journal's writer.
pub const JOURNAL_QUEUE_MAX: usize = 256;
/// Bytes of one event's JSON.
pub const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one state database.
pub const STORE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Milliseconds that one process waits for another to leave the state database.
pub const STORE_BUSY_TIMEOUT_MS: u64 = 10_000;
/// Connections that are kept open for reading, beside the writer's.
pub const STORE_READERS_MAX: usize = 4;
/// Runs that an ambiguous abbreviation lists.
pub const STORE_AMBIGUOUS_LISTED_MAX: usize = 10;

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
