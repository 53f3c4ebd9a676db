//! A language client for tests: frames over any stream or a real child process, buffers that
//! behave as an editor's, and manners that can be chosen (honest, lying, silent, refusing, late,
//! in a hurry as Kate is). An editor without any user interface is one without [`Abilities`].
//!
//! Dropping it asserts that the server has left nothing open: every request of ours answered
//! exactly once, every request of the server handled, no malformed frame, and an end within
//! the deadline.

#![allow(dead_code, reason = "not every test uses everything a client can do")]

use openexec_engine::text::{Document, Position, PositionEncoding};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How the client deals with `workspace/applyEdit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Applies, tells of the change, then answers `applied: true`.
    Honest,
    /// Answers `applied: true` and does nothing.
    Liar,
    /// Does nothing and never answers.
    Silent,
    /// Answers `applied: false`.
    Rejecting,
    /// Answers `applied: true` first and tells of the change afterwards.
    Late,
    /// Applies, then answers `null`.
    Mumbling,
    /// Applies and never answers.
    Mute,
    /// Applies within two seconds of a command of the user and refuses later; ignores versions;
    /// answers a question that nobody chose anything for with `{}`.
    Kate,
    /// Looks at the version of the first document only, drops what does not fit of the others,
    /// and answers `applied: true`: Neovim.
    FirstOnly,
    /// Applies the first change, fails at the second, and says so.
    Midway,
    /// Keeps the buffer of a file that it deletes, and shows it again once the file is created: Helix.
    Keeping,
    /// Applies the first hunk of each document and answers `applied: true`: a preview in which
    /// the user has ticked some.
    Ticking,
}

/// How long after a command of the user Kate takes edits.
const KATE_PATIENCE: Duration = Duration::from_secs(2);

/// What the client can do.
#[derive(Debug, Clone)]
pub struct Abilities {
    /// Position encodings, the preferred one first; none is UTF-16.
    pub encodings: Vec<&'static str>,
    /// `documentChanges`, with these resource operations.
    pub document_changes: Option<Vec<&'static str>>,
    /// `window/workDoneProgress`.
    pub progress: bool,
    /// `window/showDocument`.
    pub show_document: bool,
    /// Code actions that are more than commands.
    pub literals: bool,
    /// Features that a server registers for some files only; diagnostics that name other places;
    /// nested symbols; Markdown.
    pub rich: bool,
    /// A list of runs of its own, through which its user learns how they stand.
    pub lists_runs: bool,
    /// Lenses above lines, which it asks for anew when it is told to.
    pub annotations: bool,
    /// Commands of the server.
    pub commands: bool,
}

impl Abilities {
    /// Everything.
    pub fn all() -> Self {
        Self {
            encodings: vec!["utf-16"],
            document_changes: Some(vec!["create", "rename", "delete"]),
            progress: true,
            show_document: true,
            literals: true,
            rich: true,
            lists_runs: false,
            annotations: false,
            commands: true,
        }
    }

    /// Nothing but the protocol's bare minimum.
    pub fn none() -> Self {
        Self {
            encodings: Vec::new(),
            document_changes: None,
            progress: false,
            show_document: false,
            literals: false,
            rich: false,
            lists_runs: false,
            annotations: false,
            commands: false,
        }
    }

    fn encoding(&self) -> PositionEncoding {
        // The server prefers UTF-8, then what we prefer.
        let first =
            if self.encodings.contains(&"utf-8") { Some("utf-8") } else { self.encodings.first().copied() };
        match first {
            Some("utf-8") => PositionEncoding::Utf8,
            Some("utf-32") => PositionEncoding::Utf32,
            _ => PositionEncoding::Utf16,
        }
    }

    fn capabilities(&self) -> Value {
        let mut capabilities = json!({
            "window": { "workDoneProgress": self.progress, "showDocument": { "support": self.show_document } },
            "workspace": {},
            "textDocument": { "codeAction": {} },
        });
        if !self.encodings.is_empty() {
            capabilities["general"] = json!({ "positionEncodings": self.encodings });
        }
        if let Some(operations) = &self.document_changes {
            capabilities["workspace"]["workspaceEdit"] =
                json!({ "documentChanges": true, "resourceOperations": operations });
        }
        if self.lists_runs {
            capabilities["experimental"] = json!({ "openexec": { "runs": true } });
        }
        if self.annotations {
            capabilities["textDocument"]["codeLens"] = json!({});
            capabilities["workspace"]["codeLens"] = json!({ "refreshSupport": true });
        }
        if self.commands {
            capabilities["workspace"]["executeCommand"] = json!({ "dynamicRegistration": true });
        }
        if self.rich {
            for feature in ["completion", "hover", "definition", "references", "documentSymbol", "rename"] {
                capabilities["textDocument"][feature] = json!({ "dynamicRegistration": true });
            }
            capabilities["textDocument"]["hover"]["contentFormat"] = json!(["markdown", "plaintext"]);
            capabilities["textDocument"]["documentSymbol"]["hierarchicalDocumentSymbolSupport"] = json!(true);
            capabilities["textDocument"]["publishDiagnostics"] =
                json!({ "relatedInformation": true, "versionSupport": true });
        }
        if self.literals {
            capabilities["textDocument"]["codeAction"]["codeActionLiteralSupport"] =
                json!({ "codeActionKind": { "valueSet": ["quickfix", "refactor", "source"] } });
        }
        capabilities
    }
}

/// An open buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Our version of it.
    pub version: i32,
    /// Its text.
    pub text: String,
}

/// A language client.
pub struct Client {
    /// How it deals with edits.
    pub manners: Manners,
    /// What the user types the moment an edit arrives, before it is applied: a buffer's URI and
    /// its new text.
    pub types_at_edit: Option<(String, String)>,
    /// What the user types at the end of a buffer once an edit was applied and before it is
    /// answered.
    pub types_after_edit: Option<(String, String)>,
    /// The open buffers, by the URI under which they were opened.
    pub buffers: BTreeMap<String, Buffer>,
    /// Everything that the server has said without being asked, in order: its notifications,
    /// and its requests with our answer left out.
    pub heard: Vec<Value>,
    /// What the server answered to `initialize`.
    pub server: Value,
    abilities: Abilities,
    writer: Option<Box<dyn Write + Send>>,
    inbox: Receiver<Result<Value, String>>,
    child: Option<Child>,
    id: i64,
    asked: BTreeSet<i64>,
    answers: BTreeMap<i64, (Value, Instant)>,
    /// When the user ran a command last.
    commanded: Option<Instant>,
    faults: Vec<String>,
    /// What was said of messages that could not be decoded.
    refusals: Vec<Value>,
    is_over: bool,
}

/// The model servers of the machine that the tests run on are none of their business: these
/// variables of theirs lead to a port at which nobody answers.
pub const NO_SERVERS: [(&str, &str); 2] = [("OLLAMA_HOST", "127.0.0.1:9"), ("LLAMA_ARG_PORT", "9")];

impl Client {
    /// Starts a program as a server on its standard streams. `environment` is all it gets.
    pub fn spawn(program: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Child {
        Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(NO_SERVERS)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("`{}` could not be started: {error}", program.display()))
    }

    /// Talks to a child process, which must have been spawned with piped standard streams.
    pub fn of_child(mut child: Child, root: &Path, abilities: Abilities) -> Self {
        let writer = child.stdin.take().expect("standard input is piped");
        let reader = child.stdout.take().expect("standard output is piped");
        Self::begin(reader, writer, Some(child), root, abilities)
    }

    /// Talks over any pair of streams.
    pub fn over(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        root: &Path,
        abilities: Abilities,
    ) -> Self {
        Self::begin(reader, writer, None, root, abilities)
    }

    fn begin(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        child: Option<Child>,
        root: &Path,
        abilities: Abilities,
    ) -> Self {
        let (sender, inbox) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            while let Some(message) = frame(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let capabilities = abilities.capabilities();
        let mut client = Self {
            manners: Manners::Honest,
            types_at_edit: None,
            types_after_edit: None,
            buffers: BTreeMap::new(),
            heard: Vec::new(),
            server: Value::Null,
            abilities,
            writer: Some(Box::new(writer)),
            inbox,
            child,
            id: 0,
            asked: BTreeSet::new(),
            answers: BTreeMap::new(),
            commanded: None,
            faults: Vec::new(),
            refusals: Vec::new(),
            is_over: false,
        };
        let uri = uri(root);
        client.server = client
            .request(
                "initialize",
                json!({
                    "processId": std::process::id(),
                    "clientInfo": { "name": "test client", "version": "1" },
                    "rootUri": uri,
                    "workspaceFolders": [{ "uri": uri, "name": "root" }],
                    "capabilities": capabilities,
                }),
            )
            .expect("`initialize` is answered");
        client.notify("initialized", json!({}));
        client
    }

    /// Sends a request and waits for its answer: the result, or the error object.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Sends a request and does not wait.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.id += 1;
        let id = self.id;
        self.asked.insert(id);
        if method == "workspace/executeCommand" {
            self.commanded = Some(Instant::now());
        }
        let mut message = json!({ "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message);
        id
    }

    /// Waits for the answer to a request.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers.contains_key(&id) {
            assert!(self.take_one(deadline), "request {id} is not answered; heard: {:#?}", self.heard);
        }
        self.answered(id).expect("it is there").0
    }

    /// The answer to a request, if it is here, and when it arrived.
    pub fn answered(&mut self, id: i64) -> Option<(Result<Value, Value>, Instant)> {
        let (mut answer, arrived) = self.answers.remove(&id)?;
        let result = match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        };
        Some((result, arrived))
    }

    /// Takes what the server says until a moment.
    pub fn listen(&mut self, until: Instant) {
        while self.take_one(until) {}
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    /// Sends these bytes as a message.
    pub fn send_bytes(&mut self, body: &[u8]) {
        let writer = self.writer.as_mut().expect("the way to the server is open");
        let frame = [format!("content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        writer.write_all(&frame).and_then(|()| writer.flush()).expect("the server reads");
    }

    /// Waits for what the server says of a message that it could not decode.
    pub fn refusal(&mut self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        while self.refusals.is_empty() {
            assert!(self.take_one(deadline), "nothing was refused; heard: {:#?}", self.heard);
        }
        self.refusals.remove(0)
    }

    /// Runs a command of the server.
    pub fn execute(&mut self, command: &str, argument: Value) -> Result<Value, Value> {
        let arguments = if argument.is_null() { json!([]) } else { json!([argument]) };
        self.request("workspace/executeCommand", json!({ "command": command, "arguments": arguments }))
    }

    /// The code actions at a place.
    pub fn code_actions(&mut self, uri: &str, line: u32, character: u32) -> Vec<Value> {
        let at = json!({ "line": line, "character": character });
        let params = json!({
            "textDocument": { "uri": uri },
            "range": { "start": at, "end": at },
            "context": { "diagnostics": [], "triggerKind": 1 },
        });
        match self.request("textDocument/codeAction", params) {
            Ok(Value::Array(actions)) => actions,
            Ok(Value::Null) => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until code actions at a place contain one whose title fits, and runs it.
    pub fn choose(
        &mut self,
        uri: &str,
        (line, character): (u32, u32),
        fits: impl Fn(&str) -> bool,
    ) -> Result<Value, Value> {
        let deadline = Instant::now() + PATIENCE;
        let action = loop {
            let actions = self.code_actions(uri, line, character);
            let found = actions.iter().find(|action| action["title"].as_str().is_some_and(&fits)).cloned();
            match found {
                Some(action) => break action,
                None => assert!(Instant::now() < deadline, "no action fits: {actions:#?}"),
            }
            self.take_one(Instant::now() + Duration::from_millis(20));
        };
        let command = if action["command"].is_object() { action["command"].clone() } else { action };
        self.request(
            "workspace/executeCommand",
            json!({ "command": command["command"], "arguments": command["arguments"] }),
        )
    }

    /// Opens a buffer on a file, with what the disk holds.
    pub fn open(&mut self, path: &Path) -> String {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let uri = uri(path);
        self.open_as(&uri, &text);
        uri
    }

    /// Opens a buffer under exactly this URI.
    pub fn open_as(&mut self, uri: &str, text: &str) {
        self.buffers.insert(uri.to_owned(), Buffer { version: 1, text: text.to_owned() });
        self.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "plaintext", "version": 1, "text": text } }),
        );
    }

    /// The user replaces the text of a buffer.
    pub fn type_text(&mut self, uri: &str, text: &str) {
        let buffer = self.buffers.get_mut(uri).expect("the buffer is open");
        buffer.version += 1;
        buffer.text = text.to_owned();
        let version = buffer.version;
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": version },
                    "contentChanges": [{ "text": text }] }),
        );
    }

    /// The user saves a buffer.
    pub fn save(&mut self, uri: &str) {
        std::fs::write(path_of(uri), &self.buffers[uri].text).expect("a buffer can be saved");
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    }

    /// The text of a buffer.
    pub fn text(&self, uri: &str) -> &str {
        &self.buffers[uri].text
    }

    /// Waits until the server has said something that fits, from the beginning on.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_within(PATIENCE, what, fits)
    }

    /// The same with another patience.
    pub fn wait_for_within(
        &mut self,
        patience: Duration,
        what: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + patience;
        let mut looked_at = 0;
        loop {
            if let Some(message) = self.heard[looked_at..].iter().find(|message| fits(message)) {
                return message.clone();
            }
            looked_at = self.heard.len();
            assert!(self.take_one(deadline), "{what} did not come; heard: {:#?}", self.heard);
        }
    }

    /// Asks until there is an answer, anew each time the server says that the runs have changed.
    pub fn asking<T>(&mut self, what: &str, ask: impl Fn(&mut Self) -> Option<T>) -> T {
        let is_told = |message: &Value| message["method"] == "openexec/runsChanged";
        loop {
            // What is said while it is asked may be newer than the answer.
            self.heard.retain(|message| !is_told(message));
            if let Some(found) = ask(self) {
                return found;
            }
            self.wait_for(what, is_told);
        }
    }

    /// Waits until the server says a message to the user that contains this.
    pub fn wait_for_message(&mut self, part: &str) -> String {
        let fits = |message: &Value| {
            message["method"] == "window/showMessage"
                && message["params"]["message"].as_str().is_some_and(|text| text.contains(part))
        };
        let message = self.wait_for(&format!("a message with `{part}`"), fits);
        message["params"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Leaves properly; the way to the server stays open. Answers its exit status, if it is a
    /// process.
    pub fn leave(&mut self) -> Option<ExitStatus> {
        self.request("shutdown", Value::Null).expect("`shutdown` is answered");
        self.send(json!({ "method": "exit" }));
        self.is_over = true;
        let deadline = Instant::now() + PATIENCE;
        let child = self.child.as_mut()?;
        loop {
            if let Some(status) = child.try_wait().expect("the server can be waited for") {
                return Some(status);
            }
            if Instant::now() > deadline {
                drop(child.kill());
                panic!("the server did not end within {PATIENCE:?} of `exit`");
            }
            // There is nothing else to wait on: the end of a process is seen by looking.
            std::thread::yield_now();
        }
    }

    /// Kills the server, which then owes nobody an answer.
    pub fn kill(&mut self) {
        let child = self.child.as_mut().expect("the server is a process");
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        self.is_over = true;
        self.asked.clear();
    }

    /// Takes one message of the server. False when none came until the deadline.
    fn take_one(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.inbox.recv_timeout(left) {
            Ok(Ok(message)) => self.handle(message),
            Ok(Err(fault)) => self.faults.push(fault),
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => panic!("the server has gone; heard: {:#?}", self.heard),
        }
        true
    }

    fn handle(&mut self, message: Value) {
        let method = message["method"].as_str().map(str::to_owned);
        match (method, message.get("id").cloned()) {
            (Some(method), Some(id)) => {
                self.heard.push(message.clone());
                self.serve(&method, id, &message["params"]);
            }
            (Some(_), None) => self.heard.push(message),
            (None, Some(Value::Null)) => self.refusals.push(message),
            (None, Some(id)) => match id.as_i64().filter(|id| self.asked.remove(id)) {
                Some(id) => drop(self.answers.insert(id, (message, Instant::now()))),
                None => self.faults.push(format!("an answer that nobody asked for: {message}")),
            },
            (None, None) => self.faults.push(format!("neither request nor answer: {message}")),
        }
    }

    /// Answers a request of the server.
    fn serve(&mut self, method: &str, id: Value, params: &Value) {
        let result = match method {
            "workspace/applyEdit" => return self.serve_edit(id, params),
            "window/workDoneProgress/create" if self.abilities.progress => Value::Null,
            "window/showDocument" if self.abilities.show_document => json!({ "success": true }),
            "window/showMessageRequest" if self.manners == Manners::Kate => json!({}),
            "window/showMessageRequest" => Value::Null,
            "client/registerCapability" if self.abilities.rich => Value::Null,
            "workspace/codeLens/refresh" if self.abilities.annotations => Value::Null,
            _ => {
                self.faults.push(format!("the server asks for `{method}`, which we cannot"));
                let error = json!({ "code": -32601, "message": format!("no {method}") });
                return self.send(json!({ "id": id, "error": error }));
            }
        };
        self.send(json!({ "id": id, "result": result }));
    }

    fn serve_edit(&mut self, id: Value, params: &Value) {
        let edit = params["edit"].clone();
        if let Some((uri, text)) = self.types_at_edit.take() {
            self.type_text(&uri, &text);
        }
        let answer = |result: Value| json!({ "id": id, "result": result });
        match self.manners {
            Manners::Honest | Manners::Keeping => {
                let result = match self.apply(&edit) {
                    Ok(()) => json!({ "applied": true }),
                    Err(reason) => json!({ "applied": false, "failureReason": reason }),
                };
                if let Some((uri, more)) = self.types_after_edit.take() {
                    let text = format!("{}{more}", self.text(&uri));
                    self.type_text(&uri, &text);
                }
                self.send(answer(result));
            }
            Manners::Mumbling => {
                self.apply(&edit).unwrap_or_default();
                self.send(answer(Value::Null));
            }
            Manners::Late => {
                self.send(answer(json!({ "applied": true })));
                self.apply(&edit).unwrap_or_default();
            }
            Manners::Liar => self.send(answer(json!({ "applied": true }))),
            Manners::Rejecting => self.send(answer(json!({ "applied": false }))),
            Manners::Silent => {}
            Manners::Mute => self.apply(&edit).unwrap_or_default(),
            Manners::Kate => {
                let is_soon = self.commanded.is_some_and(|at| at.elapsed() <= KATE_PATIENCE);
                let applied = is_soon && self.apply(&unversioned(edit)).is_ok();
                self.send(answer(json!({ "applied": applied })));
            }
            Manners::FirstOnly => {
                for (at, operation) in operations(&edit).iter().enumerate() {
                    let outcome = self.apply(&json!({ "documentChanges": [operation] }));
                    if at == 0 && outcome.is_err() {
                        return self.send(answer(json!({ "applied": false })));
                    }
                }
                self.send(answer(json!({ "applied": true })));
            }
            Manners::Midway => {
                let first = operations(&edit).first().cloned();
                self.apply(&json!({ "documentChanges": [first] })).unwrap_or_default();
                let failed = json!({ "applied": false, "failedChange": 1, "failureReason": "it broke" });
                self.send(answer(failed));
            }
            Manners::Ticking => {
                let mut operations = operations(&edit);
                for operation in &mut operations {
                    if let Some(edits) = operation["edits"].as_array_mut() {
                        edits.truncate(1);
                    }
                }
                self.apply(&json!({ "documentChanges": operations })).unwrap_or_default();
                self.send(answer(json!({ "applied": true })));
            }
        }
    }

    /// Applies an edit as an editor does: into buffers, which are opened where there is none
    /// and are left unsaved.
    pub fn apply(&mut self, edit: &Value) -> Result<(), String> {
        if let Some(changes) = edit["changes"].as_object() {
            for (uri, edits) in changes {
                self.apply_text(uri, None, edits)?;
            }
        }
        for operation in edit["documentChanges"].as_array().into_iter().flatten() {
            let of = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
            match operation["kind"].as_str() {
                Some("create") => {
                    let path = path_of(&of("uri"));
                    std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
                        .and_then(|()| std::fs::write(path, ""))
                        .map_err(|error| error.to_string())?;
                }
                Some("delete") => {
                    std::fs::remove_file(path_of(&of("uri"))).map_err(|error| error.to_string())?;
                    if self.manners != Manners::Keeping {
                        self.close(&of("uri"));
                    }
                }
                Some("rename") => {
                    let [old, new] = [of("oldUri"), of("newUri")];
                    std::fs::rename(path_of(&old), path_of(&new)).map_err(|error| error.to_string())?;
                    if let Some(buffer) = self.close(&old) {
                        self.open_as(&new, &buffer.text);
                    }
                }
                _ => {
                    let document = &operation["textDocument"];
                    let uri = document["uri"].as_str().ok_or("no uri")?;
                    let version = document.get("version").ok_or("`version` is missing")?;
                    self.apply_text(uri, version.as_i64(), &operation["edits"])?;
                }
            }
        }
        Ok(())
    }

    /// The user closes a buffer.
    pub fn close(&mut self, uri: &str) -> Option<Buffer> {
        let closed = self.buffers.remove(uri);
        if closed.is_some() {
            self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
        }
        closed
    }

    fn apply_text(&mut self, uri: &str, version: Option<i64>, edits: &Value) -> Result<(), String> {
        if !self.buffers.contains_key(uri) {
            self.open(&path_of(uri));
        }
        let buffer = self.buffers.get(uri).ok_or_else(|| format!("`{uri}` is not spelt as it was opened"))?;
        if version.is_some_and(|version| version != i64::from(buffer.version)) {
            return Err(format!("`{uri}` is at version {}", buffer.version));
        }
        let text = edited(&buffer.text, edits, self.abilities.encoding())?;
        self.type_text(uri, &text);
        Ok(())
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        let writer = self.writer.as_mut().expect("the way to the server is open");
        write!(writer, "Content-Length: {}\r\n\r\n{body}", body.len())
            .and_then(|()| writer.flush())
            .expect("the server reads");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(child) = &mut self.child {
                drop(child.kill());
            }
            return;
        }
        if !self.is_over {
            self.leave();
        }
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Ok(message) => self.handle_at_end(message),
                Err(fault) => self.faults.push(fault),
            }
        }
        let unanswered = &self.asked;
        assert!(unanswered.is_empty(), "the server never answered the requests {unanswered:?}");
        assert!(self.refusals.is_empty(), "the server could not decode a message: {:#?}", self.refusals);
        assert!(self.answers.is_empty(), "nobody looked at the answers {:#?}", self.answers);
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }
}

impl Client {
    /// After `exit` the server is not answered any more.
    fn handle_at_end(&mut self, message: Value) {
        if message.get("method").is_some() {
            self.heard.push(message);
        } else {
            self.handle(message);
        }
    }
}

/// The changes of an edit, in order.
fn operations(edit: &Value) -> Vec<Value> {
    edit["documentChanges"].as_array().cloned().unwrap_or_default()
}

/// The same edit for a client that ignores versions.
fn unversioned(edit: Value) -> Value {
    let mut operations = operations(&edit);
    for operation in &mut operations {
        if operation["textDocument"].is_object() {
            operation["textDocument"]["version"] = Value::Null;
        }
    }
    if operations.is_empty() { edit } else { json!({ "documentChanges": operations }) }
}

/// One frame; `None` at the end of the stream.
fn frame(reader: &mut impl std::io::BufRead) -> Option<Result<Value, String>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", bytes)) => length = bytes.parse::<usize>().ok(),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => return Some(Err(format!("not a header: {line:?}"))),
        }
    }
    let Some(length) = length else {
        return Some(Err("a frame without a length".to_owned()));
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).map_err(|error| format!("a frame that is not JSON: {error}")))
}

/// A text after edits, whose ranges all mean the text before. Overlapping edits, and ranges
/// beyond the end, are refused, as strict editors do.
fn edited(text: &str, edits: &Value, encoding: PositionEncoding) -> Result<String, String> {
    let document = Document::new(text);
    let mut replacements = Vec::new();
    for edit in edits.as_array().ok_or("no edits")? {
        let byte = |side: &str| {
            let position: Position =
                serde_json::from_value(edit["range"][side].clone()).map_err(|error| error.to_string())?;
            document.byte_of(position, encoding).map_err(|error| error.to_string())
        };
        let new = edit["newText"].as_str().ok_or("no newText")?;
        replacements.push((byte("start")?, byte("end")?, new));
    }
    replacements.sort();
    let mut result = text.to_owned();
    let mut floor = text.len();
    for (start, end, new) in replacements.into_iter().rev() {
        if end > floor || start > end {
            return Err("edits overlap".to_owned());
        }
        result.replace_range(start..end, new);
        floor = start;
    }
    Ok(result)
}

/// The URI of a path.
pub fn uri(path: &Path) -> String {
    lsp_types::Url::from_file_path(path).expect("the path is absolute").into()
}

/// The path of a URI.
pub fn path_of(uri: &str) -> PathBuf {
    lsp_types::Url::parse(uri).expect("it is a URI").to_file_path().expect("it names a file")
}
