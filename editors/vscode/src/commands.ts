// The commands of the palette. Their ids differ from the server's, because the client
// registers those itself and cannot start when one of them is taken.

import * as vscode from 'vscode';
import { type Server, sentence } from './server';

/** The kind of the action that trusts a workspace's tasks. */
const TRUST_KIND = 'quickfix.openexec.trust';

/** Commands that are handed on as they are: about one run, or about none. */
const HANDED_ON = ['review', 'apply', 'discard', 'undo', 'cancel', 'resume', 'status'];

export function commands(server: Server): vscode.Disposable[] {
    const register = (name: string, act: (argument?: unknown) => Promise<unknown>): vscode.Disposable =>
        vscode.commands.registerCommand(`openexec.ui.${name}`, async (argument?: unknown) => {
            try {
                await act(argument);
            } catch (error) {
                void vscode.window.showErrorMessage(`OpenExec: ${sentence(error)}`);
            }
        });
    return [
        register('run', (argument) => run(server, argument)),
        register('trust', () => trust(server)),
        register('restart', () => server.restart()),
        ...HANDED_ON.map((name) =>
            register(name, (argument) => server.execute(`openexec.${name}`, ...ofRun(argument))),
        ),
    ];
}

/** A key binding can name the run: `"args": {"run": "1a2b3c"}`. */
function ofRun(argument: unknown): { run: string }[] {
    return hasText(argument, 'run') ? [{ run: argument.run }] : [];
}

/** A key binding can bring the instruction: `"args": {"instruction": "…"}`. */
async function run(server: Server, argument: unknown): Promise<void> {
    const editor = fileEditor();
    // What the user points at is settled now: the server refuses the run if the text has moved
    // on until it arrives there.
    const { document } = editor;
    const place = { ...server.spelled(document, editor.selection), version: document.version };
    const instruction = hasText(argument, 'instruction') ? argument.instruction : await ask(editor);
    if (instruction !== undefined && instruction.trim() !== '') {
        await server.execute('openexec.run', { blueprint: 'implement', ...place, instruction: instruction.trim() });
    }
}

function ask(editor: vscode.TextEditor): Thenable<string | undefined> {
    const { start, end, isEmpty } = editor.selection;
    const lines = start.line === end.line ? `line ${start.line + 1}` : `lines ${start.line + 1} to ${end.line + 1}`;
    return vscode.window.showInputBox({
        title: 'OpenExec: Carry Out an Instruction',
        prompt: `${isEmpty ? 'At' : 'On'} ${lines} of ${vscode.workspace.asRelativePath(editor.document.uri)}`,
        placeHolder: 'What should be done?',
        ignoreFocusOut: true,
    });
}

/** Trust is given to commands that the user has just read, and to no others. */
async function trust(server: Server): Promise<void> {
    const { document, selection } = fileEditor();
    const [offer] = await server.offered(document, selection, TRUST_KIND);
    if (offer?.command === undefined) {
        void vscode.window.showInformationMessage(
            'OpenExec: there is nothing to trust here. The tasks of this workspace are trusted already, or it declares none; “OpenExec: Show Status” says which.',
        );
        return;
    }
    const yes = 'Trust';
    const detail = 'OpenExec will run these commands to verify edits. When a file that declares them changes, you are asked again.';
    if ((await vscode.window.showWarningMessage(`${offer.title}?`, { modal: true, detail }, yes)) === yes) {
        await server.execute(offer.command.command, ...(offer.command.arguments ?? []));
    }
}

function fileEditor(): vscode.TextEditor {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.scheme !== 'file') {
        throw new Error('open a file of the workspace first, and put the cursor where you mean');
    }
    return editor;
}

function hasText<K extends string>(value: unknown, key: K): value is Record<K, string> {
    return typeof value === 'object' && value !== null && typeof (value as Record<K, unknown>)[key] === 'string';
}
