// The view *Runs*: what waits for the user, what is at work, what is over; below a proposal, why
// the user is asked, what was proven, and its files.

import * as vscode from 'vscode';
import { hunkLines, type Proposals } from './proposals';
import { type ChangedFile, type Changes, type RunEntry, STANDS_STILL, type Stand, isWhole, part, partsOf, work } from './protocol';
import type { Runs } from './runs';
import { type Server, sentence } from './server';

export type Node =
    | { readonly kind: 'group'; readonly title: string; readonly states: readonly Stand[] }
    | { readonly kind: 'run'; readonly entry: RunEntry }
    | { readonly kind: 'note'; readonly text: string; readonly icon: string; readonly about?: string }
    | { readonly kind: 'file'; readonly entry: RunEntry; readonly changes: Changes; readonly file: ChangedFile }
    | { readonly kind: 'hunk'; readonly entry: RunEntry; readonly changes: Changes; readonly file: ChangedFile; readonly hunk: number };

const GROUPS: readonly (Node & { kind: 'group' })[] = [
    { kind: 'group', title: 'Waiting for You', states: STANDS_STILL },
    { kind: 'group', title: 'At Work', states: ['working'] },
    { kind: 'group', title: 'Over', states: ['done', 'failed', 'cancelled', 'discarded', 'undone'] },
];

const LOOKS: Record<Stand, { readonly icon: string; readonly colour?: string; readonly word: string }> = {
    working: { icon: 'sync~spin', word: 'at work' },
    waiting: { icon: 'git-pull-request', colour: 'charts.yellow', word: 'ready for your review' },
    asking: { icon: 'question', colour: 'charts.yellow', word: 'asks before it sends' },
    paused: { icon: 'debug-pause', colour: 'charts.yellow', word: 'paused' },
    interrupted: { icon: 'debug-disconnect', colour: 'charts.yellow', word: 'interrupted' },
    done: { icon: 'pass', colour: 'testing.iconPassed', word: 'done' },
    failed: { icon: 'error', colour: 'testing.iconFailed', word: 'failed' },
    cancelled: { icon: 'circle-slash', word: 'cancelled' },
    discarded: { icon: 'trash', word: 'discarded' },
    undone: { icon: 'discard', word: 'undone' },
};

export class RunsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
    private readonly changed = new vscode.EventEmitter<void>();
    private readonly watching: vscode.Disposable;
    readonly onDidChangeTreeData = this.changed.event;

    constructor(
        private readonly server: Server,
        private readonly runs: Runs,
        private readonly proposals: Proposals,
    ) {
        this.watching = runs.onDidChange(() => this.changed.fire());
    }

    dispose(): void {
        this.watching.dispose();
        this.changed.dispose();
    }

    async getChildren(node?: Node): Promise<Node[]> {
        switch (node?.kind) {
            case undefined:
                return GROUPS.filter((group) => this.within(group).length > 0);
            case 'group':
                return this.within(node).map((entry) => ({ kind: 'run', entry }));
            case 'run':
                return this.below(node.entry);
            case 'file': {
                const { entry, changes, file } = node;
                return file.hunks.map((_, at) => ({ kind: 'hunk', entry, changes, file, hunk: at + 1 }));
            }
            default:
                return [];
        }
    }

    getTreeItem(node: Node): vscode.TreeItem {
        switch (node.kind) {
            case 'group': {
                const open = vscode.TreeItemCollapsibleState.Expanded;
                const item = new vscode.TreeItem(node.title, open);
                item.id = node.title;
                return item;
            }
            case 'run':
                return runItem(node.entry);
            case 'note': {
                const item = new vscode.TreeItem(node.text);
                item.iconPath = new vscode.ThemeIcon(node.icon);
                item.description = node.about ?? '';
                item.tooltip = node.about === undefined ? node.text : `${node.about}: ${node.text}`;
                return item;
            }
            case 'file':
                return this.fileItem(node);
            case 'hunk':
                return this.hunkItem(node);
        }
    }

    private within(group: Node & { kind: 'group' }): RunEntry[] {
        return this.runs.entries.filter((entry) => group.states.includes(entry.state));
    }

    private async below(entry: RunEntry): Promise<Node[]> {
        const notes: Node[] = [];
        const note = (icon: string, text: string, about?: string): void => {
            if (text !== '') {
                notes.push({ kind: 'note', icon, text, ...(about === undefined ? {} : { about }) });
            }
        };
        if (entry.state !== 'waiting') {
            note('info', entry.detail);
        }
        try {
            const changes = await this.proposals.of(entry);
            for (const reason of changes.reasons) {
                // In a narrow view, what is asked comes before the place and the rule that ask it.
                const [, about, why] = /^(.+? \([\w.-]+\)): (.+)$/s.exec(reason) ?? [];
                note('question', why ?? reason, about);
            }
            for (const proof of changes.evidence) {
                // What came of a command says more in a narrow view than the command.
                const [, command, outcome] = /^`([^`]+)`: (.+)$/s.exec(proof) ?? [];
                note('beaker', outcome ?? proof, command);
            }
            note('dashboard', entry.taken);
            const files = changes.files.map((file): Node => ({ kind: 'file', entry, changes, file }));
            return [...notes, ...files];
        } catch (error) {
            this.server.log.warn(`run ${entry.short}: ${sentence(error)}`);
            return notes;
        }
    }

    private fileItem({ entry, changes, file }: Node & { kind: 'file' }): vscode.TreeItem {
        const several = file.hunks.length > 1;
        const { None, Collapsed } = vscode.TreeItemCollapsibleState;
        const item = new vscode.TreeItem(vscode.Uri.file(`/${file.path}`), several ? Collapsed : None);
        const isAccepted = partsOf(file).every((one) => changes.accepted.includes(one));
        item.description = [whatHappens(file), isAccepted ? 'accepted' : ''].filter((text) => text !== '').join(' · ');
        item.tooltip = file.path;
        item.iconPath = isAccepted ? ACCEPTED : vscode.ThemeIcon.File;
        item.contextValue = decidable('file', entry.can.includes('reject'), isAccepted);
        item.command = { title: 'Show the Changes', command: 'openexec.ui.diff', arguments: [{ entry, changes, file }] };
        return item;
    }

    private hunkItem({ entry, changes, file, hunk }: Node & { kind: 'hunk' }): vscode.TreeItem {
        const { first, last } = hunkLines(file.hunks[hunk - 1] ?? '');
        const item = new vscode.TreeItem(first === last ? `Line ${first}` : `Lines ${first} to ${last}`);
        const isAccepted = changes.accepted.includes(part(file.path, hunk));
        item.description = isAccepted ? 'accepted' : '';
        item.iconPath = isAccepted ? ACCEPTED : new vscode.ThemeIcon('diff');
        item.contextValue = decidable('hunk', entry.can.includes('reject') && !isWhole(file), isAccepted);
        item.command = { title: 'Show the Change', command: 'openexec.ui.diff', arguments: [{ entry, changes, file, line: first }] };
        return item;
    }
}

const ACCEPTED = new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));

/** What the menus of a part look at. */
function decidable(kind: string, can: boolean, isAccepted: boolean): string {
    return !can ? kind : isAccepted ? `${kind}+leaveOut` : `${kind}+accept+leaveOut`;
}

function runItem(entry: RunEntry): vscode.TreeItem {
    const look = LOOKS[entry.state];
    const isOpen = entry.state === 'waiting' || entry.state === 'asking';
    const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(work(entry), isOpen ? Expanded : Collapsed);
    // A run that begins to wait opens; one that the user has closed stays closed.
    item.id = `${entry.run} ${isOpen}`;
    item.description = `${entry.state === 'working' ? entry.detail : look.word} · ${entry.short}`;
    item.iconPath = new vscode.ThemeIcon(look.icon, look.colour === undefined ? undefined : new vscode.ThemeColor(look.colour));
    item.contextValue = ['run', ...entry.can].join('+');
    const began = entry.startedAtMs === undefined ? '' : `\n\nStarted ${new Date(entry.startedAtMs).toLocaleString()}`;
    const tooltip = new vscode.MarkdownString();
    tooltip.appendMarkdown(`**${look.word}** · `).appendText(`${entry.blueprint} with ${entry.model}`);
    tooltip.appendMarkdown(began).appendMarkdown('\n\n').appendText(entry.detail);
    item.tooltip = tooltip;
    return item;
}

function whatHappens(file: ChangedFile): string {
    if (file.renamedFrom !== undefined) {
        return `renamed from ${file.renamedFrom}`;
    }
    if (file.base === undefined) {
        return 'created';
    }
    return file.proposed === undefined ? 'deleted' : folder(file.path);
}

function folder(path: string): string {
    return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
