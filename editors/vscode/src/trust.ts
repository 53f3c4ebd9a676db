// Trust in what a workspace declares, its tasks, blueprints and memory: given to commands and files that stand in front of the user, and
// to exactly those. The server refuses when they have changed since.

import * as vscode from 'vscode';
import type { Server } from './server';

interface Seen {
    readonly review: string;
    readonly content?: string;
    readonly commands?: string[];
    /** The files of blueprints and of memory that would be loaded. */
    readonly loads?: string[];
}

/** `uri` names the workspace by one of its files; the obvious one when absent. */
export async function trust(server: Server, uri: string | undefined): Promise<void> {
    const of = uri === undefined ? {} : { uri };
    // The server opens the document beside this.
    const seen = (await server.execute('openexec.trust', { ...of, review: true })) as Seen | undefined;
    if (seen === undefined) {
        return;
    }
    if (seen.content === undefined) {
        void vscode.window.showInformationMessage(
            'OpenExec: there is nothing to decide. What this workspace declares is trusted as it is, or it declares nothing.',
        );
        return;
    }
    const named = (texts: string[] | undefined): string => (texts ?? []).map((text) => `“${text}”`).join(', ');
    const question = seen.commands === undefined || seen.commands.length === 0
        ? `may ${named(seen.loads)} be loaded as blueprints and memory?`
        : `may ${named(seen.commands)} be run in a sandbox to verify edits?`;
    const yes = 'Trust Exactly This';
    // Not modal: what it is about must stay readable meanwhile.
    const answer = await vscode.window.showWarningMessage(
        `OpenExec: ${question} The open document shows what decides about it. You are asked again when any of it changes.`,
        yes,
        'Not Now',
    );
    if (answer === yes) {
        await server.execute('openexec.trust', { ...of, content: seen.content, commands: seen.commands });
    }
}
