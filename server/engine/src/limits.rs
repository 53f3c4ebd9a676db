//! Every limit of the engine, in one place. Units come last in the names.

/// Steps that one run may take, whatever its blueprint says.
pub const RUN_STEPS_MAX: u32 = 100;
/// Turns of one agent step: a model reply and our answer to it.
pub const STEP_TURNS_MAX: u32 = 24;
/// Malformed replies that one agent step puts up with before it fails.
pub const STEP_MALFORMED_MAX: u32 = 2;
/// Stages of one blueprint.
pub const BLUEPRINT_STAGES_MAX: usize = 64;
/// Bytes of one blueprint, policy or task file.
pub const CONFIG_BYTES_MAX: usize = 256 * 1024;
/// The largest `retry_limit` that a blueprint may ask for.
pub const RETRY_LIMIT_MAX: u32 = 10;
/// Nesting of one configuration file.
pub const CONFIG_DEPTH_MAX: usize = 16;
/// Nodes of one configuration file, aliases expanded.
pub const CONFIG_NODES_MAX: usize = 20_000;
/// Aliases in one configuration file.
pub const CONFIG_ALIASES_MAX: usize = 256;
/// Problems of one configuration file that are reported.
pub const CONFIG_PROBLEMS_MAX: usize = 100;
/// Lines of an unfinished file that are read as blank so that the others can be read.
pub const OUTLINE_REPAIRS_MAX: usize = 8;
/// The same, where somebody waits to be told what could be written.
pub const SITE_REPAIRS_MAX: usize = 3;
/// Bytes of a file up to which mistakes elsewhere in it are read over for that.
pub const SITE_REPAIRED_BYTES_MAX: usize = 64 * 1024;
/// Stages and routes that are tried to put missing gates into a blueprint.
pub const GATE_EDITS_MAX: usize = 4;
/// Bytes of a name in a blueprint.
pub const BLUEPRINT_NAME_BYTES_MAX: usize = 64;
/// Bytes of a goal or a description in a blueprint.
pub const BLUEPRINT_PROSE_BYTES_MAX: usize = 8 * 1024;

/// Bytes of one reply's JSON document.
pub const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Actions in one reply.
pub const REPLY_ACTIONS_MAX: usize = 200;
/// Nesting of one reply's JSON document.
pub const REPLY_DEPTH_MAX: usize = 16;
/// Bytes of an action's id.
pub const ACTION_ID_BYTES_MAX: usize = 128;

/// Bytes of a workspace path.
pub const PATH_BYTES_MAX: usize = 1024;
/// Bytes of one component of a workspace path.
pub const PATH_COMPONENT_BYTES_MAX: usize = 255;
/// Components of a workspace path.
pub const PATH_COMPONENTS_MAX: usize = 64;

/// Bytes of a file that may be edited or shown to a model.
pub const FILE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Files that one change set may touch.
pub const CHANGE_FILES_MAX: usize = 100;
/// Bytes of all proposed texts of one change set.
pub const CHANGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Steps, estimated as lines times changed lines, that the merge of one file may take. More
/// count as an overlap, which the user reviews. As many may it take to look for the hunks of one file
/// one by one, after an edit has landed otherwise than proposed.
pub const REBASE_STEPS_MAX: usize = 200_000_000;
/// Lines of both sides of a file that the guard compares before it parses the new side; larger
/// files are parsed anew.
pub const GUARD_DIFF_LINES_MAX: usize = 3_000;
/// Ways out of one function that the guard holds against the assertions behind them.
pub const GUARD_EXITS_MAX: usize = 64;
/// Depth to which a syntax tree is searched for symbols and comments.
pub const SYNTAX_DEPTH_MAX: usize = 1_000;
/// Symbols that one file is taken to have; later ones are left out.
pub const SYMBOLS_MAX: usize = 20_000;
/// Calls and imports that one file is taken to have; later ones are left out.
pub const USES_MAX: usize = 100_000;
/// Bytes of the name of a call or an import; one with a longer name is left out.
pub const USE_NAME_BYTES_MAX: usize = 256;
/// Bytes of a symbol's qualified name; a symbol with a longer one is left out.
pub const SYMBOL_NAME_BYTES_MAX: usize = 512;
/// Bytes of a symbol's signature; a longer one is cut.
pub const SIGNATURE_BYTES_MAX: usize = 400;
/// Names that resemble a missing one, in its error.
pub const SIMILAR_NAMES_MAX: usize = 5;
/// Bytes of the instruction of one comment directive; a longer one is cut.
pub const DIRECTIVE_BYTES_MAX: usize = 4_000;
/// Times that a parser reports progress before it is stopped, whatever the file's size.
pub const PARSE_CHECKS_MIN: usize = 10_000;
/// Bytes of the file that allow one time more. Measured: real code needs one for 50 to 200
/// bytes, text that is all errors one for 20 to 50.
pub const PARSE_BYTES_PER_CHECK: usize = 16;

/// Candidates that one context pack is chosen from.
pub const CONTEXT_CANDIDATES_MAX: usize = 400;
/// Tokens of one context pack, where nothing else is said.
pub const CONTEXT_TOKENS_DEFAULT: usize = 8_192;
/// Share of a pack's budget that the project's conventions may take, in percent.
pub const CONTEXT_CONVENTIONS_PERCENT: usize = 6;
/// Lines of a longer convention below which nothing of it is shown.
pub const CONVENTION_LINES_MIN: usize = 4;
/// Definitions of a ranking that one pack is chosen from.
pub const RANKED_CANDIDATES_MAX: usize = 320;
/// Of these, the best whose text is read; of the others, the signatures are known.
pub const RANKED_BODIES_MAX: usize = 80;
/// Characters of a signature that is listed in a pack; of a longer one, the beginning.
pub const CONTEXT_SIGNATURE_CHARS_MAX: usize = 80;
/// Bytes of a text whose tokens are counted at once; of a longer one, part after part.
pub const COUNTED_AT_ONCE_BYTES_MAX: usize = 64 * 1024;
/// Characters of an envelope's title.
pub const ENVELOPE_TITLE_CHARS_MAX: usize = 300;
/// Bytes of one answer to a reading action.
pub const READ_BYTES_MAX: usize = 64 * 1024;
/// Matches in one answer to a search.
pub const SEARCH_MATCHES_MAX: usize = 50;

/// Bytes of a task's output that the journal keeps: the head and the tail.
pub const OUTPUT_KEPT_BYTES_MAX: usize = 64 * 1024;
/// Failing tests that a report lists.
pub const FAILURES_LISTED_MAX: usize = 100;
/// Records in one list of a memory file.
pub const MEMORY_FILE_RECORDS_MAX: usize = 1_000;
/// Items of one list in a memory record.
pub const MEMORY_ITEMS_MAX: usize = 50;
/// Bytes of one line in a memory record.
pub const MEMORY_LINE_BYTES_MAX: usize = 400;
/// Bytes of the shortest text that a record masks.
pub const MASKED_BYTES_MIN: usize = 4;
/// Bytes of the shortest text by which a failure is known.
pub const LOOKS_LIKE_BYTES_MIN: usize = 6;
/// Bytes of one error in its normal form; a longer one is cut.
pub const ERROR_FORM_BYTES_MAX: usize = 240;
/// Errors in their normal form that one run remembers or looks for.
pub const ERROR_FORMS_MAX: usize = 12;
/// Lines of one output that are looked through for errors.
pub const ERROR_LINES_READ_MAX: usize = 4_000;
/// Files that one task may declare to write.
pub const TASK_WRITES_MAX: usize = 50;
/// Hashes of one sketch; symbols with no more tokens are compared exactly.
pub const SKETCH_HASHES_MAX: usize = 128;
/// Lines of two texts together up to which it is told which lines they share.
pub const LINE_MAP_LINES_MAX: usize = 20_000;
/// Files that must have moved together before their directory counts as moved.
pub const MOVED_DIRECTORY_FILES_MIN: u32 = 5;
/// Share of the files that left a directory which must have gone to one place.
pub const MOVED_DIRECTORY_PERCENT_MIN: u32 = 80;
/// Memory records that one pack may contain.
pub const MEMORY_RECORDS_MAX: usize = 8;
/// Tokens that a model may write in one reply.
pub const OUTPUT_TOKENS_MAX: u32 = 16_000;
/// Tokens of the shortest reply that is worth asking for: below, a run pauses instead.
pub const OUTPUT_TOKENS_MIN: u32 = 1_000;
/// Replies of the greatest length that a day's limit must have room for.
pub const DAY_REPLIES_MIN: u64 = 4;
/// Share of a model's window that is kept for its reply, at most, when a pack is cut to it.
pub const WINDOW_REPLY_PERCENT: u64 = 25;
/// Share of a model's window that is kept for what a conversation adds to the pack: the goal,
/// reports, edits, texts that the model reads.
pub const WINDOW_TALK_PERCENT: u64 = 15;
/// Tokens that are counted for each message, result and tool call besides its text.
pub const MESSAGE_TOKENS: u64 = 8;
/// How often edits are rebased onto a text that keeps moving before the run waits.
pub const APPLY_ROUNDS_MAX: u32 = 3;

/// Rules of one policy file.
pub const POLICY_RULES_MAX: usize = 500;
/// Egress rules of one policy file.
pub const POLICY_EGRESS_MAX: usize = 100;
/// Globs or names in one list of a policy file.
pub const POLICY_PATTERNS_MAX: usize = 100;
/// Bytes of one glob in a policy file.
pub const POLICY_PATTERN_BYTES_MAX: usize = 512;
/// Bytes of a rule's reason.
pub const POLICY_REASON_BYTES_MAX: usize = 400;
/// Examples in one list of a rule.
pub const POLICY_EXAMPLES_MAX: usize = 50;
/// Lines, of both texts together and equal ends aside, up to which a change is measured exactly
/// for rules; beyond, every line in between counts as changed.
pub const POLICY_DIFF_LINES_MAX: usize = 4_000;
/// Bytes of one value for a parameter of a task.
pub const TASK_ARG_BYTES_MAX: usize = 1_024;
/// Bytes that a compiled pattern of a task's parameter may take.
pub const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// Parameters of one task.
pub const TASK_PARAMS_MAX: usize = 16;
/// Bytes of one note that a model leaves for later runs.
pub const NOTE_BYTES_MAX: usize = 2_000;
/// Bytes of a note's key.
pub const NOTE_KEY_BYTES_MAX: usize = 64;
/// Notes of one run.
pub const NOTES_MAX: usize = 20;
/// Hosts that one task may declare.
pub const TASK_HOSTS_MAX: usize = 50;
/// Bytes of an instruction that routing reads.
pub const ROUTE_INSTRUCTION_BYTES_MAX: usize = 4_000;
/// Tokens that the router's model may write.
pub const ROUTE_TOKENS_MAX: u32 = 400;
/// Files and folders that routing takes from one instruction.
pub const MENTIONS_MAX: usize = 50;
/// Files of a plan that are written down; all of them are judged.
pub const ZONES_MAX: usize = 100;
/// Connections of one task; further ones are refused.
pub const CONNECTIONS_MAX: usize = 2_000;
