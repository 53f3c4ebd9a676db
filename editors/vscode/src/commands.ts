// The commands of the palette, the view and the menus. Their ids differ from the server's,
// because the client registers those itself and cannot start when one of them is taken.

import * as vscode from 'vscode';
import type { Decision, Proposals, Shown } from './proposals';
import { type Changes, type RunEntry, called, part, work } from './protocol';
import type { Reports } from './report';
import type { Runs } from './runs';
import { type Server, sentence } from './server';
import type { Node } from './tree';
import { trust } from './trust';

/** Commands of the server that are about one run, and handed on with what was seen of it. */
const OF_RUN = ['apply', 'discard', 'undo', 'cancel', 'resume', 'request'];

export class Commands {
    /** A reason that the server would not take, for the next time that it is asked for. */
    private unsaid = '';

    constructor(
        private readonly server: Server,
        private readonly runs: Runs,
        private readonly proposals: Proposals,
        private readonly reports: Reports,
        private readonly extension: string,
    ) {}

    register(): vscode.Disposable {
        const { server } = this;
        const one = (name: string, act: (argument: unknown) => unknown): vscode.Disposable =>
            vscode.commands.registerCommand(`openexec.ui.${name}`, async (argument?: unknown) => {
                try {
                    await this.allowed(name) && (await act(argument));
                } catch (error) {
                    server.log.error(sentence(error));
                    void vscode.window.showErrorMessage(`OpenExec: ${sentence(error)}`);
                }
            });
        return vscode.Disposable.from(
            ...OF_RUN.map((name) => one(name, (argument) => this.ofRun(name, argument))),
            // In the title of an editor a word says more than a sign; a command has one look only.
            ...['apply', 'discard', 'undo'].map((name) => one(`front.${name}`, () => this.ofRun(name, undefined))),
            one('run', (argument) => this.run(argument)),
            one('fixTest', (argument) => this.fixTest(argument)),
            one('review', (argument) => this.review(argument)),
            one('diff', (argument) => this.proposals.diff(argument as Shown)),
            one('accept', (argument) => this.decide('accept', argument as Node)),
            one('leaveOut', (argument) => this.decide('reject', argument as Node)),
            one('decide', (argument) => this.decideAs(argument as Decided)),
            ...(['accept', 'reject'] as const).map((decision) => one(`front.${decision}`, () => this.decideHere(decision))),
            one('remember', (argument) => this.remember(argument)),
            one('timeline', (argument) => this.timeline(argument)),
            one('report', (argument) => this.report(argument)),
            one('graph', () => this.graph()),
            one('answer', (argument) => this.answer(argument)),
            one('status', () => server.execute('openexec.status')),
            one('trust', () => trust(server, activeUri())),
            one('restart', () => server.restart()),
            one('refresh', () => this.runs.refresh()),
            one('showLog', () => server.log.show()),
            one('settings', () => {
                // The server's path belongs to the machine that the server runs on.
                const open = vscode.env.remoteName === undefined ? 'openSettings' : 'openRemoteSettings';
                return vscode.commands.executeCommand(`workbench.action.${open}`, { query: 'openexec.server.path' });
            }),
            one('walkthrough', () =>
                vscode.commands.executeCommand('workbench.action.openWalkthrough', `${this.extension}#start`, false)),
        );
    }

    /** Commands from the code-action menu that this extension does in its own way. */
    divert(command: string, argument: unknown): Promise<unknown> | undefined {
        if (command === 'openexec.review') {
            return this.review(argument);
        }
        if (command === 'openexec.trust') {
            return trust(this.server, hasText(argument, 'uri') ? argument.uri : undefined);
        }
        if (command === 'openexec.remember' && !hasText(argument, 'why')) {
            return this.remember(argument);
        }
        return undefined;
    }

    /** In a workspace that is not trusted nothing is run, and the user is told why. */
    private async allowed(name: string): Promise<boolean> {
        if (vscode.workspace.isTrusted || ['walkthrough', 'showLog', 'settings'].includes(name)) {
            return true;
        }
        const manage = 'Manage Workspace Trust';
        const said = 'OpenExec runs commands of the project, so it does nothing in a workspace that you have not trusted in VS Code.';
        if ((await vscode.window.showWarningMessage(said, manage)) === manage) {
            await vscode.commands.executeCommand('workbench.trust.manage');
        }
        return false;
    }

    /** A key binding can bring the instruction: `"args": {"instruction": "…"}`. */
    private async run(argument: unknown): Promise<void> {
        const editor = vscode.window.activeTextEditor;
        const isFile = editor?.document.uri.scheme === 'file';
        // What the user points at is settled now: the server refuses the run if the text has moved
        // on until it arrives there.
        const place = isFile ? this.server.spelled(editor.document, editor.selection) : {};
        const instruction = hasText(argument, 'instruction') ? argument.instruction : await ask(isFile ? editor : undefined);
        if (instruction !== undefined && instruction.trim() !== '') {
            await this.server.execute('openexec.run', { ...place, instruction: instruction.trim() });
        }
    }

    /** From the test explorer, or from the message of a failed test. */
    private async fixTest(argument: unknown): Promise<void> {
        const item = isItem(argument) ? argument : hasItem(argument) ? argument.test : undefined;
        if (item?.uri === undefined) {
            throw new Error('choose one failing test whose file is known; its runner must say where the test stands');
        }
        // The server reads a document that is open as the editor has it.
        const document = await vscode.workspace.openTextDocument(item.uri);
        const range = item.range ?? new vscode.Range(0, 0, 0, 0);
        await this.server.execute('openexec.run', { ...this.server.spelled(document, range), failing_test: item.label });
    }

    private async review(argument: unknown): Promise<void> {
        const entry = await this.meant(argument, 'review');
        if (entry !== undefined) {
            await this.proposals.review(entry);
        }
    }

    private async ofRun(name: string, argument: unknown): Promise<void> {
        // What was sent can be read of every run.
        const entry = await this.meant(argument, name === 'request' ? undefined : name);
        if (entry === undefined) {
            return;
        }
        // A yes or a no binds what was seen, and nothing that has come since.
        const bound = (name === 'apply' || name === 'discard') && entry.proposal !== undefined;
        await this.server.execute(`openexec.${name}`, bound ? { run: entry.run, proposal: entry.proposal } : { run: entry.run });
    }

    private async decide(decision: Decision, node: Node): Promise<void> {
        if (node.kind === 'file' || node.kind === 'hunk') {
            const which = node.kind === 'file' ? part(node.file.path) : part(node.file.path, node.hunk);
            await this.proposals.decide(decision, node.entry, node.changes, [which]);
        }
    }

    private async decideAs({ decision, entry, changes, part }: Decided): Promise<void> {
        await this.proposals.decide(decision, entry, changes, [part]);
    }

    /** The hunk under the cursor of the diff in front. */
    private async decideHere(decision: Decision): Promise<void> {
        const here = this.proposals.atCursor;
        if (here === undefined) {
            throw new Error('no hunk of a proposal is under the cursor; put it into one of the diff');
        }
        await this.decideAs({ ...here, decision });
    }

    /** Why the symbol at a place, or at the cursor, is as it is. */
    private async remember(argument: unknown): Promise<void> {
        const editor = vscode.window.activeTextEditor;
        const isFile = editor?.document.uri.scheme === 'file';
        const place = hasText(argument, 'uri') ? argument : isFile ? this.server.spelled(editor.document, editor.selection) : undefined;
        if (place === undefined) {
            throw new Error('put the cursor into the function or class that you can say something about');
        }
        const why = await vscode.window.showInputBox({
            title: 'OpenExec: Why Is It as It Is?',
            prompt: 'Kept for you, and told to models that work on it. Leave it empty to write a memory file instead, which your team shares.',
            placeHolder: 'Two teams rely on the order · The vendor\'s API counts from 1',
            value: this.unsaid,
            ignoreFocusOut: true,
        });
        if (why !== undefined) {
            const said = why.trim();
            const done = await this.server.execute('openexec.remember', said === '' ? place : { ...place, why: said });
            // The text may have moved on meanwhile; what was written is not lost.
            this.unsaid = done === undefined ? said : '';
        }
    }

    /** What a run found out that changes nothing. */
    private async answer(argument: unknown): Promise<void> {
        const entry = await this.meant(argument, undefined);
        if (entry !== undefined) {
            const { report } = await this.proposals.of(entry);
            await this.proposals.page(entry, `${called(entry)}.md`, `${report ?? entry.detail}\n`);
        }
    }

    /** Everything that a run did and why, as a document that the server opens. */
    private async timeline(argument: unknown): Promise<void> {
        const entry = await this.meant(argument, undefined);
        if (entry !== undefined) {
            await this.server.execute('openexec.status', { run: entry.run });
        }
    }

    /** The same as one page, with what was said and printed. */
    private async report(argument: unknown): Promise<void> {
        const entry = await this.meant(argument, undefined);
        if (entry !== undefined) {
            await this.reports.show(entry);
        }
    }

    /** The graph of the blueprint in front, else of one that is named. */
    private async graph(): Promise<void> {
        const document = vscode.window.activeTextEditor?.document;
        if (document?.languageId === 'yaml' && /[/\\]blueprints[/\\]/.test(document.uri.fsPath)) {
            await this.server.execute('openexec.graph', { uri: document.uri.toString() });
            return;
        }
        const blueprint = await vscode.window.showInputBox({
            title: 'OpenExec: The Graph of Which Blueprint?',
            placeHolder: 'fix_tests',
            prompt: 'Its name; a blueprint file that is open in front is taken without asking.',
        });
        if (blueprint !== undefined && blueprint.trim() !== '') {
            await this.server.execute('openexec.graph', { blueprint: blueprint.trim() });
        }
    }

    /** The run of a tree node, of an announcement, of a key binding, of the review in front, or the only one that fits. */
    private async meant(argument: unknown, can: string | undefined): Promise<RunEntry | undefined> {
        const named = runOf(argument);
        if (named !== undefined) {
            const found = this.runs.entries.find(({ run }) => run === named || run.endsWith(named) || run.startsWith(named));
            // The list may be behind; what was shown is what is meant.
            return isEntry(argument) && argument.proposal !== undefined ? argument : (found ?? { ...UNKNOWN, run: named, short: named });
        }
        const front = this.proposals.inFront;
        if (front !== undefined && (can === undefined || front.can.includes(can))) {
            return front;
        }
        const fitting = can === undefined ? [...this.runs.entries] : this.runs.that(can);
        if (fitting.length < 2) {
            if (fitting[0] === undefined) {
                throw new Error(`no run can be meant; the view *Runs* shows them all`);
            }
            return fitting[0];
        }
        const picks = fitting.map((entry) => ({ label: work(entry), description: `${entry.state} · ${entry.short}`, detail: entry.detail, entry }));
        return (await vscode.window.showQuickPick(picks, { title: 'OpenExec: Which Run?', matchOnDescription: true }))?.entry;
    }
}

/** A decision about a part of a proposal that was seen. */
interface Decided {
    readonly decision: Decision;
    readonly entry: RunEntry;
    readonly changes: Changes;
    readonly part: string;
}

const UNKNOWN: RunEntry = { run: '', short: '', root: '', blueprint: '', model: '', state: 'working', detail: '', taken: '', applied: false, events: 0, can: [] };

function ask(editor: vscode.TextEditor | undefined): Thenable<string | undefined> {
    return vscode.window.showInputBox({
        title: 'OpenExec: What Should Be Done?',
        prompt: editor === undefined ? 'In this workspace' : place(editor),
        placeHolder: 'Fix the failing tests · Rename `total` to `sum` · Why is this slow?',
        ignoreFocusOut: true,
    });
}

function place({ selection, document }: vscode.TextEditor): string {
    const { start, end, isEmpty } = selection;
    const lines = start.line === end.line ? `line ${start.line + 1}` : `lines ${start.line + 1} to ${end.line + 1}`;
    return `${isEmpty ? 'At' : 'On'} ${lines} of ${vscode.workspace.asRelativePath(document.uri)}`;
}

function activeUri(): string | undefined {
    const uri = vscode.window.activeTextEditor?.document.uri;
    return uri?.scheme === 'file' ? uri.toString() : undefined;
}

function runOf(argument: unknown): string | undefined {
    if (hasText(argument, 'run')) {
        return argument.run;
    }
    const node = argument as Partial<Node & { kind: 'run' }> | undefined;
    return node?.kind === 'run' ? node.entry?.run : undefined;
}

function isEntry(argument: unknown): argument is RunEntry {
    return hasText(argument, 'run') && hasText(argument, 'state') && Array.isArray((argument as Partial<RunEntry>).can);
}

function isItem(value: unknown): value is vscode.TestItem {
    return hasText(value, 'id') && hasText(value, 'label');
}

function hasItem(value: unknown): value is { test: vscode.TestItem } {
    return typeof value === 'object' && value !== null && isItem((value as { test?: unknown }).test);
}

function hasText<K extends string>(value: unknown, key: K): value is Record<K, string> {
    return typeof value === 'object' && value !== null && typeof (value as Record<K, unknown>)[key] === 'string';
}
