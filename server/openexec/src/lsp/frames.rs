//! The messages of an editor, taken out of its stream one by one before tower-lsp sees them.
//!
//! tower-lsp ends the whole server at the first message that it cannot decode. So only what it
//! can decode is handed on: of everything else, the sender is told what was wrong with it, and
//! the next message is another matter. Nothing in here knows what a message is for.

mod message;

use self::message::{Refusal, judged, refusal};
use crate::limits::{HEADER_LINE_BYTES_MAX, MESSAGE_BYTES_MAX};
use tokio::io::AsyncRead;
use tokio_util::bytes::{Buf as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, FramedRead};
use tokio_util::io::StreamReader;
use tower_lsp::jsonrpc::ErrorCode;

pub(super) use self::message::{REFUSED, refused};

/// The same stream with only what tower-lsp can decode.
pub(super) fn decodable<I: AsyncRead>(input: I) -> impl AsyncRead {
    StreamReader::new(FramedRead::new(input, Frames::default()))
}

/// Where in the stream we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between two messages, or in the headers of one.
    Headers(Headers),
    /// Before this many bytes of a message.
    Body(usize),
    /// Before this many bytes that are passed over.
    Excess(usize),
}

/// What the headers have said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Headers {
    length: Option<usize>,
    /// Whether anything stood there at all.
    began: bool,
}

/// From bytes to the messages that are handed on, each with its header.
#[derive(Debug)]
struct Frames {
    place: Place,
}

impl Default for Frames {
    fn default() -> Self {
        Self { place: Place::Headers(Headers::default()) }
    }
}

impl Decoder for Frames {
    type Item = Bytes;
    type Error = std::io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        loop {
            let handed_on = match self.place {
                Place::Headers(headers) => {
                    let Some(line) = line(source) else { return Ok(None) };
                    self.header(headers, &line)
                }
                Place::Body(length) if source.len() < length => return Ok(None),
                Place::Body(length) => {
                    self.place = Place::Headers(Headers::default());
                    judged(source.split_to(length).freeze())
                }
                Place::Excess(left) if source.len() < left => {
                    self.place = Place::Excess(left - source.len());
                    source.clear();
                    return Ok(None);
                }
                Place::Excess(left) => {
                    source.advance(left);
                    self.place = Place::Headers(Headers::default());
                    vec![refusal(&Refusal::of_nobody(ErrorCode::InvalidRequest, too_long()))]
                }
            };
            if !handed_on.is_empty() {
                return Ok(Some(framed(&handed_on)));
            }
        }
    }

    /// A message that is cut off by the end of the stream is none.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        let last = self.decode(source)?;
        if last.is_none() {
            source.clear();
        }
        Ok(last)
    }
}

impl Frames {
    /// Takes a line of the headers, and answers what is handed on because of it.
    fn header(&mut self, mut headers: Headers, line: &[u8]) -> Vec<Bytes> {
        if line.is_empty() {
            self.place = match headers.length {
                Some(length) if length > MESSAGE_BYTES_MAX => Place::Excess(length),
                Some(length) => Place::Body(length),
                None => Place::Headers(Headers::default()),
            };
            let is_message = headers.length.is_some() || !headers.began;
            return if is_message { Vec::new() } else { vec![no_length()] };
        }
        headers.began = true;
        if let Some(length) = length_of(line) {
            headers.length = length;
        }
        self.place = Place::Headers(headers);
        Vec::new()
    }
}

/// The next line without its end. One that goes on for ever is passed over as it comes.
fn line(source: &mut BytesMut) -> Option<Bytes> {
    let Some(end) = source.iter().position(|byte| *byte == b'\n') else {
        if source.len() > HEADER_LINE_BYTES_MAX {
            source.clear();
        }
        return None;
    };
    let line = source.split_to(end).freeze();
    source.advance(1);
    let length = line.strip_suffix(b"\r").unwrap_or(&line).len();
    Some(line.slice(..length))
}

const LENGTH: &[u8] = b"Content-Length";

/// What a header says of the length; inside, nothing if that is no number. The names of headers
/// are the same in any case. What stands before the name is the rest of a message that was longer
/// than its own header said, and no reason to pass over this one.
fn length_of(line: &[u8]) -> Option<Option<usize>> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    let (name, value) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?.trim_ascii());
    let name = name.get(name.len().checked_sub(LENGTH.len())?..)?;
    let number = || std::str::from_utf8(value).ok()?.parse().ok();
    name.eq_ignore_ascii_case(LENGTH).then(number)
}

fn no_length() -> Bytes {
    let message = "headers without a `Content-Length` in bytes; the message behind them is passed over";
    refusal(&Refusal::of_nobody(ErrorCode::ParseError, message.to_owned()))
}

fn too_long() -> String {
    format!("the message is longer than {MESSAGE_BYTES_MAX} bytes and was passed over")
}

fn framed(messages: &[Bytes]) -> Bytes {
    let mut frames = BytesMut::new();
    for message in messages {
        frames.extend_from_slice(format!("Content-Length: {}\r\n\r\n", message.len()).as_bytes());
        frames.extend_from_slice(message);
    }
    frames.freeze()
}

#[cfg(test)]
mod tests;
