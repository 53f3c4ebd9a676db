// A test runner as other people's extensions bring it: one test, which fails.
const vscode = require('vscode');

exports.activate = (context) => {
    const controller = vscode.tests.createTestController('explorer', 'Sums');
    const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, 'test/sums.test.js');
    const item = controller.createTestItem('adds', 'adds', uri);
    item.range = new vscode.Range(4, 0, 6, 3);
    controller.items.add(item);
    controller.createRunProfile('Run', vscode.TestRunProfileKind.Run, (request) => {
        const run = controller.createTestRun(request);
        const message = new vscode.TestMessage('-1 == 5');
        message.location = new vscode.Location(uri, new vscode.Position(5, 2));
        run.started(item);
        run.failed(item, message);
        run.end();
    }, true);
    context.subscriptions.push(controller);
};
