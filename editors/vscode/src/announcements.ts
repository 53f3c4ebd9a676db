// What the user is told of runs without asking: once each time that a run begins to need
// somebody or is over, with the next step as a button. No button here consents to edits: that is
// done where the edits are seen.

import * as vscode from 'vscode';
import type { Proposals } from './proposals';
import { type RunEntry, called } from './protocol';
import type { Runs, Turn } from './runs';

/** How long a remark stands in the status bar, in milliseconds. */
const REMARK_MS = 6_000;

/** How much of a reason or an answer a message repeats; all of it can be opened. */
const REPEATED_CHARS_MAX = 160;

export function announce(runs: Runs, proposals: Proposals): vscode.Disposable {
    return runs.onDidTurn((turn) => void tell(turn, proposals));
}

async function tell({ now, isFirst }: Turn, proposals: Proposals): Promise<void> {
    const { showInformationMessage, showWarningMessage, showErrorMessage } = vscode.window;
    const run = called(now);
    switch (now.state) {
        case 'working':
            return;
        case 'waiting':
            if (vscode.workspace.getConfiguration('openexec').get('review.openAutomatically', false) && !isFirst) {
                await vscode.commands.executeCommand('openexec.ui.review', now);
                return;
            }
            return choose(now, await showInformationMessage(
                `OpenExec: ${run} is ready for your review. ${because(now)}Nothing has been changed in your files yet.`,
                ...buttons('Review Changes', 'Discard'),
            ));
        case 'asking':
            return choose(now, await showInformationMessage(
                `OpenExec: ${run} asks before it sends its request to the model ${now.model}.`,
                ...buttons('Show Request', 'Send', 'Discard'),
            ));
        case 'paused':
            return choose(now, await showWarningMessage(`OpenExec: ${run} is paused: ${now.detail}`, ...buttons('Resume', 'Cancel Run')));
        case 'interrupted':
            return choose(now, await showWarningMessage(
                `OpenExec: ${run} was interrupted. What it has done so far is recorded; it can go on from there.`,
                ...buttons('Resume', 'Cancel Run'),
            ));
        case 'done':
        case 'undone': {
            if (isFirst) {
                return;
            }
            if (now.stuck === true) {
                // What failed is not told like what was done.
                return choose(now, await showWarningMessage(`OpenExec: ${run} ${now.detail}. It stands as it did before.`, ...buttons('Show Changes')));
            }
            const report = now.applied || now.state === 'undone' ? undefined : (await proposals.of(now).catch(() => undefined))?.report;
            const steps = now.applied ? buttons('Show Changes', 'Undo') : now.state === 'undone' ? buttons('Redo') : buttons(report === undefined ? 'Show Timeline' : 'Show Answer');
            return choose(now, await showInformationMessage(`OpenExec: ${now.state === 'done' ? run : `${run} was undone`}: ${cut(report ?? now.detail)}`, ...steps));
        }
        case 'failed':
            if (!isFirst) {
                choose(now, await showErrorMessage(`OpenExec: ${run} failed: ${now.detail}`, ...buttons('Show Timeline')));
            }
            return;
        case 'cancelled':
        case 'discarded':
            if (!isFirst) {
                vscode.window.setStatusBarMessage(`$(circle-slash) OpenExec: ${run} was ${now.state}; your files are as they were`, REMARK_MS);
            }
            return;
    }
}

type Button = keyof typeof COMMANDS;

const COMMANDS = {
    'Review Changes': 'review',
    'Show Changes': 'review',
    'Show Request': 'request',
    'Show Answer': 'answer',
    'Show Timeline': 'timeline',
    Send: 'apply',
    Discard: 'discard',
    Resume: 'resume',
    'Cancel Run': 'cancel',
    Undo: 'undo',
    Redo: 'undo',
} as const;

function buttons(...names: Button[]): Button[] {
    return names;
}

function choose(run: RunEntry, chosen: Button | undefined): void {
    if (chosen !== undefined) {
        void vscode.commands.executeCommand(`openexec.ui.${COMMANDS[chosen]}`, run);
    }
}

function cut(text: string): string {
    return text.length > REPEATED_CHARS_MAX ? `${text.slice(0, REPEATED_CHARS_MAX)}…` : text;
}

function because({ detail }: RunEntry): string {
    const reason = cut(detail.replace(/\.$/, ''));
    return reason === '' ? '' : `Why you are asked: ${reason}. `;
}
