// Proposals as VS Code shows changes: its own diff editors over two texts that nobody can edit,
// the one that the run began with and the one that it wants. Which run is being reviewed is
// known while its editor is in front.

import * as vscode from 'vscode';
import { type ChangedFile, type Changes, type RunEntry, called, isWhole, part, partsOf } from './protocol';
import type { Runs } from './runs';
import { type Server, sentence } from './server';

const SCHEME = 'openexec';

/** What the titles of proposals begin with; of what is applied already, `Changes of`. */
const PROPOSAL = 'Proposal of';

/** How long a remark stands in the status bar, in milliseconds. */
const REMARK_MS = 6_000;

/** What is shown in a diff editor of ours. */
export interface Shown {
    readonly entry: RunEntry;
    readonly changes: Changes;
    readonly file: ChangedFile;
    /** Where to look, counted from 1. */
    readonly line?: number;
}

/** A text of a proposal, as it stands in an editor. */
interface Held {
    readonly entry: RunEntry;
    readonly changes: Changes;
    readonly file: ChangedFile;
    readonly side: Side;
}

type Side = 'before' | 'after';

/** What can be decided about a part: the server's `openexec.accept` and `openexec.reject`. */
export type Decision = 'accept' | 'reject';

/** What the server answers when a part is accepted and others are not. */
interface Progress {
    readonly accepted?: readonly string[];
    readonly left?: readonly string[];
}

export class Proposals implements vscode.Disposable, vscode.TextDocumentContentProvider, vscode.CodeLensProvider {
    private readonly texts = new Map<string, string>();
    private readonly held = new Map<string, Held>();
    private readonly lensesChanged = new vscode.EventEmitter<void>();
    readonly onDidChangeCodeLenses = this.lensesChanged.event;
    private readonly told = new vscode.EventEmitter<vscode.Uri>();
    readonly onDidChange = this.told.event;
    private readonly known = new Map<string, Promise<Changes>>();
    /** The runs whose changes stand in an editor, and the proposal that is seen there, by the title of its tab. */
    private readonly tabs = new Map<string, { readonly run: string; readonly proposal: string | undefined }>();
    /** Behind what a hunk changes first, where it is accepted, since diff editors show no lenses unless they are told to. */
    private readonly mark = vscode.window.createTextEditorDecorationType({
        after: { contentText: '✓ accepted', margin: '0 0 0 3em', color: new vscode.ThemeColor('charts.green') },
    });
    private readonly watching: vscode.Disposable[];

    constructor(
        private readonly server: Server,
        private readonly runs: Runs,
    ) {
        this.watching = [
            this.mark,
            vscode.window.onDidChangeVisibleTextEditors(() => this.markAccepted()),
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
            vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
            vscode.window.tabGroups.onDidChangeTabs(() => this.notice()),
            vscode.window.tabGroups.onDidChangeTabGroups(() => this.notice()),
            runs.onDidChange(() => {
                // Of what waits, parts may have been accepted since, here or elsewhere.
                for (const key of [...this.known.keys()].filter((key) => key.split('\n')[1] === 'waiting')) {
                    this.known.delete(key);
                }
                this.lensesChanged.fire();
                this.notice();
                void this.markAccepted();
            }),
            runs.onDidTurn(({ before, now }) => {
                if (before?.state === 'waiting') {
                    void this.close(now);
                }
            }),
        ];
    }

    dispose(): void {
        vscode.Disposable.from(...this.watching).dispose();
    }

    provideTextDocumentContent(uri: vscode.Uri): string {
        return this.texts.get(uri.toString()) ?? '';
    }

    /** Above each hunk of a proposal, where the user lets diff editors show lenses. */
    async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
        const held = this.held.get(document.uri.toString());
        // One of the two sides is enough: the new one, where there is one.
        if (held === undefined || (held.side === 'before' && held.file.proposed !== undefined)) {
            return [];
        }
        const entry = this.runs.of(held.entry.run);
        if (entry === undefined || entry.proposal !== held.changes.proposal || !entry.can.includes('reject')) {
            return [];
        }
        const { accepted } = await this.of(entry);
        const lens = (line: number, title: string, decision: Decision, which: string): vscode.CodeLens =>
            new vscode.CodeLens(new vscode.Range(line - 1, 0, line - 1, 0), {
                title,
                command: 'openexec.ui.decide',
                arguments: [{ entry, changes: held.changes, decision, part: which }],
            });
        const both = (line: number, what: string, which: string): vscode.CodeLens[] => {
            const all = which === held.file.path ? partsOf(held.file) : [which];
            const isAccepted = all.every((one) => accepted.includes(one));
            return [
                ...(isAccepted ? [] : [lens(line, `Accept ${what}`, 'accept', which)]),
                lens(line, isAccepted ? `Accepted · Leave Out ${what}` : `Leave Out ${what}`, 'reject', which),
            ];
        };
        const single = isWhole(held.file) || held.file.hunks.length < 2;
        return [
            ...(single ? [] : both(1, 'File', held.file.path)),
            ...partsOf(held.file).flatMap((which, at) => both(firstChanged(held.file, at, held.side), 'Hunk', which)),
        ];
    }

    /** The part of a proposal at the cursor of the editor in front, and the proposal. */
    get atCursor(): { entry: RunEntry; changes: Changes; part: string } | undefined {
        const editor = vscode.window.activeTextEditor;
        const held = editor === undefined ? undefined : this.held.get(editor.document.uri.toString());
        if (editor === undefined || held === undefined) {
            return undefined;
        }
        const line = editor.selection.active.line + 1;
        const at = held.file.hunks.findIndex((header) => {
            const { first, last } = hunkLines(header, held.side);
            return first <= line && line <= last;
        });
        const which = isWhole(held.file) ? part(held.file.path) : at < 0 ? undefined : part(held.file.path, at + 1);
        return which === undefined ? undefined : { entry: held.entry, changes: held.changes, part: which };
    }

    /** Says in the proposals that are seen which of their parts are accepted. */
    private async markAccepted(): Promise<void> {
        for (const editor of vscode.window.visibleTextEditors) {
            const held = this.held.get(editor.document.uri.toString());
            const entry = held === undefined ? undefined : this.runs.of(held.entry.run);
            if (held === undefined) {
                continue;
            }
            const isSeen = entry !== undefined && entry.proposal !== undefined && entry.proposal === held.changes.proposal;
            const accepted = isSeen ? await this.acceptedOf(entry) : [];
            const lines = partsOf(held.file).flatMap((which, at) =>
                accepted.includes(which) ? [firstChanged(held.file, at, held.side) - 1] : []);
            editor.setDecorations(this.mark, lines.map((line) => editor.document.lineAt(Math.min(line, editor.document.lineCount - 1)).range));
        }
    }

    private async acceptedOf(entry: RunEntry): Promise<readonly string[]> {
        try {
            return (await this.of(entry)).accepted;
        } catch (error) {
            this.server.log.warn(`run ${entry.short}: ${sentence(error)}`);
            return [];
        }
    }

    /** What a run changes, asked for once while it stands as it does. */
    of(entry: RunEntry): Promise<Changes> {
        const key = [entry.run, entry.state, entry.proposal, entry.detail].join('\n');
        const known = this.known.get(key);
        if (known !== undefined) {
            return known;
        }
        const asked = this.server.changes(entry.run);
        this.known.set(key, asked);
        asked.catch(() => this.known.delete(key));
        return asked;
    }

    /** The run whose changes the user is looking at; none when it waits with others by now. */
    get inFront(): RunEntry | undefined {
        const label = vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '';
        // VS Code adds the count of files to the title.
        const [, shown] = [...this.tabs].find(([title]) => label === title || label.startsWith(`${title} (`)) ?? [];
        const entry = shown === undefined ? undefined : this.runs.of(shown.run);
        return entry?.proposal === shown?.proposal ? entry : undefined;
    }

    /** All files of a run side by side with what they were. */
    async review(named: RunEntry): Promise<void> {
        // A message may have stood there while the proposal became another one.
        const entry = this.runs.of(named.run) ?? named;
        const changes = await this.of(entry);
        if (changes.files.length === 0) {
            void vscode.window.showInformationMessage(`OpenExec: run ${entry.short} changes no file. ${entry.detail}`);
            return;
        }
        const title = `${entry.state === 'waiting' ? PROPOSAL : 'Changes of'} ${called(entry)}`;
        const resources = changes.files.map((file) => {
            const { before, after } = this.sides(entry, changes, file);
            return [this.label(entry, file), before, after];
        });
        this.tabs.set(title, { run: entry.run, proposal: changes.proposal });
        await vscode.commands.executeCommand('vscode.changes', title, resources);
        this.notice();
    }

    /** One file of a run. */
    async diff({ entry, changes, file, line }: Shown): Promise<void> {
        const { before, after } = this.sides(entry, changes, file);
        const title = `${file.path} (run ${entry.short})`;
        this.tabs.set(title, { run: entry.run, proposal: changes.proposal });
        const nothing = this.hold(entry, 'none', file.path, '');
        const options: vscode.TextDocumentShowOptions =
            line === undefined ? { preview: true } : { preview: true, selection: new vscode.Range(line - 1, 0, line - 1, 0) };
        await vscode.commands.executeCommand('vscode.diff', before ?? nothing, after ?? nothing, title, options);
        this.notice();
    }

    /**
     * Has the server take parts out of a proposal: what remains is another proposal, which it
     * verifies anew and puts before the user again. Or has it note that parts are accepted; when
     * all are, it applies the proposal.
     */
    async decide(decision: Decision, entry: RunEntry, changes: Changes, parts: string[]): Promise<void> {
        const done = (await this.server.execute(`openexec.${decision}`, { run: entry.run, proposal: changes.proposal, parts })) as Progress | undefined;
        const [accepted, left] = [done?.accepted?.length ?? 0, done?.left?.length ?? 0];
        if (left > 0) {
            vscode.window.setStatusBarMessage(`$(check) ${accepted} of ${accepted + left} parts accepted; the last one applies all`, REMARK_MS);
        }
    }

    /** A text about a run that nobody can edit. */
    async page(entry: RunEntry, name: string, text: string): Promise<void> {
        const uri = this.hold(entry, 'page', name, text);
        this.told.fire(uri);
        await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
    }

    /** A proposal that was decided about, or that is another one by now, is no longer in the way. */
    private async close({ run }: RunEntry): Promise<void> {
        const titles = [...this.tabs].filter(([title, of]) => of.run === run && title.startsWith(PROPOSAL)).map(([title]) => title);
        const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
        await vscode.window.tabGroups.close(tabs.filter(({ label }) => titles.some((title) => label.startsWith(title))));
    }

    private sides(entry: RunEntry, changes: Changes, file: ChangedFile): { before?: vscode.Uri; after?: vscode.Uri } {
        const key = changes.proposal?.slice(-12) ?? entry.state;
        const was = file.renamedFrom === undefined ? file.base : (file.base ?? this.textOf(changes, file.renamedFrom));
        const hold = (side: Side, path: string, text: string): vscode.Uri => {
            const uri = this.hold(entry, `${key}-${side}`, path, text);
            this.held.set(uri.toString(), { entry, changes, file, side });
            return uri;
        };
        return {
            ...(was === undefined ? {} : { before: hold('before', file.renamedFrom ?? file.path, was) }),
            ...(file.proposed === undefined ? {} : { after: hold('after', file.path, file.proposed) }),
        };
    }

    private textOf(changes: Changes, path: string): string | undefined {
        return changes.files.find((file) => file.path === path)?.base;
    }

    /** The name of the path decides about the language; the rest makes it this run's. */
    private hold(entry: RunEntry, side: string, path: string, text: string): vscode.Uri {
        const uri = vscode.Uri.from({ scheme: SCHEME, authority: entry.short, path: `/${path}`, query: side });
        this.texts.set(uri.toString(), text);
        return uri;
    }

    private label(entry: RunEntry, file: ChangedFile): vscode.Uri {
        return file.uri === undefined ? vscode.Uri.joinPath(vscode.Uri.file(entry.root), file.path) : vscode.Uri.parse(file.uri);
    }

    private notice(): void {
        const entry = this.inFront;
        void vscode.commands.executeCommand('setContext', 'openexec.reviewing', entry?.can.join('+') ?? '');
    }
}

/** The first line of a hunk that is other than it was; those before it only show where that is. */
function firstChanged(file: ChangedFile, hunk: number, side: Side): number {
    const header = file.hunks[hunk] ?? '';
    const [was, is] = [file.base ?? '', file.proposed ?? ''].map((text) => text.split('\n'));
    const [before, after] = [hunkLines(header, 'before').first, hunkLines(header).first];
    const { first, last } = hunkLines(header, side);
    let same = 0;
    while (first + same < last && was?.[before - 1 + same] === is?.[after - 1 + same]) {
        same += 1;
    }
    return first + same;
}

/** The lines of a text that a hunk shows: `@@ -1,4 +3,5 @@` is 3 to 7 of the new one. */
export function hunkLines(header: string, side: Side = 'after'): { first: number; last: number } {
    const sign = side === 'after' ? /\+(\d+)(?:,(\d+))?/ : /-(\d+)(?:,(\d+))?/;
    const [, start = '1', count = '1'] = sign.exec(header) ?? [];
    const first = Math.max(1, Number(start));
    return { first, last: Math.max(first, first + Number(count) - 1) };
}
