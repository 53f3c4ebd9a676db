// One item in the status bar: whether the server works, and whether somebody waits.

import * as vscode from 'vscode';
import { STANDS_STILL } from './protocol';
import type { Runs } from './runs';
import type { Server } from './server';

export function statusBar(server: Server, runs: Runs): vscode.Disposable {
    const item = vscode.window.createStatusBarItem('openexec.status', vscode.StatusBarAlignment.Left, 10);
    item.name = 'OpenExec';
    const show = (): void => {
        const { text, tooltip, command, stands } = look(server, runs);
        item.text = text;
        item.tooltip = tooltip;
        item.command = command;
        item.backgroundColor = stands ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
        item.color = stands ? new vscode.ThemeColor('statusBarItem.warningForeground') : undefined;
        item.show();
    };
    show();
    return vscode.Disposable.from(item, server.onDidChangeHealth(show), runs.onDidChange(show), vscode.workspace.onDidGrantWorkspaceTrust(show));
}

interface Look {
    readonly text: string;
    readonly tooltip: string;
    readonly command: string;
    /** Somebody has to do something. */
    readonly stands?: boolean;
}

function look(server: Server, runs: Runs): Look {
    if (!vscode.workspace.isTrusted) {
        return {
            text: '$(shield) OpenExec',
            tooltip: 'OpenExec is off: this workspace is not trusted, and nothing of it is run. Click to decide.',
            command: 'workbench.trust.manage',
        };
    }
    if (server.health === 'down') {
        return { text: '$(error) OpenExec', tooltip: 'The OpenExec server is not running. Click to restart it.', command: 'openexec.ui.restart', stands: true };
    }
    if (server.health !== 'running') {
        return { text: '$(loading~spin) OpenExec', tooltip: 'The OpenExec server is starting.', command: 'openexec.ui.showLog' };
    }
    const command = 'openexec.runs.focus';
    const waiting = runs.entries.filter(({ state }) => STANDS_STILL.includes(state));
    const working = runs.entries.filter(({ state }) => state === 'working');
    const [first] = working;
    if (waiting.length > 0) {
        const text = waiting.length === 1 ? '1 run waits for you' : `${waiting.length} runs wait for you`;
        return { text: `$(git-pull-request) OpenExec: ${text}`, tooltip: `${text}. Click to see it.`, command, stands: true };
    }
    if (first !== undefined) {
        // What it is doing stands beside this, in the workbench's own progress.
        const text = working.length === 1 ? 'at work' : `${working.length} at work`;
        return { text: `$(sync~spin) OpenExec: ${text}`, tooltip: `${first.blueprint} with ${first.model}: ${first.detail}. Click to see it or to cancel it.`, command };
    }
    return { text: '$(check) OpenExec', tooltip: 'OpenExec is ready. Click to see the runs.', command };
}
