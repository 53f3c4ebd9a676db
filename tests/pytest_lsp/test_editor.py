"""The whole loop with a client that others have written (pytest-lsp on pygls), which says that it
can do what VS Code, Neovim and Emacs say, and checks that the server keeps to that.

Started by tests/e2e/pytest_lsp.rs, which lays out the project and names it in the environment.
"""

import asyncio
import os
import pathlib
import typing

import pytest
import pytest_lsp
from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

PROGRAM = os.environ["OPENEXEC_TEST_PROGRAM"]
PLACE = pathlib.Path(os.environ["OPENEXEC_TEST_PLACE"])
MODEL = os.environ["OPENEXEC_TEST_MODEL"]
ROOT = PLACE / "ws"
LIB = ROOT / "src" / "lib.rs"
PATIENCE_S = 30

# As its users have it; the versions are those whose capabilities pytest-lsp ships.
CLIENTS = ["visual_studio_code", "neovim", "emacs"]


def read_actions_by_their_shape(client: pytest_lsp.LanguageClient) -> None:
    """lsprotocol 2025.0.0 takes every code action that has a command for a command."""
    converter = client.protocol._converter

    def action_or_command(value, _):
        is_command = isinstance(value.get("command"), str)
        return converter.structure(value, types.Command if is_command else types.CodeAction)

    converter.register_structure_hook(typing.Union[types.Command, types.CodeAction], action_or_command)


class Editor:
    """Buffers as an editor has them, over a client."""

    def __init__(self, client: pytest_lsp.LanguageClient):
        self.client = client
        read_actions_by_their_shape(client)
        self.buffers: dict[str, TextDocument] = {}
        self.codec = PositionCodec()
        # How many of the messages have been waited for.
        self.heard = 0

        @client.feature(types.WORKSPACE_APPLY_EDIT)
        async def apply(params: types.ApplyWorkspaceEditParams):
            self.apply(params.edit)
            return types.ApplyWorkspaceEditResult(applied=True)

        @client.feature(types.CLIENT_REGISTER_CAPABILITY)
        async def registered(params: types.RegistrationParams):
            return None

        @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
        @client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)
        async def refreshed(*_):
            return None

        @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
        async def asked(params: types.ShowMessageRequestParams):
            return None

    async def begin(self, name: str) -> types.InitializeResult:
        uri = ROOT.as_uri()
        result = await self.client.initialize_session(
            types.InitializeParams(
                capabilities=pytest_lsp.client_capabilities(name),
                client_info=types.ClientInfo(name=name),
                root_uri=uri,
                workspace_folders=[types.WorkspaceFolder(uri=uri, name="ws")],
            )
        )
        self.codec = PositionCodec(encoding=result.capabilities.position_encoding)
        return result

    def open(self, path: pathlib.Path) -> str:
        uri = path.as_uri()
        text = path.read_text(encoding="utf-8")
        self.buffers[uri] = TextDocument(uri, text, 1, position_codec=self.codec)
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                text_document=types.TextDocumentItem(uri=uri, language_id="rust", version=1, text=text)
            )
        )
        return uri

    def change(self, uri: str, edits: list[types.TextEdit]) -> None:
        """All ranges are about the text before; the last one is made first."""
        buffer = self.buffers[uri]
        edits = sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character))
        changes = [
            types.TextDocumentContentChangePartial(range=edit.range, text=edit.new_text)
            for edit in reversed(edits)
        ]
        for change in changes:
            buffer.apply_change(change)
        buffer.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=buffer.version),
                content_changes=changes,
            )
        )

    def apply(self, edit: types.WorkspaceEdit) -> None:
        for change in edit.document_changes or []:
            assert isinstance(change, types.TextDocumentEdit), change
            assert change.text_document.version in (None, self.buffers[change.text_document.uri].version)
            self.change(change.text_document.uri, change.edits)
        for uri, edits in (edit.changes or {}).items():
            self.change(uri, edits)

    def text(self, uri: str) -> str:
        return self.buffers[uri].source

    async def said(self, part: str) -> str:
        """Waits for the next message with this in it."""

        async def wait() -> str:
            while True:
                for message in self.client.messages[self.heard :]:
                    self.heard += 1
                    if part in message.message:
                        return message.message
                await self.client.wait_for_notification(types.WINDOW_SHOW_MESSAGE)

        try:
            return await asyncio.wait_for(wait(), PATIENCE_S)
        except asyncio.TimeoutError:
            pytest.fail(f"no message with `{part}` came; there were {self.client.messages}")

    async def menu(self, uri: str, line: int) -> list[types.CodeAction]:
        place = types.Position(line=line, character=8)
        return (
            await self.client.text_document_code_action_async(
                types.CodeActionParams(
                    text_document=types.TextDocumentIdentifier(uri=uri),
                    range=types.Range(start=place, end=place),
                    context=types.CodeActionContext(diagnostics=[]),
                )
            )
            or []
        )

    async def offered(self, uri: str, line: int, begins: str) -> types.Command:
        """Opens the menu until it offers something that begins like this. Answers its command."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while loop.time() < deadline:
            actions = await self.menu(uri, line)
            for action in actions:
                if action.title.startswith(begins):
                    is_command = isinstance(action, types.Command)
                    return action if is_command else action.command
        pytest.fail(f"nothing begins with `{begins}`: {[action.title for action in actions]}")

    async def choose(self, uri: str, line: int, begins: str) -> None:
        chosen = await self.offered(uri, line, begins)
        await self.command(chosen.command, chosen.arguments)

    async def command(self, command: str, arguments: list | None = None):
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(command=command, arguments=arguments or [])
        )


@pytest_lsp.fixture(
    params=CLIENTS,
    config=pytest_lsp.ClientServerConfig(
        server_command=[PROGRAM, "lsp"],
        server_env={
            "PATH": os.environ["PATH"],
            "HOME": str(PLACE),
            "XDG_CONFIG_HOME": str(PLACE / "config"),
            "XDG_STATE_HOME": str(PLACE / "state"),
            "OLLAMA_HOST": os.environ["OLLAMA_HOST"],
            "LLAMA_ARG_PORT": os.environ["LLAMA_ARG_PORT"],
        },
    ),
)
async def client(request, lsp_client: pytest_lsp.LanguageClient):
    editor = Editor(lsp_client)
    lsp_client.editor = editor
    lsp_client.begun = await editor.begin(request.param)
    yield
    await lsp_client.shutdown_session()


async def test_what_the_server_says_fits_the_client(client: pytest_lsp.LanguageClient):
    capabilities = client.begun.capabilities
    offered = (client.capabilities.general and client.capabilities.general.position_encodings) or ["utf-16"]
    assert capabilities.position_encoding in offered
    assert "openexec.run" in capabilities.execute_command_provider.commands


async def test_a_failing_test_is_repaired_and_the_repair_taken_back(client: pytest_lsp.LanguageClient):
    editor = client.editor
    uri = editor.open(LIB)
    before = editor.text(uri)
    await editor.offered(uri, 1, "Review function `answer`")
    started = await editor.command(
        "openexec.run", [{"blueprint": "fix_tests", "uri": uri, "model": MODEL}]
    )
    run = started["run"]
    # The user is asked about everything here.
    await editor.said("waits for you")
    assert editor.text(uri) == before
    await editor.choose(uri, 1, "Apply run")
    await editor.said("undo with `openexec.undo`")
    assert editor.text(uri) == before.replace("    41\n", "    42\n")
    if client.capabilities.window and client.capabilities.window.work_done_progress:
        token = next(token for token in client.progress_reports if run in str(token))
        kinds = [type(report).__name__ for report in client.progress_reports[token]]
        assert kinds[0] == "WorkDoneProgressBegin" and "WorkDoneProgressEnd" in kinds, kinds
    await editor.choose(uri, 1, "Undo run")
    await editor.said("undo this run again to redo it")
    assert editor.text(uri) == before


async def test_what_is_typed_during_a_review_is_kept(client: pytest_lsp.LanguageClient):
    editor = client.editor
    uri = editor.open(LIB)
    before = editor.text(uri)
    await editor.command("openexec.run", [{"blueprint": "fix_tests", "uri": uri, "model": MODEL}])
    await editor.said("waits for you")
    start = types.Position(line=0, character=0)
    typed = types.TextEdit(range=types.Range(start=start, end=start), new_text="// 🦀 typed\n\n\n\n")
    editor.change(uri, [typed])
    await editor.choose(uri, 1, "Apply run")
    await editor.said("waits for you")
    await editor.choose(uri, 1, "Apply run")
    await editor.said("undo with `openexec.undo`")
    assert editor.text(uri) == "// 🦀 typed\n\n\n\n" + before.replace("    41\n", "    42\n")


async def test_a_discarded_proposal_leaves_everything_as_it_was(client: pytest_lsp.LanguageClient):
    editor = client.editor
    uri = editor.open(LIB)
    before = editor.text(uri)
    await editor.command("openexec.run", [{"blueprint": "fix_tests", "uri": uri, "model": MODEL}])
    await editor.said("waits for you")
    await editor.choose(uri, 1, "Discard run")
    await editor.said("was discarded")
    assert editor.text(uri) == before
    assert LIB.read_text(encoding="utf-8") == before


async def test_a_wrong_command_is_an_error_with_a_reason(client: pytest_lsp.LanguageClient):
    with pytest.raises(Exception, match="no command|cannot be used|needs one argument"):
        await client.editor.command("openexec.run")
