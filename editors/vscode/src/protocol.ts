// What the server and this extension say to one another beyond the standard protocol. The server
// describes it in `server/openexec/src/lsp/runs.rs`.

/** Request: all runs, newest first. */
export const RUNS = 'openexec/runs';

/** Request: what a run changes, file by file. */
export const CHANGES = 'openexec/changes';

/** Notification: the list is another one. */
export const RUNS_CHANGED = 'openexec/runsChanged';

export type Stand =
    | 'working'
    | 'interrupted'
    | 'waiting'
    | 'asking'
    | 'paused'
    | 'done'
    | 'failed'
    | 'cancelled'
    | 'discarded'
    | 'undone';

/** The runs that go no further without their user. */
export const STANDS_STILL: readonly Stand[] = ['waiting', 'asking', 'paused', 'interrupted'];

export interface RunEntry {
    readonly run: string;
    /** The part of the id that people see. */
    readonly short: string;
    /** The path of its workspace. */
    readonly root: string;
    readonly blueprint: string;
    readonly model: string;
    readonly state: Stand;
    readonly detail: string;
    /** What its models have taken; empty while none was asked. */
    readonly taken: string;
    /** What an approval must name. */
    readonly proposal?: string;
    /** Whether edits of it stand in the user's files. */
    readonly applied: boolean;
    /** It was to be undone or redone and could not be; `detail` says why. */
    readonly stuck?: boolean;
    /** How many events its journal has. */
    readonly events: number;
    readonly startedAtMs?: number;
    /** The commands that make sense now: `cancel` for `openexec.cancel`. */
    readonly can: readonly string[];
}

/** A run as people call it: `Fix tests 1a2b3c`. */
export function called(entry: RunEntry): string {
    return `${work(entry)} ${entry.short}`;
}

/** What a run does: `Fix tests`. */
export function work({ blueprint }: RunEntry): string {
    const words = blueprint.replaceAll(/[_-]/g, ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}

export interface RunList {
    readonly runs: RunEntry[];
}

export interface Changes {
    readonly run: string;
    readonly proposal?: string;
    readonly reasons: readonly string[];
    readonly evidence: readonly string[];
    /** What a stage that only reads has found out: the answer to a question, a review. */
    readonly report?: string;
    /** The parts that the user has accepted so far; see `part`. */
    readonly accepted: readonly string[];
    readonly files: readonly ChangedFile[];
}

export interface ChangedFile {
    readonly path: string;
    readonly uri?: string;
    /** Absent for a file that is created. */
    readonly base?: string;
    /** Absent for a file that is deleted. */
    readonly proposed?: string;
    readonly renamedFrom?: string;
    /** The headers of its hunks: `@@ -1,4 +1,5 @@`. */
    readonly hunks: readonly string[];
}

/** A file that is accepted or left out as one: it is created, deleted or renamed. */
export function isWhole(file: ChangedFile): boolean {
    return file.base === undefined || file.proposed === undefined || file.renamedFrom !== undefined;
}

/** The parts of a file that can be decided about one by one. */
export function partsOf(file: ChangedFile): string[] {
    return isWhole(file) ? [part(file.path)] : file.hunks.map((_, at) => part(file.path, at + 1));
}

/** A part of a proposal that can be accepted or left out: a file, or a hunk of it, counted from 1. */
export function part(path: string, hunk?: number): string {
    return hunk === undefined ? path : `${path}:${hunk}`;
}
