//! Every limit of the edge, in one place. Units come last in the names.

use std::time::Duration;

/// Bytes of a child's output that are read before the rest is drained and dropped.
pub const TASK_OUTPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Memory of each process of a task, in bytes of private data (`RLIMIT_DATA`).
pub const TASK_MEMORY_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of one file that a task may write.
pub const TASK_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// Processes and threads of a task, all together.
pub const TASK_PROCESSES_MAX: u64 = 4096;
/// Share of the machine's memory, in percent, that all processes of a task may use together.
/// Where there is a cgroup the kernel holds it, else the task's keeper watches it.
pub const TASK_MEMORY_PERCENT_MAX: u64 = 75;
/// Bytes that a task may write to disk, all files together, before its keeper ends it.
pub const TASK_DISK_BYTES_MAX: u64 = 32 * 1024 * 1024 * 1024;
/// Bytes that a task leaves free on the disk that holds its shadow.
pub const TASK_DISK_FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;
/// Files that a task leaves room for on that disk.
pub const TASK_DISK_FREE_FILES_MIN: u64 = 10_000;
/// Bytes of shared memory (`/dev/shm`) of a task.
pub const TASK_SHARED_MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Bytes of the small in-memory file systems that stand for `/dev`, `/run` and hidden places.
pub const TASK_PLACEHOLDER_BYTES_MAX: u64 = 1024 * 1024;
/// Seconds of processor time of each process of a task, its threads together, whatever the
/// task's own time limit allows.
pub const TASK_CPU_SECONDS_MAX: u64 = 4 * 60 * 60;
/// Seconds between the signal that tells a process that its processor time is used up and
/// the one that it cannot ignore.
pub const TASK_CPU_GRACE_SECONDS: u64 = 5;
/// Directories that overlays leave behind before they are removed together.
pub const OVERLAY_LEFTOVERS_MAX: usize = 32;
/// Connections of one task through its gateway at the same time.
pub const GATEWAY_CONNECTIONS_MAX: usize = 64;
/// Milliseconds until a declared host must have been found and must have answered.
pub const GATEWAY_CONNECT_TIMEOUT_MS: u64 = 15_000;
/// Milliseconds that a task may take to send the head of a request.
pub const GATEWAY_HEAD_TIMEOUT_MS: u64 = 30_000;
/// Bytes of the head of a request.
pub const GATEWAY_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds between two looks of a keeper at what its task uses.
pub const TASK_WATCH_INTERVAL_MS: u64 = 250;
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
/// Bytes that a command-line model may print for one reply. Some print each of their thoughts.
pub const COMMAND_LINE_OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of its complaints that are kept, the last ones.
pub const COMMAND_LINE_COMPLAINT_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds until a command-line model must have said which models it knows.
pub const COMMAND_LINE_ASK_TIMEOUT_MS: u64 = 30_000;
/// Milliseconds that its output is still read after it has ended.
pub const COMMAND_LINE_DRAIN_TIMEOUT_MS: u64 = 1_000;
/// Milliseconds between two looks at what a model has sent so far, for people.
pub const PROGRESS_INTERVAL_MS: u64 = 250;
/// Characters of the line in a terminal that says what is being done.
pub const LIVE_LINE_CHARS_MAX: usize = 100;
/// Milliseconds that the keyring may take: it may ask the user to unlock it.
pub const KEYRING_TIMEOUT_MS: u64 = 60_000;
/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a file of certificates.
pub const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Milliseconds that a model server of this machine may take to say that it is there, where no
/// model is configured.
pub const MODEL_AT_HAND_TIMEOUT_MS: u64 = 300;
/// Milliseconds that a model's server may take to list its models.
pub const MODEL_LIST_TIMEOUT_MS: u64 = 8_000;
/// Bytes of such a list.
pub const MODEL_LIST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Models of such a list that a message names.
pub const MODELS_LISTED_MAX: usize = 5;
/// Tokens that a model may write to show that it answers. Some think before they write.
pub const PING_OUTPUT_TOKENS_MAX: u32 = 256;
/// Bytes of a file of scripted replies.
pub const SCRIPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Events that wait for the journal's writer.
pub const JOURNAL_QUEUE_MAX: usize = 256;
/// Bytes of one event's JSON.
pub const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Milliseconds that the router's model may take; its plan is only a narrower one.
pub const ROUTER_TIMEOUT_MS: u64 = 10_000;
/// Bytes of one state database.
pub const STORE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of one workspace's index on disk.
pub const INDEX_DATABASE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// KiB of a database that each connection keeps in memory, of which there are several. The system
/// keeps the file anyway.
pub const STORE_CACHE_KIB: i64 = 512;
/// Milliseconds that one process waits for another to leave the state database.
pub const STORE_BUSY_TIMEOUT_MS: u64 = 10_000;
/// Milliseconds between two attempts at having a state database to oneself for a moment.
pub const STORE_WAL_RETRY_MS: u64 = 5;
/// Connections that are kept open for reading, beside the writer's.
pub const STORE_READERS_MAX: usize = 4;
/// Runs that an ambiguous abbreviation lists.
pub const STORE_AMBIGUOUS_LISTED_MAX: usize = 10;

/// Files that one walk of the workspace looks at.
pub const WALK_FILES_MAX: usize = 200_000;
/// Threads that list the files of a workspace.
pub const WALK_THREADS_MAX: usize = 4;
/// Files that are searched for names while a pack is built.
pub const SEARCH_FILES_MAX: usize = 20_000;
/// Milliseconds that the server waits for the editor to show an applied edit.
pub const RECONCILE_TIMEOUT_MS: u64 = 5_000;
/// Milliseconds that the server waits for a client's answer to a request.
pub const CLIENT_ANSWER_TIMEOUT_MS: u64 = 30_000;
/// Runs that may be active at once in one process.
pub const RUNS_ACTIVE_MAX: usize = 4;
/// Events that a slow observer of a run may lag behind before it misses some.
pub const EVENTS_BROADCAST_MAX: usize = 256;

/// Symbolic links that are followed on the way to one path.
pub const LINKS_FOLLOWED_MAX: usize = 40;
/// Bytes of one line in an answer to a search.
pub const SEARCH_LINE_BYTES_MAX: usize = 300;
/// Bytes of a file whose names are indexed; larger ones are generated more often than written.
pub const INDEXED_FILE_BYTES_MAX: u64 = 512 * 1024;
/// Files that are indexed, the first by path.
pub const INDEXED_FILES_MAX: usize = 20_000;
/// Mean length of its lines, in bytes, from which on a source is taken for minified.
pub const MINIFIED_LINE_BYTES_MIN: usize = 200;
/// Threads that read and parse the files of a workspace side by side.
pub const INDEX_THREADS_MAX: usize = 8;
/// Bytes of waiting files up to which one thread reads them: starting others costs more.
pub const INDEX_INLINE_BYTES_MAX: u64 = 64 * 1024;
/// Files of the index that are saved together while others are still being read.
pub const INDEX_SAVED_AT_ONCE_MIN: usize = 512;
/// How long nobody must have typed before the background goes on reading files.
pub const INDEX_PAUSE: Duration = Duration::from_millis(200);
/// How long somebody may type before each thread of the background reads one file all the same.
pub const INDEX_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Bytes of files that are parsed for a pack while the background is still at work: the nearest
/// ones. At 10 MB/s, half of the time that an answer may take.
pub const INDEX_NOW_PARSED_BYTES_MAX: u64 = 512 * 1024;
/// Bytes of the files after these that are read without their grammar.
pub const INDEX_NOW_LEXED_BYTES_MAX: u64 = 1024 * 1024;
/// Texts of open buffers whose summaries are kept at hand.
pub const INDEX_BUFFERS_KEPT_MAX: usize = 256;
/// How long nobody must have used an index before it leaves what it knows on disk.
pub const INDEX_RESTS_AFTER: Duration = Duration::from_secs(120);
/// Changes that the background is told of one by one; of more, it looks at everything.
pub const INDEX_CHANGES_MAX: usize = 256;
/// Files whose symbols are kept at hand once they were wanted.
pub const PARSED_FILES_KEPT_MAX: usize = 1_024;
/// Lines shown before and after a place that lies in no symbol of a sensible size.
pub const AROUND_LINES: u32 = 20;
/// Lines of a symbol that is shown whole around a place; of a larger one, only the lines
/// around the place are shown.
pub const WHOLE_SYMBOL_LINES_MAX: u32 = 120;
/// Bytes of one candidate for a pack.
pub const CANDIDATE_BYTES_MAX: usize = 16 * 1024;
/// Bytes of all candidates for a pack; beyond them, signatures stand for the texts.
pub const CANDIDATES_BYTES_MAX: usize = 1024 * 1024;
/// Places that one report is searched for.
pub const REPORTED_PLACES_MAX: usize = 60;
/// Tools that are told how code is written in a project, and texts about it, of which a pack is chosen.
pub const CONVENTIONS_MAX: usize = 12;
/// Files whose languages are at hand where nobody has named a file.
pub const CONVENTION_FILES_AT_HAND_MAX: usize = 3;
/// Bytes of the head of a part of one of them.
pub const CONVENTION_BYTES_MAX: usize = 2 * 1024;
/// Bytes of a report's output whose words are ranked by.
pub const RANKED_OUTPUT_BYTES_MAX: usize = 8 * 1024;
/// Tests of one name that are shown for one failure.
pub const TESTS_OF_NAME_MAX: usize = 3;
/// Places for which memory is asked.
pub const RECALLED_PLACES_MAX: usize = 32;

/// Messages of the editor that may be in work at once. Far above what an editor sends, so
/// that requests which wait for the editor never stop us from reading its answers.
pub const MESSAGES_CONCURRENT_MAX: usize = 1024;
/// Bytes that may wait between the thread that reads standard input and the server.
pub const STDIN_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one message of the editor; a longer one is passed over.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of one header of a message; a longer one is passed over.
pub const HEADER_LINE_BYTES_MAX: usize = 64 * 1024;
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
/// Other places that are handed on of one diagnostic.
pub const RELATED_MAX: usize = 8;
/// Milliseconds that a run's view may lag behind the event that was just announced.
pub const VIEW_LAG_MS: u64 = 1_000;
/// Runs of a workspace that a client's own list shows.
pub const RUNS_LISTED_MAX: usize = 50;
/// Files of one root of which it is kept what looks like a secret in them.
pub const SECRETS_KEPT_MAX: usize = 4_096;
/// Recorded runs of which this process keeps what they came to.
pub const STANDINGS_KEPT_MAX: usize = 256;
/// Milliseconds between two looks whether another process has written into a journal.
pub const JOURNAL_LOOK_MS: u64 = 1_000;
/// Milliseconds between two notices that the list of runs has changed.
pub const RUNS_CHANGED_PAUSE_MS: u64 = 100;
/// Milliseconds that a menu which is opened before the first offers are read waits for them.
pub const OFFERS_WAIT_MS: u64 = 500;
/// Ended runs of earlier processes that are looked at for the latest one that can be undone.
pub const ENDED_LOOKED_AT_MAX: usize = 3;
/// Milliseconds that answers may take to leave after `exit`.
pub const EXIT_FLUSH_MS: u64 = 20;
/// Processor time that a menu gives a parser to catch up with what was typed. Measured: it takes
/// less than a millisecond in 30 KB of code, and up to a hundred in as much of all but errors.
pub const MENU_PARSE_MAX: Duration = Duration::from_millis(3);
/// Milliseconds without a key after which the symbols of a document are extracted again.
pub const SYMBOLS_QUIET_MS: u64 = 150;
/// Files that are read to find out whether they call a script.
pub const EXECUTED_SOURCES_MAX: usize = 100;
/// Environment files whose secrets are looked out for in one batch.
pub const ENVIRONMENT_FILES_MAX: usize = 64;
/// Folders in which environment files are looked for, the nearest to the root.
pub const ENVIRONMENT_FOLDERS_MAX: usize = 20_000;
/// Secrets that are looked out for.
pub const ENVIRONMENT_VALUES_MAX: usize = 500;
/// Complaints that wait for an editor that is not ready to hear them.
pub const COMPLAINTS_MAX: usize = 64;
/// Characters of a client's own words that are repeated to its user.
pub const OPTIONS_CHARS_MAX: usize = 200;
/// Milliseconds without a key after which a file of ours is checked again.
pub const OWN_FILES_QUIET_MS: u64 = 150;
/// Names and keys that are offered at one place of a file of ours.
pub const COMPLETIONS_MAX: usize = 200;
/// Bytes up to which an editor's question about a file of ours is answered where it arrives;
/// beyond, by a thread that nobody else waits for.
pub const OWN_FILES_INLINE_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds that git may take for one answer.
pub const HISTORY_TIMEOUT_MS: u64 = 20_000;
/// Bytes of one answer of git's.
pub const HISTORY_OUTPUT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Commits that a walk goes through one by one; older ones are one step.
pub const HISTORY_COMMITS_MAX: usize = 5_000;
/// Files of one commit that are compared in pairs to find renamed ones.
pub const HISTORY_RENAMES_MAX: usize = 2_000;
/// Changed files of one commit that are searched for a symbol which left its file.
pub const HISTORY_STEP_FILES_MAX: usize = 2_000;
/// Versions of a file among which the last is looked for that held a symbol.
pub const HISTORY_VERSIONS_MAX: usize = 64;
/// Lines of commits that are kept at hand, each from one commit to another.
pub const HISTORY_LINES_KEPT_MAX: usize = 64;
/// Pointers whose way through history is kept at hand.
pub const HISTORY_TRAILS_KEPT_MAX: usize = 10_000;
/// Files of the past whose symbols are kept at hand.
pub const HISTORY_FILES_KEPT_MAX: usize = 20_000;
/// Commits that are looked at for files that change together, the newest.
pub const CO_CHANGED_COMMITS_MAX: usize = 1_000;
/// Milliseconds that git may take to list their files; a pack does without, then.
pub const CO_CHANGED_TIMEOUT_MS: u64 = 2_000;
/// Repositories of which is kept what changes together in them.
pub const CO_CHANGED_KEPT_MAX: usize = 16;
/// Files of a commit from which on it says nothing of any two of them.
pub const CO_CHANGED_FILES_MAX: usize = 30;
/// Milliseconds that pointers of one workspace are followed through history before those that
/// are left are compared with the present alone.
pub const POINTER_WALKS_MS_MAX: u64 = 10_000;
/// Files in which a symbol is looked for that is not where a record points.
pub const POINTER_SEARCH_FILES_MAX: usize = 20_000;
/// Records of runs that are listed, exported or re-anchored at once, the newest.
pub const LESSONS_MAX: usize = 1_000;
/// Records that an editor is told of one symbol.
pub const KNOWN_ABOUT_MAX: usize = 20;
/// Milliseconds between two looks whether something that pointers depend on was written.
pub const MEMORY_LOOKS_MS: u64 = 2_000;
/// Files of each sort whose times are looked at for that, in each folder.
pub const MEMORY_FILES_WATCHED_MAX: usize = 2_000;
/// Bytes of the file by which a working tree names its repository.
pub const GIT_FILE_BYTES_MAX: u64 = 8 * 1024;
/// Records of one file that its annotations are made of, the newest first.
pub const ANNOTATED_RECORDS_MAX: usize = 50;
/// Records of one symbol and one sort that are shown where the cursor rests.
pub const RECORDS_HOVERED_MAX: usize = 3;
/// Characters of a run's text on one line of its report.
pub const REPORT_LINE_CHARS_MAX: usize = 400;
/// Characters of one text of a run in its report.
pub const REPORT_TEXT_CHARS_MAX: usize = 40_000;
/// Lines of one text of a run in the Markdown of its report; the page has all of them.
pub const REPORT_TEXT_LINES_MAX: usize = 12;
