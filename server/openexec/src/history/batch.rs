//! One `git cat-file --batch` for many objects.

use super::HistoryError;
use super::git::Git;
use crate::limits::HISTORY_TIMEOUT_MS;
use openexec_engine::limits::FILE_BYTES_MAX;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What one question is answered with: the bytes, or nothing where there is no such blob.
type Answer = std::io::Result<Option<Vec<u8>>>;

/// The process. It ends with this value.
pub(super) struct Batch {
    child: Child,
    questions: ChildStdin,
    answers: mpsc::Receiver<Answer>,
}

impl Batch {
    pub(super) fn start(git: &Git) -> Result<Self, HistoryError> {
        let mut child = git.start(&["cat-file", "--batch"], Stdio::piped())?;
        let (Some(questions), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(HistoryError::Refused { asked: "cat-file".to_owned() });
        };
        let (send, answers) = mpsc::channel();
        // Reads ahead of nobody: git prints only what it was asked for.
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let answer = answer(&mut stdout);
                let is_last = answer.is_err();
                if send.send(answer).is_err() || is_last {
                    break;
                }
            }
        });
        Ok(Self { child, questions, answers })
    }

    /// The content of a blob.
    pub(super) fn content(&mut self, object: &str) -> Result<Option<Vec<u8>>, HistoryError> {
        if object.contains('\n') {
            return Ok(None);
        }
        self.questions.write_all(format!("{object}\n").as_bytes())?;
        match self.answers.recv_timeout(Duration::from_millis(HISTORY_TIMEOUT_MS)) {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                Err(HistoryError::TimedOut { asked: "cat-file".to_owned(), limit_ms: HISTORY_TIMEOUT_MS })
            }
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads one answer: a line with the object's kind and size, then its bytes and a line break.
fn answer(stdout: &mut BufReader<ChildStdout>) -> Answer {
    let mut head = String::new();
    if stdout.read_line(&mut head)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut words = head.trim_end_matches('\n').rsplit(' ');
    let (last, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Ok(size) = last.parse::<u64>() else {
        // `missing`, `ambiguous`: no object, and no bytes.
        return Ok(None);
    };
    if kind != "blob" || size > FILE_BYTES_MAX as u64 {
        std::io::copy(&mut stdout.by_ref().take(size + 1), &mut std::io::sink())?;
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    stdout.read_exact(&mut bytes)?;
    stdout.read_exact(&mut [0])?;
    Ok(Some(bytes))
}
