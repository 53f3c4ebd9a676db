//! Every limit of the edge, in one place. Units come last in the names.

/// Bytes of a child's output that are read before the rest is drained and dropped.
pub const TASK_OUTPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Memory of each process of a task, in bytes of private data (`RLIMIT_DATA`).
pub const TASK_MEMORY_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of one file that a task may write.
pub const TASK_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// Processes and threads of a task, all together.
pub const TASK_PROCESSES_MAX: u64 = 4096;
/// Milliseconds that output is still read after a task has ended, where descendants may hold
/// the pipes open.
pub const TASK_DRAIN_TIMEOUT_MS: u64 = 1_000;
/// Milliseconds that a killed task may take to disappear.
pub const TASK_KILL_TIMEOUT_MS: u64 = 10_000;
/// Report files that are read for one task.
pub const REPORT_FILES_MAX: usize = 2_000;
/// Files of a workspace that are copied where there is no overlay.
pub const COPY_FILES_MAX: usize = 500_000;
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
