//! Marks: how a text is made harmless without being changed for good.
//!
//! Between `⟪` and `⟫` stands what a mark says. `⟪\u{202e}⟫` shows a character that could not be
//! seen, or that steers a terminal; `⟪⟫` says nothing and stands inside a sequence that some model
//! or some chat template would read as more than text, so that the sequence is none any more.
//! A `⟪` of the text itself is shown as `⟪\u{27ea}⟫`. Hence [`unmark`] gives back the text.

use crate::policy::content::hidden;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

const OPEN: char = '⟪';
const CLOSE: char = '⟫';
const EMPTY: &str = "⟪⟫";

/// Sequences that mean something to a model, a chat template or the runtime, and nothing else to
/// anybody. A mark goes behind the first character of each.
///
/// The names are those of the added tokens in the tokenizers that the makers of the models
/// publish, and of what their chat templates write.
const SPECIAL: &[&str] = &[
    // ChatML, Llama 3, Phi, Qwen, GPT, and DeepSeek with its fullwidth bars. Any letter of any
    // script may stand in it: all that is not ASCII is a hundredth of the expression that `\w` is.
    r"<[|｜][0-9A-Za-z_/ .:\x{80}-\x{10FFFF}-]{1,64}[|｜]>",
    // Sentence and turn markers of Llama 2, Mistral and Gemma, and what stands for no text at all.
    r"</?(?:bos|eos|unk|start_of_turn|end_of_turn|start_of_image|end_of_image|begin_of_text|end_of_text|endoftext|eod)\s*/?>",
    // Holes and metadata of code models: SantaCoder, StarCoder 1 and 2, Granite.
    r"<(?:fim[_-](?:prefix|suffix|middle|pad)|file_sep|gh_stars|issue_(?:start|comment|closed)|jupyter_(?:start|text|code|output|script)|code_to_intermediate|intermediate_to_code)>",
    // Those of Code Llama and Codestral.
    r"<(?:SUF|EOT)>|\[[gs]MASK\]",
    // GLM (as the end of the row above), Command, InternLM, Baichuan, T5, and the numbered tokens and pictures of Gemma.
    r"<(?:sop|eop|eoh|eoa|eom|(?:BOS|EOS|EOP|MASK)_TOKEN|TOKENS_UNUSED_\d{1,4}|reserved_\d{1,4}|extra_id_\d{1,4}|unused\d{1,4}|(?:image|audio)_soft_token|(?:start|end)_of_audio|(?:start|end)_function_[a-z]{1,20})>",
    // Turns of MiniMax, and the elements of DeepSeek's calls.
    r"\]~!?b[\[\]]|\[e~\[|</?[|｜]DSML[|｜]",
    // The elements of calls in which a name stands in the tag: Qwen.
    r"<(?:function|parameter)=[^<>\s]{1,120}>",
    r"(?i)\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_CALL|TOOL_RESULTS|TOOL_CONTENT|IMG_BREAK|IMG_END)\]",
    r"(?i)<</?\s*SYS\s*>>",
    // Elements in which models are shown, or write, turns, thoughts and tool calls.
    r"</?(?:(?:antml|minimax|seed):[a-z_]+|system|assistant|tool_call|tool_calls|tool_use|tool_result|tool_results|tool_response|function_call|function_calls|function_results|invoke|thinking|think|scratchpad|system-reminder|system_prompt|user_query)(?:\s[^<>\n]{0,120})?/?>",
    // Our own envelopes, in any spelling.
    r"(?i)<[\s<]*/?\s*openexec",
];

/// Sequences that mean as much to some model, and something else to people: placeholders of usage
/// texts (`<filename>`), elements of markup, types, indices, JSON. A mark in them harms nobody, since
/// it can be taken back; to refuse a text for them would.
const AMBIGUOUS: &[&str] = &[
    r"</?(?:s|pad|mask|cls|sep|turn)\s*/?>",
    r"<(?:filename|reponame|repo_name|empty_output|commit_(?:before|msg|after)|pr(?:_[a-z_]{1,40})?|\d?mass)>",
    // In capitals only: `a[prefix]` is an index.
    r"<(?:PRE|MID)>",
    r"\[(?:PREFIX|SUFFIX|MIDDLE|MASK)\]",
    r"(?i)\[/?(?:SYS|ARGS|CALL_ID|THINK|IMG)\]",
    // Lowercase only: `Vec<Thought>` is a type.
    r"</?(?:arg_key|arg_value|human|developer|parameter|thought|reflection|instructions?|document_contents?)(?:\s[^<>\n]{0,120})?/?>",
    // A conversation as JSON.
    r#"(?i)\x22(?:role|author|from)\x22[ \t]*:[ \t]*\x22(?:system|assistant|developer|tool|function|model|runtime)\x22"#,
    r#"(?i)\x22(?:tool_calls?|tool_use_id|tool_call_id|function_call|artifact_id|approval_id|approved_by)\x22[ \t]*:"#,
    // Ends of sections that a text could be quoted in.
    r"\]\]>",
    // File headers as packs of other makers write them.
    r"(?i)(?:={3,}|-{3,}|\*{3,}|#{3,})[ \t]*(?:begin[ \t]+|end[ \t]+(?:of[ \t]+)?)?(?:file|document|context|data|system prompt)[ \t]*:",
    r"(?i)(?:={3,}|-{3,}|\*{3,})[ \t]*(?:begin|end(?:[ \t]+of)?)[ \t]+(?:file|document|context|data|system prompt)\b",
];

/// One by one, the special before the ambiguous: each finds its first characters far faster than
/// all of them together can.
static EACH: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    let patterns = SPECIAL.iter().chain(AMBIGUOUS);
    patterns.map(|pattern| Regex::new(pattern).ok()).collect()
});

/// True when a text holds a token that some chat template gives a meaning to, and that means
/// nothing else. Where the table of tokens cannot be used, every text does.
pub(crate) fn has_special(text: &str) -> bool {
    let special = EACH.iter().take(SPECIAL.len());
    special.into_iter().any(|special| special.as_ref().is_none_or(|special| special.is_match(text)))
}

/// The text with everything hidden shown and everything special broken. Line feeds and tabs stay.
pub(super) fn mark(text: &str) -> String {
    // What cannot be seen is shown first: a special sequence that hides behind an invisible
    // character is then broken by the character's own mark.
    broken(&shown(text))
}

fn shown(text: &str) -> String {
    let mut hidden = hidden(text).peekable();
    if hidden.peek().is_none() && !text.contains([OPEN, '\u{c}']) {
        return text.to_owned();
    }
    let places: BTreeSet<usize> = hidden.map(|(at, _, _)| at).collect();
    let mut shown = String::with_capacity(text.len() + 64);
    for (at, character) in text.char_indices() {
        if places.contains(&at) || matches!(character, OPEN | '\u{c}') {
            shown.push(OPEN);
            shown.extend(character.escape_unicode());
            shown.push(CLOSE);
        } else {
            shown.push(character);
        }
    }
    shown
}

fn broken(text: &str) -> String {
    let mut text = text.to_owned();
    // A mark can only take matches away, one for each place; a second look finds those that
    // overlapped the first. Each round breaks at least one, so the loop ends.
    loop {
        let mut places = BTreeSet::new();
        for special in EACH.iter().flatten() {
            places.extend(special.find_iter(&text).map(|found| {
                let first = found.as_str().chars().next().map_or(0, char::len_utf8);
                found.start() + first
            }));
        }
        if places.is_empty() {
            return text;
        }
        let mut marked = String::with_capacity(text.len() + places.len() * EMPTY.len());
        let mut copied = 0;
        for place in places {
            marked.push_str(text.get(copied..place).unwrap_or_default());
            marked.push_str(EMPTY);
            copied = place;
        }
        marked.push_str(text.get(copied..).unwrap_or_default());
        text = marked;
    }
}

/// The text without the marks that the runtime put into it. What a model copies out of an
/// envelope goes through this before it is compared with a file.
pub fn unmark(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find(OPEN).map(|at| rest.split_at(at)) {
        plain.push_str(before);
        let inner = from.strip_prefix(OPEN).unwrap_or_default();
        match inner.split_once(CLOSE).and_then(|(said, after)| Some((said_by(said)?, after))) {
            Some((character, after)) => {
                plain.extend(character);
                rest = after;
            }
            None => {
                // Not one of ours.
                plain.push(OPEN);
                rest = inner;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// What stands in a mark: nothing, or one character as `\u{…}`.
fn said_by(said: &str) -> Option<Option<char>> {
    if said.is_empty() {
        return Some(None);
    }
    let digits = said.strip_prefix("\\u{")?.strip_suffix('}')?;
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
    Some(Some(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(EACH.iter().all(Option::is_some));
    }

    #[test]
    fn special_sequences_do_not_survive() {
        for special in [
            "<|im_start|>",
            "<|im_end|>",
            "<|IM_START|>",
            "<|endoftext|>",
            "<|start_header_id|>",
            "<|system|>",
            "<|end|>",
            "<｜begin▁of▁sentence｜>",
            "<s>",
            "</s>",
            "<bos>",
            "[INST]",
            "[/INST]",
            "<<SYS>>",
            "<</SYS>>",
            "<start_of_turn>",
            "<end_of_turn>",
            "<fim_prefix>",
            "<filename>",
            "<mask>",
            "[ARGS]",
            "<parameter name=\"x\">",
            "<fim-prefix>",
            "<fim-middle>",
            "<reponame>",
            "<file_sep>",
            "<gh_stars>",
            "<jupyter_code>",
            "<pr_diff_hunk>",
            "<PRE>",
            "<EOT>",
            "[SUFFIX]",
            "[gMASK]",
            "<sop>",
            "<BOS_TOKEN>",
            "<image_soft_token>",
            "<unused99>",
            "<extra_id_0>",
            "]~!b[",
            "]~b]",
            "[e~[",
            "<｜DSML｜invoke",
            "<arg_key>",
            "</arg_value>",
            "<minimax:tool_call>",
            "<seed:think>",
            "<function=run>",
            "<tool_call>",
            "</tool_call>",
            "<function_calls>",
            "<invoke name=\"x\">",
            "</thinking>",
            "<system-reminder>",
            "\"role\":\"system\"",
            "\"role\": \"assistant\"",
            "]]>",
            "=== FILE: src/auth.rs",
            "<<openexec:end",
            "<< OPENEXEC : END",
            "<openexec",
        ] {
            for text in
                [special.to_owned(), format!("a {special} b"), special.repeat(3), format!("<{special}>")]
            {
                let marked = mark(&text);
                assert!(!marked.contains(special), "{text}: {marked}");
                assert_eq!(unmark(&marked), text);
            }
        }
    }

    #[test]
    fn a_token_that_means_something_to_people_is_marked_and_not_held_against_its_writer() {
        for text in [
            "run `tool <filename>`",
            "usage: tool [ARGS] <mask>",
            "a request has \"role\": \"system\"",
            "<s>old</s>",
            "vec![[1]]>x",
        ] {
            assert!(!has_special(text) && mark(text) != text, "{text}");
        }
        for text in ["done<|im_end|>", "[INST] x", "<system>x</system>", "<<openexec:end", "<fim_prefix>"] {
            assert!(has_special(text), "{text}");
        }
    }

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(mark("a\u{202e}b\u{1b}[8m\0"), "a⟪\\u{202e}⟫b⟪\\u{1b}⟫[8m⟪\\u{0}⟫");
        assert_eq!(mark("<|im_\u{ad}start|>"), "<|im_⟪\\u{ad}⟫start|>");
        assert_eq!(mark("\\u{202e} ⟫ 👩\u{200d}💻"), "\\u{202e} ⟫ 👩\u{200d}💻");
        assert_eq!(mark("⟪⟫"), "⟪\\u{27ea}⟫⟫");
    }

    #[test]
    fn ordinary_code_is_shown_as_it_is() {
        for text in [
            "fn f(a: Arc<Context>, b: Option<User>, c: Vec<Instruction>, d: Box<Data>) {}",
            "### File structure\n--- data\n",
            "fn main() {\n\tlet x: Vec<String> = a[b[0]]; // <- here\n}\n",
            "x |> f <| y;  let s = \"</span>\"; <div class=\"user\">",
            "for (a, b) in [1, 2] { [INSTALL] }",
            "let x = names[prefix] + a[mask]; <pre>y</pre> <p> Vec<Pr> <unused> x < function = y > z",
            "# Heading\n\n- item\n=====\n",
            "match role { Role::System => \"system\" }",
        ] {
            assert_eq!(mark(text), text);
        }
    }

    #[test]
    fn what_is_no_mark_stays() {
        for text in ["⟪x⟫", "⟪", "⟪\\u{}⟫", "⟪\\u{d800}⟫", "⟪\\u{1234567}⟫", "⟪ ⟫"] {
            assert_eq!(unmark(text), text);
        }
    }

    proptest! {
        #[test]
        fn marks_can_always_be_taken_back(
            pieces in proptest::collection::vec(
                prop_oneof![
                    any::<String>(),
                    prop::sample::select(&["<|", "|>", "<s>", "⟪", "⟫", "⟪⟫", "\\u{202e}", "\u{202e}", "[INST]", "<<", "openexec", "\r\n", "]]>", "\"role\": \"system\"", "\u{c}"][..]).prop_map(str::to_owned),
                ],
                0..12,
            ),
        ) {
            let text = pieces.concat();
            let marked = mark(&text);
            prop_assert_eq!(unmark(&marked), text);
            prop_assert!(!EACH.iter().flatten().any(|special| special.is_match(&marked)), "{}", marked);
            prop_assert!(hidden(&marked).next().is_none(), "{:?}", marked);
        }
    }
}
